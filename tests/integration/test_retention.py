"""Retention on a real S3: what goes, what stays, and a deletion killed anywhere."""

import json
import multiprocessing
import os
import signal
from datetime import UTC, datetime, timedelta

import pymongo
import pytest

from include.contract import keys
from include.contract.manifest import describe_file
from include.contract.schema import InputField
from include.errors import PointerError, VersionRefusedError
from include.ingest.snapshot.snapshots import read_snapshot, take_snapshot
from include.registry.approve import approve, production_pointer, read_history
from include.registry.follow.verify import TrustedKeys
from include.registry.publish import publish_version
from include.registry.retention.plan import plan_retention
from include.registry.retention.policy import Retention
from include.registry.retention.sweep import sweep
from include.registry.versions import list_versions, read_signed_manifest
from include.stores.objects import ObjectStore
from tests.support.signed_versions import Signer, Version, request, version_name

POLICY = Retention(days=30, newest_versions=1, traffic_days=10, feedback_days=20)
REPLACED, IN_PRODUCTION, REJECTED, UNFINISHED, NEWEST = (version_name(n) for n in range(1, 6))
fork = multiprocessing.get_context("fork")


def digest_of(number):
    return f"{number:032x}"


class RetentionBucket:
    """A bucket with versions, runs, snapshots and traffic of a pipeline."""

    def __init__(self, store, folder):
        self.store = store
        self.trainer, self.approver = Signer.new(folder, "trainer"), Signer.new(folder, "approver")
        self.trusted_keys = TrustedKeys(self.approver.trusted, self.trainer.trusted, 1_000_000)

    def put(self, *names):
        for name in names:
            self.store.put(name, b"x" * 10)

    def put_run(self, run_id, number):
        """A run with all that it leaves, and the snapshot it took."""
        body = json.dumps({"digest": digest_of(number)}).encode()
        self.store.put(keys.run_file("sites", run_id, "snapshot.json"), body)
        self.put(
            keys.run_file("sites", run_id, "chosen.joblib"),
            keys.run_file("sites", run_id, "candidates/KNN.joblib"),
            keys.run_file("sites", run_id, "accepted.parquet"),
            keys.quarantine("sites", run_id),
            keys.docs_prefix("sites", run_id) + "index.html",
            keys.snapshot_part("sites", digest_of(number), 0),
            keys.snapshot_part("sites", digest_of(number), 1),
            keys.snapshot_type_errors("sites", digest_of(number)),
            keys.snapshot_profile("sites", digest_of(number)),
        )

    def publish(self, name, number):
        """A version of a run, as the training DAG leaves it."""
        files = {"model.onnx": b"graph", "model.joblib": b"pickle"}
        manifest = Version(name).manifest(
            files={file: describe_file(body) for file, body in files.items()},
            snapshot={"digest": digest_of(number), "rows": {}},
            model={"family": "x", "params": {}, "run_id": f"night:{number}"},
        )
        self.put_run(f"night:{number}", number)
        publish_version(
            self.store, manifest, files, signing_key=self.trainer.path, trusted=self.trainer.trusted
        )

    def approve(self, name, store=None):
        asked = request(name, run_id=f"approves {name}")
        return approve(store or self.store, asked, self.approver.key, self.approver.trusted)

    def plan(self, *, days=31, policy=POLICY):
        return plan_retention(self.store, "sites", policy, datetime.now(UTC) + timedelta(days=days))

    def sweep(self, expired=None):
        return sweep(self.store, "sites", self.plan() if expired is None else expired)

    def everything(self):
        return set(self.store.keys_under(""))


@pytest.fixture
def retained(s3, bucket, tmp_path):
    """Five versions: two approved, one rejected, one unfinished, one the newest; a run without."""
    retained = RetentionBucket(ObjectStore(s3.client(), bucket), tmp_path)
    for number, name in enumerate((REPLACED, IN_PRODUCTION, REJECTED, UNFINISHED, NEWEST), start=1):
        retained.publish(name, number)
    retained.store.delete(keys.version_file("sites", UNFINISHED, keys.SIGNATURE))
    retained.approve(REPLACED)
    retained.approve(IN_PRODUCTION)
    retained.put_run("failed", 6)
    return retained


def named(expired):
    return {(each.kind, each.name) for each in expired}


def test_what_goes_is_old_and_needed_by_nothing(retained):
    before = retained.everything()
    going = {3: REJECTED, 4: UNFINISHED}

    assert retained.plan(days=29) == ()
    assert named(retained.plan()) == {
        *(("version", name) for name in going.values()),
        *(("run", f"night_{number}") for number in (3, 4)),
        *(("quarantine", f"night_{number}") for number in (3, 4)),
        *(("docs", f"night_{number}") for number in (3, 4)),
        *(("snapshot", digest_of(number)) for number in (3, 4, 6)),
        *(("working files", f"night_{number}") for number in (1, 2, 5)),
        ("run", "failed"),
        ("quarantine", "failed"),
        ("docs", "failed"),
    }
    assert retained.everything() == before


