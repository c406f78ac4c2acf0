"""The steps of a run on real servers: killed anywhere and run again, and given bad records."""

import json
import multiprocessing
import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pymongo
import pytest

from include import pipelines
from include.contract import keys
from include.contract.manifest import parse_manifest
from include.contract.run_documents import (
    GateVerdict,
    GateVerdicts,
    MeasuredTimes,
    PackagedVersion,
    SnapshotSummary,
    ValidationSummary,
)
from include.contract.run_steps import CHAIN, parse_chain
from include.errors import DataRejectedError, PromotionConflictError, SignatureError
from include.ingest.load import load_dataset
from include.registry.approve import production_pointer, read_history
from include.registry.follow.verify import TrustedKeys
from include.registry.publish import check_signed
from include.run import champion, rows
from include.run.first_attempt import TrainerKeys, keep_first, write_first
from include.run.lineage.verify_chain import verify_chain
from include.run.run_context import RunContext
from include.run.steps import data, drift, promotion, training
from include.run.steps.package import BuildInfo, package
from include.run.steps.replay import replay_traffic
from include.run.summary import summarise
from include.stores.objects import ObjectStore
from tests.support.signed_versions import Signer
from tests.support.training_run import ORDER, ROOT, STARTED_AT, run_training

FAMILIES = ("LogisticRegression", "HistGradientBoosting")
PIPELINE = pipelines.get("sites")
fork = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class RealServers:
    """Servers and keys of one test."""

    store: ObjectStore
    collection: Any
    trainer: Signer
    approver: Signer

    @property
    def trusted_keys(self):
        return TrustedKeys(self.approver.trusted, self.trainer.trusted, 50_000_000)

    @property
    def trainer_keys(self):
        return TrainerKeys(self.trainer.key, self.trainer.trusted)

    def run(self, run_id, **how):
        return self.train(RunContext(self.store, PIPELINE, run_id), **how)

    def train(self, run, **how):
        how = {
            "trusted_keys": self.trusted_keys,
            "trainer": self.trainer,
            "approver": self.approver,
            **how,
        }
        return run_training(run, self.collection, families=FAMILIES, **how)


@contextmanager
def simulated_records(store, mongo_url, folder):
    """A database of the bucket's name with 4,000 simulated records, and keys to sign with."""
    with pymongo.MongoClient(mongo_url) as mongo:
        collection = mongo[store.bucket].sites
        load_dataset(collection, PIPELINE, simulated=True, n_simulated=4_000, cache_dir=folder)
        signers = Signer.new(folder, "trainer"), Signer.new(folder, "approver")
        yield RealServers(store, collection, *signers)
        mongo.drop_database(store.bucket)


@pytest.fixture
def servers(s3, mongo_url, bucket, tmp_path):
    """A bucket and a database of the test's own."""
    with simulated_records(ObjectStore(s3.client(), bucket), mongo_url, tmp_path) as servers:
        yield servers


@pytest.fixture(scope="module")
def run_once(s3, mongo_url, tmp_path_factory):
    """The servers after one run, its pointer and its evaluation."""
    client = s3.client()
    client.create_bucket(Bucket="run-steps")
    store, folder = ObjectStore(client, "run-steps"), tmp_path_factory.mktemp("run-steps")
    with simulated_records(store, mongo_url, folder) as servers:
        yield servers, *servers.run("run-1")


@pytest.fixture
def trained(run_once):
    """The same; whatever a test does to the objects is undone."""
    store = run_once[0].store
    before = {key: store.get(key) for key in store.keys_under("")}
    yield run_once
    for key in set(store.keys_under("")) - before.keys():
        store.delete(key)
    for key, body in before.items():
        store.put(key, body)


def manifest_of(servers, pointer):
    key = keys.version_file("sites", pointer.version, keys.MANIFEST)
    return parse_manifest(servers.store.get(key))


def test_the_second_run_is_compared_with_the_version_of_the_first(trained):
    servers, first, evaluation = trained
    second, compared = servers.run(
        "run-2", started_at=STARTED_AT + timedelta(days=1), order=replace(ORDER, seed=1)
    )

    assert evaluation.champion is None
    assert compared.champion_on_same_rows["version"] == first.version
    assert compared.champion_serial == 1
    assert (first.serial, second.serial) == (1, 2)
    assert second.version > first.version


