"""From an answer's id back to records and code, and a version made again: `trace`, `reproduce`."""

import gzip
import json
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pymongo
import pytest

from include import pipelines
from include.contract import keys
from include.contract.manifest import describe_file, parse_manifest
from include.errors import (
    ManifestError,
    PredictionUnknownError,
    SignatureError,
    VersionRefusedError,
)
from include.inference.prediction_ids import day_of, new_id
from include.ingest.load import load_dataset
from include.registry.publish import publish_version
from include.run.lineage.trace import trace
from include.run.run_context import RunContext
from tests.support.cli_session import open_cli_session
from tests.support.signed_versions import Signer
from tests.support.training_run import STARTED_AT, run_training

PIPELINE = pipelines.get("sites")
N_BAD = 4
RECORD = {field.name: 1 for field in PIPELINE.inputs}


class TracedRun:
    """A CLI session, the production version of one run, and its predictions in the traffic log."""

    def __init__(self, cli, pointer, record_ids):
        self.cli, self.store, self.pointer = cli, cli.store, pointer
        self.record_ids = record_ids

    def answer(self, n_rows=0, **changes):
        """The id of an answer that the scorer has written down."""
        response_id = new_id("sites")
        said = {
            "time": "2026-11-21T03:00:00.000+00:00",
            "pipeline": "sites",
            "version": self.pointer.version,
            "serial": self.pointer.serial,
            "inputs": RECORD,
            "probability": 0.97,
            "prediction": "Phishing",
            **changes,
        }
        named = [f"{response_id}-{n}" for n in range(n_rows)] or [response_id]
        lines = [json.dumps({"id": name, **said}) for name in (new_id("sites"), *named)]
        body = gzip.compress("\n".join(lines).encode())
        self.store.put(keys.traffic_file("sites", day_of(response_id), new_id("sites")), body)
        return response_id

    def trace(self, response_id):
        return trace(self.store, [PIPELINE], response_id, self.cli.trusted_keys)

    def manifest(self):
        key = keys.version_file("sites", self.pointer.version, keys.MANIFEST)
        return parse_manifest(self.store.get(key))

    def everything(self):
        """Every key, and the content of what is published."""
        published = {key: self.store.get(key) for key in self.store.keys_under("models/")}
        return set(self.store.keys_under("")), published


@pytest.fixture(scope="module")
def run(tmp_path_factory, mongo_url):
    folder = tmp_path_factory.mktemp("lineage")
    with open_cli_session(folder / "state") as cli, pymongo.MongoClient(mongo_url) as mongo:
        collection = mongo.lineage.sites
        load_dataset(collection, PIPELINE, simulated=True, n_simulated=4_000, cache_dir=folder)
        ids = [document["_id"] for document in collection.find({}, {"_id": 1}).sort("_id")]
        bad = {"_id": {"$in": ids[:N_BAD]}}
        collection.update_many(bad, {"$set": {"SSLfinal_State": 7}})
        pointer, _ = run_training(
            RunContext(cli.store, PIPELINE, "night:1"),
            collection,
            trusted_keys=cli.trusted_keys,
            trainer=cli.trainer,
            approver=cli.approver,
            families=("HistGradientBoosting", "LogisticRegression"),
        )
        yield TracedRun(cli, pointer, ids)
        mongo.drop_database("lineage")


@pytest.fixture
def restored(run):
    """The night; whatever a test does to its objects is undone."""
    before = {key: run.store.get(key) for key in run.store.keys_under("")}
    yield run
    for key in set(run.store.keys_under("")) - before.keys():
        run.store.delete(key)
    for key, body in before.items():
        run.store.put(key, body)


def test_an_answer_leads_to_approval_version_records_and_report(run):
    found = run.trace(run.answer())
    rows = found.rows.set_index("_id")["side"]

    assert found.prediction["inputs"] == RECORD
    assert found.approval == run.pointer
    assert found.manifest.version == run.pointer.version
    assert found.report == keys.version_file("sites", run.pointer.version, keys.REPORT)
    assert found.not_kept == ()
    assert sorted(rows.index) == run.record_ids
    assert set(rows[rows == "quarantined"].index) == set(run.record_ids[:N_BAD])
    used = rows.value_counts().drop("quarantined").to_dict()
    assert used == found.manifest.snapshot["rows"]


def test_a_row_of_a_table_is_found_by_its_own_id_and_the_table_by_its_first_row(run):
    response_id = run.answer(n_rows=12)

    assert run.trace(f"{response_id}-11").prediction["id"] == f"{response_id}-11"
    assert run.trace(response_id).prediction["id"] == f"{response_id}-0"
    with pytest.raises(PredictionUnknownError):
        run.trace(f"{response_id}-12")


def test_an_answer_that_is_not_written_down_is_explained(run):
    written = run.answer()
    of_that_day = f"{written[:-1]}{'1' if written[-1] == '0' else '0'}"
    with pytest.raises(PredictionUnknownError, match="objects holds it"):
        run.trace(of_that_day)
    with pytest.raises(PredictionUnknownError, match="none is kept"):
        run.trace("000000000000700080000000000000ff")
    with pytest.raises(PredictionUnknownError, match="is not an id"):
        run.trace("../models")