def test_what_was_approved_stays_with_its_snapshot_and_what_its_run_found_out(retained):
    history = list(read_history(retained.store, "sites", retained.approver.trusted))
    pointer = production_pointer(retained.store, "sites", retained.approver.trusted)
    retained.sweep()
    kept = {
        found.version: found
        for found in list_versions(retained.store, "sites", retained.trusted_keys)
    }

    assert set(kept) == {REPLACED, IN_PRODUCTION, NEWEST}
    assert all(found.problem == "" for found in kept.values())
    assert list(read_history(retained.store, "sites", retained.approver.trusted)) == history
    assert production_pointer(retained.store, "sites", retained.approver.trusted) == pointer
    assert {f"night_{number}" for number in (1, 2, 5)} == set(retained.store.folders("runs/sites/"))
    assert len(list(retained.store.keys_under(keys.snapshots_prefix("sites")))) == 3 * 4
    assert not [key for key in retained.everything() if "runs/" in key and key.endswith(".joblib")]
    assert retained.plan() == ()
    assert retained.store.folders(keys.docs_runs_prefix("sites")) == [
        f"night_{number}" for number in (1, 2, 5)
    ]


def test_a_young_run_keeps_the_snapshot_it_took_though_that_is_old(retained):
    before = max(entry.modified_at for entry in retained.store.entries_under(""))
    while True:  # a listing tells seconds apart
        retained.store.put("probe", b"")
        (probe,) = retained.store.entries_under("probe")
        if probe.modified_at > before + timedelta(seconds=1):
            break
    body = json.dumps({"digest": digest_of(3)}).encode()
    retained.store.put(keys.run_file("sites", "under way", "snapshot.json"), body)
    expired = plan_retention(
        retained.store, "sites", POLICY, probe.modified_at + timedelta(days=30)
    )

    assert ("version", REJECTED) in named(expired)
    assert ("snapshot", digest_of(6)) in named(expired)
    assert ("snapshot", digest_of(3)) not in named(expired)
    assert ("run", "under_way") not in named(expired)


def test_traffic_and_feedback_go_by_their_day(retained):
    today = datetime.now(UTC).date()
    days = {age: (today - timedelta(days=age)).isoformat() for age in (0, 9, 11, 19, 21)}
    for day in days.values():
        retained.put(keys.traffic_file("sites", day, "a"), keys.feedback_file("sites", day, "a"))
        retained.put(keys.monitoring_report("sites", day))

    assert named(retained.plan(days=0)) == {
        *(("traffic", f"date={days[age]}") for age in (11, 19, 21)),
        *((kind, f"date={days[21]}") for kind in ("feedback", "monitoring")),
    }


def test_an_approval_that_cannot_be_read_keeps_everything(retained):
    retained.store.put(keys.history("sites", 1), b"{")
    before = retained.everything()
    with pytest.raises(PointerError, match="nothing is deleted"):
        retained.plan()

    assert retained.everything() == before


def store_with(s3, retained, event, do, number=1):
    """Return a store that calls `do` once, before its request of that name and number."""
    client, calls = s3.client(), []

    def once(**_):
        calls.append(event)
        if len(calls) == number:
            do()

    client.meta.events.register(f"before-send.s3.{event}", once)
    return ObjectStore(client, retained.store.bucket)


# The requests of an approval; the second HeadObject is of what retention deletes.
APPROVAL = [(name, 1) for name in ("GetObject", "HeadObject", "PutObject", "DeleteObject")]
LOOKS_FOR_RETENTION = ("HeadObject", 2)


@pytest.mark.parametrize(("request_", "number"), [*APPROVAL, LOOKS_FOR_RETENTION])
def test_version_deleted_while_it_is_approved_is_refused_or_stays_whole(
    retained, s3, request_, number
):
    expired, deleted = retained.plan(), []
    interrupted = store_with(
        s3, retained, request_, lambda: deleted.extend(retained.sweep(expired)), number
    )
    try:
        retained.approve(REJECTED, interrupted)
    except VersionRefusedError:
        assert ("version", REJECTED) in named(deleted)
    else:
        assert deleted == []
        assert read_signed_manifest(retained.store, "sites", REJECTED, retained.trusted_keys)
        assert ("snapshot", digest_of(3)) not in named(retained.plan())
    assert ("version", REJECTED) not in named(retained.plan())


