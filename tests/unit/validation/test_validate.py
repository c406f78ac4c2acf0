"""What is decided of frames that are sound, and of those that are broken in each known way."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest

from include.errors import DataRejectedError, ManifestError, ValidationBrokenError
from include.validation.validate import validate
from tests.support.validation import GX_ROOT, RUN_ID


def type_errors(ids, column, value, kind):
    return pd.DataFrame({"_id": ids, "column": column, "value": value, "bson_type": kind})


def test_sound_records_are_all_accepted(frame, apply_gate):
    outcome = apply_gate(frame)

    outcome.raise_if_rejected()
    pd.testing.assert_frame_equal(outcome.accepted, frame)
    assert outcome.quarantined.empty
    assert list(outcome.quarantined.columns) == [*frame.columns, "reasons"]
    assert (outcome.failures, outcome.warnings) == ((), ())


def test_one_bad_row_in_a_thousand_is_quarantined_and_the_rest_goes_on(frame, apply_gate):
    frame.loc[[3, 1500], "SFH"] = 7

    outcome = apply_gate(frame)

    outcome.raise_if_rejected()
    assert outcome.quarantined["_id"].tolist() == ["record-3", "record-1500"]
    assert outcome.quarantined["reasons"].tolist() == ["SFH holds 7, allowed are -1, 0 and 1"] * 2
    assert len(outcome.accepted) == 1998
    assert outcome.statistics["quarantined"] == 2


def test_a_row_with_several_faults_carries_each_reason(frame, apply_gate):
    frame.loc[5, ["port", "Result"]] = [0.5, np.nan]

    outcome = apply_gate(frame)

    assert set(outcome.quarantined.loc[0, "reasons"].split("; ")) == {
        "port holds 0.5, allowed are -1 and 1",
        "Result is missing",
    }


def test_missing_inputs_are_accepted(frame, apply_gate):
    frame.loc[:99, "SFH"] = np.nan

    outcome = apply_gate(frame)

    outcome.raise_if_rejected()
    assert outcome.quarantined.empty
    assert outcome.statistics["missing_share"]["SFH"] == 0.05


def _absent(frame):
    return frame.drop(columns=["SFH", "Result"])


def _blank(frame):
    return frame.assign(SFH=np.float32("nan"))


def _constant(frame):
    return frame.assign(Result=np.float32(1))


def _lopsided(frame):
    return frame.assign(Result=np.where(np.arange(len(frame)) < 40, -1, 1).astype(np.float32))


def _tenth_bad(frame):
    return frame.assign(port=frame["port"].mask(np.arange(len(frame)) % 10 == 0, 3))


def _unlabelled(frame):
    return frame.assign(Result=np.float32("nan"))


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        pytest.param(_absent, "columns missing from the records: Result, SFH", id="absent columns"),
        pytest.param(_blank, "only 0.0% of the records hold SFH; at least 70%", id="all missing"),
        pytest.param(_constant, "Result never holds -1", id="constant label"),
        pytest.param(_lopsided, "one class has less than 5% of the records", id="lopsided label"),
        pytest.param(_unlabelled, "most often (2000) Result is missing", id="no labels"),
        pytest.param(
            _tenth_bad, "200 of 2000 records (10.00%) break a rule and at most 1.00% may", id="10 %"
        ),
        pytest.param(lambda frame: frame.iloc[:0], "there are 0 records", id="no rows"),
        pytest.param(lambda frame: frame.iloc[:499], "there are 499 records", id="too few rows"),
    ],
)
def test_a_broken_set_is_rejected_with_the_reason(frame, apply_gate, broken, sentence):
    outcome = apply_gate(broken(frame))

    assert any(sentence in failure for failure in outcome.failures)
    with pytest.raises(DataRejectedError, match=r"^sites: "):
        outcome.raise_if_rejected()
    assert (outcome.docs_dir / "index.html").exists()


def test_an_unknown_column_is_a_warning(frame, apply_gate):
    outcome = apply_gate(frame.assign(colour="red"))

    outcome.raise_if_rejected()
    assert outcome.warnings == ("unknown columns in the records, which training ignores: colour",)


def test_a_value_of_a_wrong_type_puts_its_row_into_quarantine(frame, apply_gate):
    frame.loc[4, "port"] = np.nan
    wrong = type_errors(["record-4"], "port", "abc", "string")

    outcome = apply_gate(frame, type_errors=wrong)

    outcome.raise_if_rejected()
    assert outcome.quarantined[["_id", "reasons"]].to_numpy().tolist() == [
        ["record-4", "port holds 'abc' (string), expected a number"]
    ]


def test_a_column_of_a_wrong_type_rejects_the_set(frame, apply_gate):
    wrong = type_errors(frame["_id"], "port", "{'a': 1}", "object")

    outcome = apply_gate(frame.assign(port=np.float32("nan")), type_errors=wrong)

    expected = "port is of a wrong type in 2000 of 2000 records: it holds {'a': 1} (object)"
    assert any(failure.startswith(expected) for failure in outcome.failures)


def test_many_failures_are_named_up_to_ten(frame, apply_gate):
    blank = frame.assign(**dict.fromkeys(frame.columns[2:21], np.float32("nan")))

    with pytest.raises(DataRejectedError, match="and 9 more, see the Data Docs"):
        apply_gate(blank).raise_if_rejected()


def test_duplicates_and_contradictions_are_counted(frame, apply_gate):
    first = frame.iloc[[0, 0, 0]].assign(_id=["duplicate", "other", "third"])
    first["Result"] = np.array([1, 1, -1], dtype=np.float32) * frame.loc[0, "Result"]

    statistics = apply_gate(pd.concat([frame, first], ignore_index=True)).statistics

    assert statistics["duplicate_rows"] == 2
    assert (statistics["contradictory_vectors"], statistics["contradictory_rows"]) == (1, 4)
    json.dumps(statistics, allow_nan=False)


def test_the_repository_is_only_read(frame, apply_gate):
    def digests():
        files = sorted(path for path in GX_ROOT.rglob("*") if path.is_file())
        return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = digests()
    apply_gate(frame)

    assert digests() == before


def test_a_repeated_run_replaces_its_pages(frame, apply_gate):
    first = apply_gate(frame)
    again = apply_gate(frame)

    pages = list(again.docs_dir.glob("validations/sites/*/*/*.html"))
    kept = list(again.docs_dir.glob("source/validations/sites/*/*/*.json"))

    assert first.docs_dir == again.docs_dir
    assert (len(pages), len(kept)) == (1, 1)


def write_suite(folder, name, rules, **changes):
    (folder / "expectations").mkdir(parents=True)
    config = (GX_ROOT / "great_expectations.yml").read_text()
    (folder / "great_expectations.yml").write_text(config)
    suite = {"name": name, "meta": {}, "notes": "", "expectations": rules, **changes}
    (folder / "expectations" / f"{name}.json").write_text(json.dumps(suite))
    return folder


def test_a_rule_that_cannot_be_evaluated_is_never_bad_data(frame, apply_gate, tmp_path):
    rule = {
        "type": "expect_column_mean_to_be_between",
        "kwargs": {"column": "colour", "min_value": 0, "max_value": 1},
        "severity": "critical",
        "meta": {"level": "dataset"},
    }
    gx_root = write_suite(tmp_path / "gx_root", "mails", [rule])

    with pytest.raises(ValidationBrokenError, match="mails: expect_column_mean_to_be_between"):
        apply_gate(frame.assign(colour="red"), gx_root=gx_root, suite_name="mails")


def test_another_pipeline_is_only_another_suite(apply_gate, tmp_path):
    rules = [
        {
            "type": "expect_column_values_to_match_regex",
            "kwargs": {"column": "address", "regex": "^https?://"},
            "severity": severity,
            "meta": {"level": "row"},
        }
        for severity in ("critical", "warning")
    ]
    gx_root = write_suite(tmp_path / "gx_root", "mails", rules, meta={"inputs": ["address"]})
    addresses = ["http://a.example/", "javascript:alert(1)", *["https://b.example/"] * 8]
    mails = pd.DataFrame({"_id": [str(i) for i in range(10)], "address": addresses})

    outcome = apply_gate(mails, gx_root=gx_root, suite_name="mails", max_quarantined_share=0.1)

    outcome.raise_if_rejected()
    reason = "address holds javascript:alert(1), against expect_column_values_to_match_regex"
    assert outcome.quarantined["reasons"].tolist() == [reason]
    assert outcome.warnings == (f"address: 1 records (10.0%), for example {reason}",)
    assert outcome.statistics["distinct_vectors"] == 3


@pytest.mark.parametrize(
    ("name", "error"),
    [("nowhere", ValidationBrokenError), ("../sites", ManifestError)],
)
def test_a_suite_is_found_by_its_pipeline_or_refused(frame, tmp_path, name, error):
    with pytest.raises(error):
        validate(
            frame,
            suite_name=name,
            gx_root=GX_ROOT,
            run_id=RUN_ID,
            max_quarantined_share=0.01,
            work_dir=tmp_path,
        )


@pytest.mark.parametrize("text", ["{", '{"name": "ships"}'], ids=["no json", "another name"])
def test_a_suite_that_is_none_is_refused(frame, apply_gate, tmp_path, text):
    gx_root = write_suite(tmp_path / "gx_root", "mails", [])
    (gx_root / "expectations" / "mails.json").write_text(text)

    with pytest.raises(ValidationBrokenError, match=r"mails\.json"):
        apply_gate(frame, gx_root=gx_root, suite_name="mails")