def test_every_report_names_simulated_records(trained):
    servers, pointer, _ = trained
    report = servers.store.get(keys.version_file("sites", pointer.version, keys.REPORT)).decode()

    assert manifest_of(servers, pointer).snapshot["simulated"] is True
    assert "Simulated records" in report
    assert "Recommended: For practice only" in report
    assert report.count("not measured") == 0
    assert "://" not in report


def test_a_version_carries_model_card_and_bill_of_materials_and_all_of_it_is_signed(trained):
    servers, pointer, _ = trained
    folder = {
        key.rpartition("/")[2]: servers.store.get(key)
        for key in servers.store.keys_under(keys.version_prefix("sites", pointer.version))
    }
    signature = folder.pop(keys.SIGNATURE)
    card, bom = json.loads(folder[keys.MODEL_CARD]), json.loads(folder[keys.BOM])

    check_signed(signature, folder, servers.trainer.trusted)
    assert set(manifest_of(servers, pointer).files) == set(folder) - {keys.MANIFEST}
    assert {keys.REPORT, keys.MODEL_CARD, keys.BOM} < set(folder)
    assert card["model_details"]["version"]["name"] == pointer.version
    assert all(verdict["passed"] for verdict in card["quantitative_analysis"]["gate"])
    assert bom["metadata"]["component"]["version"] == pointer.version
    assert "scikit-learn" in {each["name"] for each in bom["components"]}


@pytest.fixture
def run(s3, bucket):
    return RunContext(ObjectStore(s3.client(), bucket), PIPELINE, "run-1")


@pytest.fixture
def trainer_keys(tmp_path):
    signer = Signer.new(tmp_path, "trainer")
    return TrainerKeys(signer.key, signer.trusted)


def test_second_attempt_gets_the_document_of_the_first(run, trainer_keys):
    def times(latency_us):
        return MeasuredTimes(latency_us, {})

    def measured_while_another_attempt_writes():
        write_first(run, "times/a.json", times(1), trainer_keys)
        return times(2)

    with run.step("package"):
        raced = keep_first(
            run, MeasuredTimes, "times/a.json", measured_while_another_attempt_writes, trainer_keys
        )
        later = keep_first(run, MeasuredTimes, "times/a.json", lambda: times(3), trainer_keys)

    assert raced == later == times(1)


def test_summary_of_a_run_shows_the_steps_that_ended(run):
    begun = summarise(run)
    verdicts = [(True, True), (True, True), (False, True), (True, False)]
    with run.step("any"):
        run.write(SnapshotSummary("3f9a1c2b3f9a1c2b", 1_000, 0, "2026-11-21T02:00:00+00:00"))
        run.write(ValidationSummary(990, 10, (), (), "", "", {}))
        run.write(GateVerdicts(tuple(GateVerdict("a", p, "b", e) for p, e in verdicts)))

    assert begun == {}
    assert summarise(run) == {
        "snapshot": "3f9a1c2b3f9a1c2b",
        "rows": 1_000,
        "accepted": 990,
        "quarantined": 10,
        "rules_passed": 2,
        "rules": 3,
    }


def test_no_duplicate_of_a_test_row_is_in_training(servers):
    run = RunContext(servers.store, PIPELINE, "run-1")
    data.snapshot(run, servers.collection, STARTED_AT, servers.trainer_keys)
    data.validate(run, ROOT / "gx")
    summary = rows.split(run)
    sides = {side: rows.read_side(run, side) for side in ("train", "calibration", "test")}
    vectors = {
        side: {vector.tobytes() for vector in np.ascontiguousarray(found.X)}
        for side, found in sides.items()
    }

    assert min(len(found.y) for found in sides.values()) > 200
    assert summary.rows == {side: len(found.y) for side, found in sides.items()}
    assert not vectors["test"] & vectors["train"]
    assert not vectors["test"] & vectors["calibration"]
    assert not vectors["calibration"] & vectors["train"]


def test_a_finished_run_can_be_run_again_and_changes_nothing(trained):
    servers, first, _ = trained
    again, _ = servers.run("run-1")

    assert again == first
    assert len(list(read_history(servers.store, "sites", servers.approver.trusted))) == 1