@pytest.mark.parametrize("request_", ["PutObject", "ListObjectsV2", "GetObject", "DeleteObject"])
def test_version_approved_while_it_is_deleted_is_refused_or_stays_whole(retained, s3, request_):
    expired, approved = retained.plan(), []

    def approve_meanwhile():
        try:
            approved.append(retained.approve(REJECTED))
        except VersionRefusedError:
            approved.append(None)

    deleted = sweep(store_with(s3, retained, request_, approve_meanwhile), "sites", expired)
    (pointer,) = approved

    assert (pointer is None) == (("version", REJECTED) in named(deleted))
    if pointer:
        assert read_signed_manifest(retained.store, "sites", REJECTED, retained.trusted_keys)


def test_approval_that_was_killed_keeps_its_version(retained, s3):
    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    def child():
        retained.approve(REJECTED, store_with(s3, retained, LOOKS_FOR_RETENTION[0], die, 2))

    expired = retained.plan()
    process = fork.Process(target=child)
    process.start()
    process.join(600)
    deleted = retained.sweep(expired)

    assert process.exitcode == -signal.SIGKILL
    assert deleted == ()
    assert retained.approve(REJECTED).version == REJECTED


def test_what_is_used_again_since_the_plan_stays(retained):
    expired = [each for each in retained.plan() if each.kind == "snapshot"]
    (in_use,) = [each for each in expired if each.name == digest_of(6)]
    while True:  # as a run does that takes the same snapshot; a listing tells seconds apart
        retained.put(keys.snapshot_profile("sites", digest_of(6)))
        touched = {e.key: e.modified_at for e in retained.store.entries_under(in_use.prefix)}
        if any(touched[entry.key] != entry.modified_at for entry in in_use.entries):
            break
    deleted = retained.sweep(expired)

    assert named(deleted) == {("snapshot", digest_of(3)), ("snapshot", digest_of(4))}


def looks_whole_and_is_not(retained):
    """Whether anybody would approve what is left of the version, or train on the snapshot."""
    here = retained.everything()
    files = ("model.onnx", "model.joblib", keys.MANIFEST, keys.SIGNATURE)
    version = [keys.version_file("sites", REJECTED, file) for file in files]
    parts = [keys.snapshot_part("sites", digest_of(3), index) for index in (0, 1)]
    snapshot = [*parts, keys.snapshot_profile("sites", digest_of(3))]
    return any(whole[-1] in here and not here.issuperset(whole) for whole in (version, snapshot))


def test_killed_at_any_deletion_nothing_looks_whole_that_is_not(retained, s3):
    whole = [each for each in retained.plan() if each.kind in ("version", "snapshot")]
    expired = [each for each in whole if each.name in (REJECTED, digest_of(3))]
    n_killed = 0
    for step in range(1, 100):

        def child(step=step):
            n_requests = 0

            def die(**_):
                nonlocal n_requests
                n_requests += 1
                if n_requests == (step + 1) // 2:
                    os.kill(os.getpid(), signal.SIGKILL)

            client = s3.client()
            event = "before-send.s3.DeleteObject" if step % 2 else "after-call.s3.DeleteObject"
            client.meta.events.register(event, die)
            sweep(ObjectStore(client, retained.store.bucket), "sites", expired)

        process = fork.Process(target=child)
        process.start()
        process.join(600)

        assert not looks_whole_and_is_not(retained)
        if process.exitcode == 0:
            break
        n_killed += 1
        if step > 2:
            with pytest.raises(VersionRefusedError):
                retained.approve(REJECTED)

    assert n_killed > 10
    assert not here_of(retained, REJECTED, digest_of(3))
    retained.sweep()
    assert retained.plan() == ()


def here_of(retained, *names):
    return [key for key in retained.everything() if any(name in key for name in names)]


def test_a_snapshot_that_lost_a_part_is_written_again(s3, bucket, mongo_url):
    store = ObjectStore(s3.client(), bucket)
    columns = [InputField("a", "int8", (0, 1)), InputField("Result", "int8", (-1, 1))]
    with pymongo.MongoClient(mongo_url) as client:
        collection = client[bucket].sites
        collection.insert_many({"_id": f"{n}", "a": n % 2, "Result": 1} for n in range(10))
        taken = take_snapshot(collection, columns, store, "sites", rows_per_part=4)
        store.delete(keys.snapshot_part("sites", taken.digest, 1))
        again = take_snapshot(collection, columns, store, "sites", rows_per_part=4)
        client.drop_database(bucket)

    assert again.digest == taken.digest
    assert len(read_snapshot(store, "sites", taken.digest)) == 10
