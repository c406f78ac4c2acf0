"""The steps of a run on real servers: killed anywhere and run again, and given bad records."""

import json
import multiprocessing
import os
import signal
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pymongo
import pytest

from include import pipelines
from include.contract import keys
from include.contract.manifest import parse_manifest
from include.errors import DataRejectedError, PromotionConflictError
from include.ingest.load import load_dataset
from include.registry.approve import production_pointer, read_history
from include.registry.follow.verify import TrustedKeys
from include.registry.publish import check_signed
from include.run import champion, data, drift, promotion, rows, training_steps
from include.run.package import BuildInfo, package
from include.run.run_context import RunContext
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

    def run(self, run_id, **how):
        run = RunContext(self.store, PIPELINE, run_id)
        how = {
            "trusted_keys": self.trusted_keys,
            "trainer": self.trainer,
            "approver": self.approver,
            **how,
        }
        return run_training(run, self.collection, families=FAMILIES, **how)


@pytest.fixture
def house(s3, mongo_url, bucket, tmp_path):
    """A bucket and a database of the test's own, with 4,000 simulated records."""
    mongo = pymongo.MongoClient(mongo_url)
    collection = mongo[bucket].sites
    load_dataset(collection, PIPELINE, simulated=True, n_simulated=4_000, cache_dir=tmp_path)
    signers = Signer.new(tmp_path, "trainer"), Signer.new(tmp_path, "approver")
    yield RealServers(ObjectStore(s3.client(), bucket), collection, *signers)
    mongo.drop_database(bucket)
    mongo.close()


def manifest_of(house, pointer):
    key = keys.version_file("sites", pointer.version, keys.MANIFEST)
    return parse_manifest(house.store.get(key))


def test_the_second_night_is_judged_against_the_first(house):
    first, evaluation = house.run("night-1")
    second, compared = house.run(
        "night-2", started_at=STARTED_AT + timedelta(days=1), order=replace(ORDER, seed=1)
    )

    assert evaluation["champion"] is None
    assert compared["champion_on_same_rows"]["version"] == first.version
    assert compared["champion_serial"] == 1
    assert (first.serial, second.serial) == (1, 2)
    assert second.version > first.version


def test_every_report_says_that_records_were_simulated(house):
    pointer, _ = house.run("night-1")
    report = house.store.get(keys.version_file("sites", pointer.version, keys.REPORT)).decode()

    assert manifest_of(house, pointer).snapshot["simulated"] is True
    assert "Simulated records" in report
    assert "Recommended: For practice only" in report
    assert report.count("not measured") == 0
    assert "://" not in report


def test_a_version_carries_model_card_and_bill_of_materials_and_all_of_it_is_signed(house):
    pointer, _ = house.run("night-1")
    folder = {
        key.rpartition("/")[2]: house.store.get(key)
        for key in house.store.keys_under(keys.version_prefix("sites", pointer.version))
    }
    signature = folder.pop(keys.SIGNATURE)
    card, bom = json.loads(folder[keys.MODEL_CARD]), json.loads(folder[keys.BOM])

    check_signed(signature, folder, house.trainer.trusted)
    assert set(manifest_of(house, pointer).files) == set(folder) - {keys.MANIFEST}
    assert {keys.REPORT, keys.MODEL_CARD, keys.BOM} < set(folder)
    assert card["model_details"]["version"]["name"] == pointer.version
    assert all(verdict["passed"] for verdict in card["quantitative_analysis"]["gate"])
    assert bom["metadata"]["component"]["version"] == pointer.version
    assert "scikit-learn" in {each["name"] for each in bom["components"]}


def test_what_was_kept_first_stays_whoever_comes_second(s3, bucket):
    run = RunContext(ObjectStore(s3.client(), bucket), PIPELINE, "night-1")

    def measured_while_another_attempt_writes():
        run.write_json("times/a.json", {"latency_us": 1})
        return {"latency_us": 2}

    raced = run.keep_first("times/a.json", measured_while_another_attempt_writes)
    later = run.keep_first("times/a.json", lambda: {"latency_us": 3})

    assert raced == later == {"latency_us": 1}


def test_a_run_is_told_in_numbers_however_far_it_came(s3, bucket):
    run = RunContext(ObjectStore(s3.client(), bucket), PIPELINE, "night-1")
    begun = summarise(run)
    run.write_json("snapshot.json", {"digest": "3f9a1c2b3f9a1c2b", "rows": 1_000})
    run.write_json("validation.json", {"accepted": 990, "quarantined": 10})
    verdicts = [(True, True), (True, True), (False, True), (True, False)]
    run.write_json("gate.json", [{"passed": p, "evaluated": j} for p, j in verdicts])

    assert begun == {}
    assert summarise(run) == {
        "snapshot": "3f9a1c2b3f9a1c2b",
        "rows": 1_000,
        "accepted": 990,
        "quarantined": 10,
        "rules_passed": 2,
        "rules": 3,
    }


def test_no_twin_of_a_test_row_is_in_training(house):
    run = RunContext(house.store, PIPELINE, "night-1")
    data.validate(run, data.snapshot(run, house.collection, STARTED_AT)["digest"], ROOT / "gx")
    sides = {side: rows.read_side(run, side) for side in ("train", "calibration", "test")}
    vectors = {
        side: {vector.tobytes() for vector in np.ascontiguousarray(found.X)}
        for side, found in sides.items()
    }

    assert min(len(found.y) for found in sides.values()) > 200
    assert not vectors["test"] & vectors["train"]
    assert not vectors["test"] & vectors["calibration"]
    assert not vectors["calibration"] & vectors["train"]


def test_a_finished_run_can_be_run_again_and_changes_nothing(house):
    first, _ = house.run("night-1")
    again, _ = house.run("night-1")

    assert again == first
    assert len(list(read_history(house.store, "sites", house.approver.trusted))) == 1


