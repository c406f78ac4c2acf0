"""A manifest is read back as it was written, and whatever is unclear in it is refused."""

import json
from dataclasses import replace

import pytest

from include.contract import keys
from include.contract.manifest import Manifest, check_file, describe_file, parse_manifest
from include.contract.schema import InputField, Target
from include.contract.verdicts import Budgets, Thresholds
from include.errors import ManifestError

MANIFEST = Manifest(
    pipeline="sites",
    version="20261121T020513Z-3f9a1c2b",
    created_at="2026-11-21T02:05:13+00:00",
    files={"model.onnx": describe_file(b"graph")},
    inputs=(
        InputField("having_IP_Address", "int8", (-1, 1), "the host is an IP address"),
        InputField("score", "float32", None, ""),
    ),
    target="phishing",
    labels={"0": "Legitimate", "1": "Phishing"},
    thresholds=Thresholds(0.61, 0.5),
    budgets=Budgets(0.001),
    metrics={"test": {"accuracy": 0.95}},
    snapshot={"digest": "0" * 32, "rows": {"train": 10}},
    code_commit="abc",
    libraries={"python": "3.11.7"},
    seed=0,
    model={"family": "ExtraTrees", "params": {}},
)


def changed(**fields):
    document = json.loads(MANIFEST.to_json())
    for name, value in fields.items():
        if value is None:
            del document[name]
        else:
            document[name] = value
    return json.dumps(document).encode()


def test_a_manifest_is_read_back_as_it_was():
    assert parse_manifest(MANIFEST.to_json()) == MANIFEST


def test_equal_manifests_give_equal_bytes():
    reordered = replace(MANIFEST, labels={"1": "Phishing", "0": "Legitimate"})

    assert reordered.to_json() == MANIFEST.to_json()


def test_unknown_fields_are_kept():
    parsed = parse_manifest(changed(from_the_future=[1, 2]))

    assert json.loads(parsed.to_json())["from_the_future"] == [1, 2]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"", "malformed", id="empty"),
        pytest.param(b"[]", "not a JSON object", id="a-list"),
        pytest.param(b"[" * 100_000, "malformed", id="deep"),
        pytest.param(
            changed(schema_version=1), "schema version 1.*train a new version", id="schema-version"
        ),
        pytest.param(changed(thresholds=None), "thresholds", id="no-thresholds"),
        pytest.param(changed(thresholds={"block": 0.9}), "review", id="no-review-threshold"),
        pytest.param(
            changed(thresholds={"block": 1.5, "review": 0.5}), "within 0 to 1", id="above-one"
        ),
        pytest.param(
            changed(thresholds={"block": 0.3, "review": 0.4}), "do not rise", id="falling"
        ),
        pytest.param(
            changed(thresholds={"block": 0.9, "review": 0.6}), "above 0.5", id="review-above-half"
        ),
        pytest.param(changed(inputs=[]), "no inputs", id="no-inputs"),
        pytest.param(
            changed(inputs=[{"name": "a", "dtype": "int8"}] * 2), "twice", id="input-twice"
        ),
        pytest.param(
            changed(files={"../model.onnx": {"sha256": "", "size_bytes": 1}}),
            "cannot be the name",
            id="file-outside",
        ),
        pytest.param(changed(version="latest"), "cannot be the name", id="version"),
        pytest.param(changed(labels={"1": "Phishing"}), "malformed", id="one-label"),
    ],
)
def test_a_manifest_that_is_not_clear_is_refused(body, message):
    with pytest.raises(ManifestError, match=message):
        parse_manifest(body)


@pytest.mark.parametrize(
    "body", [pytest.param(b"grap", id="truncated"), pytest.param(b"grapH", id="one-byte")]
)
def test_a_file_must_be_what_the_manifest_says(body):
    with pytest.raises(ManifestError, match=r"model\.onnx"):
        check_file("model.onnx", body, MANIFEST.files["model.onnx"])


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: keys.approved("../sites"), id="pipeline"),
        pytest.param(lambda: keys.version_file("sites", "v1", "model.onnx"), id="version"),
        pytest.param(
            lambda: keys.version_file("sites", MANIFEST.version, "../x"), id="file-with-a-path"
        ),
        pytest.param(lambda: keys.snapshot_part("sites", "XYZ", 0), id="digest"),
        pytest.param(lambda: keys.run_file("sites", "r", "a/../b"), id="run-file"),
    ],
)
def test_a_key_cannot_leave_its_folder(call):
    with pytest.raises(ManifestError):
        call()


def test_a_run_id_is_made_safe_for_a_key():
    run_id = "manual__2026-11-21T02:05:13.123+00:00"

    assert keys.quarantine("sites", run_id) == (
        "quarantine/sites/manual__2026-11-21T02_05_13.123_00_00.parquet"
    )


def test_history_keys_sort_by_serial():
    assert keys.history("sites", 9) < keys.history("sites", 10)


def test_minus_one_is_phishing_in_the_uci_file():
    target = Target(source="Result", positive=-1, negative=1)

    assert target.encode([-1, 1, -1]).tolist() == [1, 0, 1]


def test_an_unknown_label_is_named():
    with pytest.raises(ValueError, match=r"Result: .*0.* is not a label"):
        Target(source="Result", positive=-1, negative=1).encode([-1, 0])