def test_a_run_made_again_uses_the_snapshot_it_had_while_that_is_kept(servers):
    def attempt(read_at):
        run = RunContext(servers.store, PIPELINE, "run-1")
        return data.snapshot(run, servers.collection, read_at, servers.trainer_keys)

    first = attempt(STARTED_AT)
    servers.collection.delete_many({"_id": servers.collection.find_one()["_id"]})
    a_week_later = STARTED_AT + timedelta(days=7)
    again = attempt(a_week_later)
    servers.store.delete(keys.snapshot_part("sites", first.digest, 0))
    anew = attempt(a_week_later)

    assert again == first
    assert anew.rows == first.rows - 1
    assert anew.read_at == a_week_later.isoformat()


def test_a_backfilled_run_is_evaluated_and_kept_but_does_not_replace_a_newer_version(trained):
    servers, newer, _ = trained
    run = RunContext(servers.store, PIPELINE, "backfill")
    with pytest.raises(PromotionConflictError, match=f"older run than {newer.version}"):
        servers.train(run, started_at=STARTED_AT - timedelta(days=1), order=replace(ORDER, seed=1))

    assert promotion.newer_in_production(run, servers.trusted_keys) == newer
    assert newer.version in promotion.keep_newer(run, servers.trusted_keys)["reason"]
    assert production_pointer(servers.store, "sites", servers.approver.trusted) == newer
    assert run.read(PackagedVersion).version < newer.version


def steps(servers, mongo_url):
    """Return the steps of a run in order, each a call with the run."""
    made = BuildInfo(started_at=STARTED_AT, seed=0, code_commit="")
    approval = {"approved_by": "test", "approved_at": STARTED_AT, "reason": "a test"}
    keys_ = {"trusted_keys": servers.trusted_keys}

    def snapshot(run):
        # A forked process may not use its parent's client.
        with pymongo.MongoClient(mongo_url) as client:
            champion.pin_champion(run, servers.trusted_keys, servers.trainer_keys)
            collection = client[servers.collection.database.name].sites
            return data.snapshot(run, collection, STARTED_AT, servers.trainer_keys)

    def search(family):
        return lambda run: training.search(run, family, ORDER)

    return {
        "snapshot": snapshot,
        "validate": lambda run: data.validate(run, ROOT / "gx"),
        "split": rows.split,
        "drift": lambda run: drift.measure(run, None, ROOT / "gx"),
        **{family: search(family) for family in FAMILIES},
        "choose": lambda run: training.choose(run, ORDER),
        "evaluate": lambda run: training.evaluate_chosen(run, None, ORDER),
        "replay": lambda run: replay_traffic(run, None, servers.trusted_keys, servers.trainer_keys),
        "package": lambda run: package(run, made, signing_key=servers.trainer.path, **keys_),
        "infra_validate": lambda run: promotion.infra_validate(run, **keys_),
        "promote": lambda run: promotion.promote(
            run, key=servers.approver.key, **approval, **keys_
        ),
    }


def kill_once(call, servers, s3, before, at_request):
    """Run a step in a process that gets SIGKILL after so many answers of S3; whether it died."""

    def child():
        answers = 0

        def count(**_):
            nonlocal answers
            answers += 1
            if answers == at_request:
                os.kill(os.getpid(), signal.SIGKILL)

        client = s3.client()
        client.meta.events.register("after-call.s3", count)
        store = ObjectStore(client, servers.store.bucket)
        call(RunContext(store, PIPELINE, "run-1", before))

    process = fork.Process(target=child)
    process.start()
    process.join(600)
    return process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("at_request", [1, pytest.param(3, marks=pytest.mark.heavy)])
def test_every_step_killed_and_run_again_gives_the_same_digests_and_one_approval(
    servers, s3, mongo_url, at_request
):
    def whole_run(kill):
        found, killed, run = {}, [], RunContext(servers.store, PIPELINE, "run-1")
        for name, call in steps(servers, mongo_url).items():
            if kill and kill_once(call, servers, s3, run.steps, at_request):
                killed.append(name)
            found[name] = call(run)
        return found, killed

    found, killed = whole_run(kill=True)
    manifest = manifest_of(servers, found["promote"])
    undisturbed, _ = whole_run(kill=False)

    assert len(killed) >= 9, f"only these were killed: {killed}"
    assert undisturbed["snapshot"] == found["snapshot"]
    assert undisturbed["package"] == found["package"]
    assert manifest_of(servers, undisturbed["promote"]).files == manifest.files
    assert len(list(read_history(servers.store, "sites", servers.approver.trusted))) == 1