@pytest.mark.parametrize(
    ("file", "error"),
    [
        (keys.MANIFEST, ManifestError),
        (keys.REPORT, ManifestError),
        (keys.SIGNATURE, SignatureError),
    ],
)
def test_a_changed_file_is_noticed_on_the_way(restored, file, error):
    key = keys.version_file("sites", restored.pointer.version, file)
    restored.store.put(key, restored.store.get(key) + b" x")
    with pytest.raises(error):
        restored.trace(restored.answer())


def test_an_approval_of_a_stranger_is_noticed(restored, tmp_path):
    stranger = Signer.new(tmp_path, "stranger")
    restored.store.put(keys.history("sites", 1), restored.pointer.to_json(stranger.key))
    with pytest.raises(SignatureError):
        restored.trace(restored.answer())


def test_traffic_that_contradicts_the_approval_is_noticed(run):
    with pytest.raises(ManifestError, match="was approved under it is"):
        run.trace(run.answer(version="20200101T000000Z-00000000"))
    with pytest.raises(VersionRefusedError, match="serial 9 is not kept any more"):
        run.trace(run.answer(serial=9))


def test_what_is_not_kept_any_more_is_said(restored):
    digest = restored.manifest().snapshot["digest"]
    restored.store.delete(keys.quarantine("sites", "night:1"))
    without_quarantine = restored.trace(restored.answer())
    restored.store.delete(keys.snapshot_profile("sites", digest))
    without_snapshot = restored.trace(restored.answer())

    assert "put in quarantine" in without_quarantine.not_kept[0]
    assert len(without_quarantine.rows) == len(restored.record_ids)
    assert set(without_quarantine.rows["side"]) == {"unknown"}
    assert without_snapshot.rows is None
    assert digest in without_snapshot.not_kept[0]


def test_the_command_shows_it_writes_rows_and_prints_json(run, tmp_path, capsys):
    response_id = run.answer()
    codes = [
        run.cli.run("trace", response_id, "--rows", str(tmp_path / "rows.csv")),
        run.cli.run("trace", response_id, "--json"),
        run.cli.run("trace", new_id("sites")),
    ]
    shown = capsys.readouterr()
    words, _, document = shown.out.partition("\n{")
    document = json.loads("{" + document)
    rows = pd.read_csv(tmp_path / "rows.csv")

    assert codes == [0, 0, 1]
    assert f"prediction  {response_id}" in words
    assert "serial 1 by test at " in words
    assert "signed by an approver (verified)" in words
    assert "4 quarantined" in words
    assert list(rows["_id"]) == run.record_ids
    assert document["version"]["version"] == run.pointer.version
    assert document["snapshot"]["n_used"] == len(rows) - N_BAD
    assert document["run_id"] == "night:1"
    assert "scikit-learn" in document["libraries"]
    assert "Traceback" not in shown.err


def test_approved_version_is_verified_from_snapshot_to_approval(run, capsys):
    assert run.cli.run("verify", run.pointer.version) == 0
    assert "ok       approval" in capsys.readouterr().out


def test_a_version_is_made_again_to_the_last_bit_and_nothing_is_left(run, capsys):
    before = run.everything()
    code = run.cli.run("reproduce", run.pointer.version)
    shown = capsys.readouterr().out

    assert code == 0, shown
    assert "same     model.onnx" in shown
    assert "same     model.joblib" in shown
    assert "same     block threshold" in shown
    assert "same     test roc_auc" in shown
    assert shown.endswith("identical\n")
    assert "DIFFERS" not in shown
    assert run.everything() == before


def test_what_does_not_come_out_again_is_said_with_what_may_explain_it(restored, capsys):
    folder = {
        name: restored.store.get(keys.version_file("sites", restored.pointer.version, name))
        for name in restored.manifest().files
    }
    made = STARTED_AT + timedelta(days=1)
    version = f"{made:%Y%m%dT%H%M%SZ}-00000001"
    other = restored.manifest()
    model = {**other.model, "order": {**other.model["order"], "seed": 5, "fpr_budget": 0.05}}
    other = replace(
        other,
        version=version,
        files={name: describe_file(body) for name, body in folder.items()},
        code_commit="0123abcd",
        libraries={**other.libraries, "numpy": "1.0", "leftpad": "2.0"},
        model=model,
    )
    trainer = restored.cli.trainer
    publish_version(
        restored.store, other, folder, signing_key=trainer.path, trusted=trainer.trusted
    )
    code = restored.cli.run("reproduce", version)
    shown = capsys.readouterr().out

    assert code == 1
    assert "DIFFERS  block threshold" in shown
    assert "the code differs: 0123abcd, now " in shown
    assert "numpy differs: 1.0, now " in shown
    assert "leftpad differs: 2.0, now not installed" in shown
    assert shown.endswith("NOT identical\n")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (lambda m: keys.snapshot_profile("sites", m.snapshot["digest"]), "is not kept any more"),
        (lambda m: keys.version_file("sites", m.version, keys.SIGNATURE), "not completely"),
    ],
    ids=["without-snapshot", "without-signature"],
)
def test_what_cannot_be_made_again_is_one_sentence(restored, capsys, key, message):
    restored.store.delete(key(restored.manifest()))

    assert restored.cli.run("reproduce", restored.pointer.version) == 1
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert not restored.store.folders(keys.docs_runs_prefix("sites"))[1:]