def test_a_run_made_again_uses_the_snapshot_it_had_while_that_is_kept(house):
    run = RunContext(house.store, PIPELINE, "night-1")
    first = data.snapshot(run, house.collection, STARTED_AT)
    house.collection.delete_many({"_id": house.collection.find_one()["_id"]})
    a_week_later = STARTED_AT + timedelta(days=7)
    again = data.snapshot(run, house.collection, a_week_later)
    house.store.delete(keys.snapshot_part("sites", first["digest"], 0))
    anew = data.snapshot(run, house.collection, a_week_later)

    assert again == first
    assert anew["rows"] == first["rows"] - 1
    assert anew["read_at"] == a_week_later.isoformat()


def test_a_night_made_up_for_later_is_judged_and_kept_but_does_not_replace_a_newer_one(house):
    newer, _ = house.run("night-2", started_at=STARTED_AT + timedelta(days=1))
    with pytest.raises(PromotionConflictError, match=f"older run than {newer.version}"):
        house.run("backfill", order=replace(ORDER, seed=1))
    run = RunContext(house.store, PIPELINE, "backfill")
    packaged = run.read_json("version.json")

    assert promotion.newer_in_production(run, packaged, house.trusted_keys) == newer
    assert newer.version in promotion.keep_newer(run, packaged, house.trusted_keys)["reason"]
    assert production_pointer(house.store, "sites", house.approver.trusted) == newer
    assert packaged["version"] < newer.version


def steps(house, mongo_url):
    """Yield (name, call) of each step; a call gets the run and what earlier steps returned."""

    def snapshot(run, _):
        # A forked process may not use its parent's client.
        with pymongo.MongoClient(mongo_url) as client:
            champion.pin_champion(run, house.trusted_keys)
            return data.snapshot(run, client[house.collection.database.name].sites, STARTED_AT)

    yield "snapshot", snapshot
    yield "validate", lambda n, r: data.validate(n, r["snapshot"]["digest"], ROOT / "gx")
    yield "drift", lambda n, _: drift.measure(n, None, ROOT / "gx")
    for family in FAMILIES:
        yield (
            family,
            lambda n, _, family=family: training_steps.search(n, family, ORDER),
        )
    yield (
        "choose",
        lambda n, r: training_steps.choose(n, [r[name] for name in FAMILIES], ORDER),
    )
    yield (
        "evaluate",
        lambda n, r: training_steps.evaluate_chosen(n, r["choose"], None, ORDER),
    )
    yield (
        "package",
        lambda n, r: package(
            n,
            r["choose"],
            BuildInfo(started_at=STARTED_AT, seed=0, code_commit=""),
            signing_key=house.trainer.path,
            trusted_keys=house.trusted_keys,
        ),
    )
    yield (
        "infra_validate",
        lambda n, r: promotion.infra_validate(n, r["package"], r["choose"], house.trusted_keys),
    )
    yield (
        "promote",
        lambda n, r: promotion.promote(
            n,
            r["package"],
            expected_serial=0,
            approved_by="test",
            approved_at=STARTED_AT,
            reason="a test",
            key=house.approver.key,
            trusted_keys=house.trusted_keys,
        ),
    )


def kill_once(call, house, s3, found, at_request):
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
        call(RunContext(ObjectStore(client, house.store.bucket), PIPELINE, "night-1"), found)

    process = fork.Process(target=child)
    process.start()
    process.join(600)
    return process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("at_request", [1, 3])
def test_every_step_killed_and_run_again_gives_the_same_digests_and_one_approval(
    house, s3, mongo_url, at_request
):
    def whole_run(kill):
        found, killed = {}, []
        for name, call in steps(house, mongo_url):
            if kill and kill_once(call, house, s3, found, at_request):
                killed.append(name)
            found[name] = call(RunContext(house.store, PIPELINE, "night-1"), found)
        return found, killed

    found, killed = whole_run(kill=True)
    manifest = manifest_of(house, found["promote"])
    undisturbed, _ = whole_run(kill=False)

    assert len(killed) >= 9, f"only these were killed: {killed}"
    assert undisturbed["snapshot"] == found["snapshot"]
    assert undisturbed["package"] == found["package"]
    assert manifest_of(house, undisturbed["promote"]).files == manifest.files
    assert len(list(read_history(house.store, "sites", house.approver.trusted))) == 1


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
def test_records_that_cannot_be_trained_on_publish_nothing(house, spoil, message):
    spoil(house.collection)
    with pytest.raises(DataRejectedError, match=message):
        house.run("night-1")

    assert production_pointer(house.store, "sites", house.approver.trusted) is None
    assert list(house.store.keys_under(keys.versions_prefix("sites"))) == []
    assert list(house.store.keys_under(keys.docs_prefix("sites", "night-1")))


@pytest.mark.parametrize(
    "value", [pytest.param(7, id="unknown-value"), pytest.param("yes", id="wrong-type")]
)
def test_one_bad_row_in_a_thousand_is_quarantined_with_its_reason(house, value):
    import io

    import pandas as pd

    bad = [document["_id"] for document in house.collection.find().limit(4)]
    put("SSLfinal_State", value, {"_id": {"$in": bad}})(house.collection)
    house.run("night-1")
    stored = house.store.get(keys.quarantine("sites", "night-1"))
    quarantined = pd.read_parquet(io.BytesIO(stored))

    assert sorted(quarantined["_id"]) == sorted(bad)
    assert quarantined["reasons"].str.contains("SSLfinal_State").all()
    assert (
        RunContext(house.store, PIPELINE, "night-1").read_json("validation.json")["accepted"]
        == 3_996
    )