def unset(column):
    return lambda collection: collection.update_many({}, {"$unset": {column: ""}})


def put(column, value, query=None):
    return lambda collection: collection.update_many(query or {}, {"$set": {column: value}})


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(unset("SSLfinal_State"), "SSLfinal_State", id="missing-column"),
        pytest.param(put("SSLfinal_State", "yes"), "SSLfinal_State", id="wrong-type"),
        pytest.param(put("Result", 1), "Result", id="constant-label"),
        pytest.param(put("SSLfinal_State", 7), "SSLfinal_State", id="unknown-value-everywhere"),
        pytest.param(lambda collection: collection.delete_many({}), "0 records", id="no-rows"),
    ],
)
def test_records_that_cannot_be_trained_on_publish_nothing(servers, spoil, message):
    spoil(servers.collection)
    with pytest.raises(DataRejectedError, match=message):
        servers.run("run-1")

    assert production_pointer(servers.store, "sites", servers.approver.trusted) is None
    assert list(servers.store.keys_under(keys.versions_prefix("sites"))) == []
    assert list(servers.store.keys_under(keys.docs_prefix("sites", "run-1")))


@pytest.mark.parametrize(
    "value", [pytest.param(7, id="unknown-value"), pytest.param("yes", id="wrong-type")]
)
def test_one_bad_row_in_a_thousand_is_quarantined_with_its_reason(servers, value):
    import io

    import pandas as pd

    bad = [document["_id"] for document in servers.collection.find().limit(4)]
    put("SSLfinal_State", value, {"_id": {"$in": bad}})(servers.collection)
    run = RunContext(servers.store, PIPELINE, "run-1")
    data.snapshot(run, servers.collection, STARTED_AT, servers.trainer_keys)
    data.validate(run, ROOT / "gx")
    stored = servers.store.get(keys.quarantine("sites", "run-1"))
    quarantined = pd.read_parquet(io.BytesIO(stored))

    assert sorted(quarantined["_id"]) == sorted(bad)
    assert quarantined["reasons"].str.contains("SSLfinal_State").all()
    assert summarise(run)["accepted"] == 3_996


def verify(servers, version):
    checks = verify_chain(servers.store, "sites", version, servers.trusted_keys)
    return {check.name: check.detail for check in checks if not check.passed}


def test_chain_of_an_approved_version_is_verified_until_something_is_changed(trained):
    servers, pointer, _ = trained
    run = RunContext(servers.store, PIPELINE, "run-1")
    whole = verify(servers, pointer.version)
    servers.store.put(run.key("candidates/LogisticRegression.joblib"), b"another model")
    changed = verify(servers, pointer.version)
    servers.store.delete(run.key("candidates/LogisticRegression.joblib"))
    gone = verify(servers, pointer.version)
    servers.store.put(run.key("snapshot.json"), b"{}")
    forged = verify(servers, pointer.version)

    assert whole == gone == {}
    assert changed == {"files": "changed since: candidates/LogisticRegression.joblib"}
    assert set(forged) == {"files", "snapshot"}


def test_chain_that_no_trainer_signed_is_refused(trained):
    servers, pointer, _ = trained
    key = RunContext(servers.store, PIPELINE, "run-1").key(CHAIN)
    chain = parse_chain(servers.store.get(key), servers.trainer.trusted)
    servers.store.put(key, chain.to_json(servers.approver.key))

    with pytest.raises(SignatureError):
        verify(servers, pointer.version)


def test_step_that_read_what_no_earlier_step_wrote_breaks_the_chain(trained):
    servers, pointer, _ = trained
    key = RunContext(servers.store, PIPELINE, "run-1").key(CHAIN)
    chain = parse_chain(servers.store.get(key), servers.trainer.trusted)
    without = tuple(step for step in chain.steps if step.step != "split")
    servers.store.put(key, replace(chain, steps=without).to_json(servers.trainer.key))

    assert {"steps", "choose", "evaluate"} <= set(verify(servers, pointer.version))
