"""Attacks of somebody who can write and delete every object in the bucket, and holds no key."""

import io
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pymongo
import pytest

from include import pipelines
from include.contract import keys
from include.contract.approval_response import ApprovalResponse
from include.contract.manifest import describe_file
from include.contract.run_documents import (
    ChampionPin,
    Evaluation,
    MeasuredTimes,
    SnapshotSummary,
    serialise,
)
from include.errors import (
    ManifestError,
    PointerError,
    RunDocumentError,
    SignatureError,
    SnapshotCorruptError,
)
from include.ingest.load import load_dataset
from include.ingest.snapshot.snapshots import read_snapshot
from include.notify.failed_run import causes_of_failure
from include.notify.kinds import RunFailed
from include.registry.approve import read_history
from include.registry.follow.verify import TrustedKeys
from include.registry.publish import publish_version
from include.registry.references import CurrentReference, set_current
from include.registry.responses import read_response
from include.registry.versions import list_versions
from include.run import champion
from include.run.first_attempt import TrainerKeys, keep_first, replace_first
from include.run.rows import read_side, split
from include.run.run_context import RunContext
from include.run.steps import data, training
from include.run.steps.package import BuildInfo, package
from include.stores.objects import ObjectStore
from include.urls.reference.build import build_reference
from tests.support.signed_versions import Signer, Version, promote, version_name
from tests.support.training_run import ORDER, ROOT, STARTED_AT

PIPELINE = pipelines.get("sites")
# As Airflow names the run of a schedule: everybody knows it beforehand.
RUN_ID = "scheduled__2026-11-21T02:00:00+00:00"


@dataclass(frozen=True)
class Victim:
    """A run with its keys, and the records it reads."""

    store: ObjectStore
    collection: Any
    trainer: Signer
    approver: Signer
    stranger: Signer

    @property
    def trusted_keys(self):
        return TrustedKeys(self.approver.trusted, self.trainer.trusted, 50_000_000)

    @property
    def trainer_keys(self):
        return TrainerKeys(self.trainer.key, self.trainer.trusted)

    def run(self, steps=()):
        return RunContext(self.store, PIPELINE, RUN_ID, steps)

    def forge(self, name, document):
        """Lay out a document where the run keeps it, plain and signed by a key of one's own."""
        body = serialise(document)
        self.store.put(keys.run_file("sites", RUN_ID, name), body)
        for path in (name, f"first/{name}"):
            self.store.put(keys.run_file("sites", RUN_ID, path), body)
        mine = TrainerKeys(self.stranger.key, self.stranger.trusted)
        replace_first(self.run(), name, document, mine)


@pytest.fixture
def victim(s3, mongo_url, bucket, tmp_path):
    mongo = pymongo.MongoClient(mongo_url)
    collection = mongo[bucket].sites
    load_dataset(collection, PIPELINE, simulated=True, n_simulated=1_500, cache_dir=tmp_path)
    signers = [Signer.new(tmp_path, name) for name in ("trainer", "approver", "stranger")]
    yield Victim(ObjectStore(s3.client(), bucket), collection, *signers)
    mongo.drop_database(bucket)
    mongo.close()


@pytest.fixture
def trained(victim):
    """A run up to its choice."""
    run = victim.run()
    champion.pin_champion(run, victim.trusted_keys, victim.trainer_keys)
    data.snapshot(run, victim.collection, STARTED_AT, victim.trainer_keys)
    data.validate(run, ROOT / "gx")
    split(run)
    training.search(run, "LogisticRegression", ORDER)
    training.choose(run, ORDER)
    return run


def test_foreign_snapshot_laid_out_in_advance_is_not_trained_on(victim):
    victim.forge("snapshot.json", SnapshotSummary("a" * 32, 1_000_000, 0, "2026-11-21T02:00:00Z"))
    taken = data.snapshot(victim.run(), victim.collection, STARTED_AT, victim.trainer_keys)

    assert (taken.rows, taken.digest == "a" * 32) == (1_500, False)


def test_document_signed_for_another_run_is_not_reused(victim):
    other = RunContext(victim.store, PIPELINE, "manual__1")
    replace_first(other, "snapshot.json", SnapshotSummary("b" * 32, 9, 0, ""), victim.trainer_keys)
    moved = victim.store.get(other.key("first/snapshot.json"))
    victim.store.put(keys.run_file("sites", RUN_ID, "first/snapshot.json"), moved)
    taken = data.snapshot(victim.run(), victim.collection, STARTED_AT, victim.trainer_keys)

    assert taken.rows == 1_500


def test_rejected_version_named_as_champion_is_not_compared_with(victim):
    worse = promote(
        victim.store, Version(version_name(1)), victim.stranger, victim.stranger, run_id="a"
    )
    forged = victim.store.get(keys.approved("sites")).decode()
    victim.store.delete(keys.approved("sites"))
    victim.store.delete(keys.history("sites", 1))
    victim.forge("champion.json", ChampionPin(worse.serial, forged))
    pin = champion.pin_champion(victim.run(), victim.trusted_keys, victim.trainer_keys)

    assert pin == ChampionPin(0)


def test_unsigned_champion_is_refused_even_where_it_was_recorded(victim):
    promote(victim.store, Version(version_name(1)), victim.stranger, victim.stranger)
    forged = victim.store.get(keys.approved("sites")).decode()
    run = victim.run()
    with run.step("pin_champion"):
        run.write(ChampionPin(1, forged))

    with pytest.raises(SignatureError):
        champion.read_champion(run, victim.trusted_keys)


@pytest.mark.parametrize("restored", ["nothing", "the first approval"])
def test_older_approval_put_back_stops_the_run(victim, restored):
    promote(victim.store, Version(version_name(1)), victim.trainer, victim.approver, run_id="a")
    first = victim.store.get(keys.approved("sites"))
    promote(victim.store, Version(version_name(2)), victim.trainer, victim.approver, run_id="b")
    victim.store.delete(keys.approved("sites"))
    if restored != "nothing":
        victim.store.put(keys.approved("sites"), first)

    with pytest.raises(PointerError, match="is newer"):
        champion.pin_champion(victim.run(), victim.trusted_keys, victim.trainer_keys)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("accepted.parquet", split),
        ("split/train.parquet", lambda run: training.search(run, "KNN", ORDER)),
        ("split/test.parquet", lambda run: read_side(run, "test")),
        ("candidates/LogisticRegression.json", lambda run: training.choose(run, ORDER)),
        ("candidates/LogisticRegression.joblib", lambda run: training.choose(run, ORDER)),
        ("chosen.json", lambda run: training.evaluate_chosen(run, None, ORDER)),
        ("chosen.joblib", training.read_chosen),
        ("champion.json", lambda run: champion.pinned_pointer(run, None)),
    ],
)
def test_file_replaced_between_two_tasks_stops_the_run(victim, trained, name, read):
    body = victim.store.get(trained.key(name))
    victim.store.put(trained.key(name), body + b" ")

    with pytest.raises(RunDocumentError, match="not what the earlier step wrote"):
        read(victim.run(trained.steps))


def test_file_that_no_step_recorded_is_not_read(victim, trained):
    victim.store.put(
        trained.key("candidates/HistGradientBoosting.json"),
        victim.store.get(trained.key("candidates/LogisticRegression.json")),
    )

    assert training.choose(trained, ORDER).candidates == ("LogisticRegression",)
    with pytest.raises(RunDocumentError, match="no earlier step"):
        trained.read_estimator("candidates/HistGradientBoosting.joblib")


def test_forged_evaluation_is_never_signed(victim, trained):
    evaluation = training.evaluate_chosen(trained, None, ORDER)
    better = replace(evaluation, test={**evaluation.test, "accuracy": 0.9999})
    victim.store.put(trained.key(Evaluation.NAME), serialise(better))
    made = BuildInfo(started_at=STARTED_AT + timedelta(days=1), seed=0, code_commit="")

    with pytest.raises(RunDocumentError, match="not what the earlier step wrote"):
        package(trained, made, signing_key=victim.trainer.path, trusted_keys=victim.trusted_keys)
    assert list(victim.store.keys_under(keys.versions_prefix("sites"))) == []


def test_forged_times_are_measured_again(victim):
    victim.forge("times/a.json", MeasuredTimes(0.1, {}))
    run = victim.run()
    with run.step("package"):
        kept = keep_first(
            run, MeasuredTimes, "times/a.json", lambda: MeasuredTimes(9, {}), victim.trainer_keys
        )

    assert kept.latency_us == 9


def test_records_replaced_inside_a_snapshot_are_refused(victim):
    run = victim.run()
    taken = data.snapshot(run, victim.collection, STARTED_AT, victim.trainer_keys)
    victim.collection.update_many({}, {"$set": {"Result": 1}})
    other = data.snapshot(
        RunContext(victim.store, PIPELINE, "other"),
        victim.collection,
        STARTED_AT,
        victim.trainer_keys,
    )
    poisoned = victim.store.get(keys.snapshot_part("sites", other.digest, 0))
    victim.store.put(keys.snapshot_part("sites", taken.digest, 0), poisoned)

    with pytest.raises(SnapshotCorruptError):
        data.validate(run, ROOT / "gx")


def test_profile_of_a_snapshot_cannot_name_other_content(victim):
    run = victim.run()
    taken = data.snapshot(run, victim.collection, STARTED_AT, victim.trainer_keys)
    key = keys.snapshot_profile("sites", taken.digest)
    profile = json.loads(victim.store.get(key))
    profile["n_rows"] += 1
    victim.store.put(key, json.dumps(profile).encode())

    with pytest.raises(SnapshotCorruptError):
        data.validate(run, ROOT / "gx")


@pytest.mark.parametrize(
    ("signer", "run_id"),
    [
        pytest.param("stranger", RUN_ID, id="signed-by-a-stranger"),
        pytest.param("trainer", RUN_ID, id="signed-by-the-trainer"),
        pytest.param("approver", "manual__1", id="moved-from-another-run"),
        pytest.param(None, RUN_ID, id="unsigned"),
    ],
)
def test_nobody_is_said_to_have_rejected_a_version_but_by_the_approver(victim, signer, run_id):
    version = Version(version_name(1))
    manifest = version.manifest(model={"family": "a", "params": {}, "run_id": RUN_ID})
    publish_version(
        *(victim.store, manifest, version.files),
        signing_key=victim.trainer.path,
        trusted=victim.trainer.trusted,
    )
    response = ApprovalResponse("sites", run_id, version.name, False, "ann", "", "too many alarms")
    key = (getattr(victim, signer) if signer else victim.stranger).key
    body = response.to_json(key)
    if signer is None:
        body = json.dumps({**json.loads(body), "signature": {}}).encode()
    victim.store.put(keys.run_file("sites", RUN_ID, "approval.json"), body)
    (shown,) = list_versions(victim.store, "sites", victim.trusted_keys)

    assert read_response(victim.store, "sites", RUN_ID, victim.approver.trusted) is None
    assert (shown.answer, shown.problem) == ("", "")


def test_a_forged_rejection_silences_no_alert(victim):
    forged = ApprovalResponse("sites", RUN_ID, version_name(1), False, "ann", "", "no")
    body = forged.to_json(victim.stranger.key)
    victim.store.put(keys.run_file("sites", RUN_ID, "approval.json"), body)
    failed = RunFailed("train_sites", RUN_ID, {"approve": "PointerError: sites: replayed"}, "")

    assert causes_of_failure(victim.store, PIPELINE, failed) == (failed,)


def parquet(table, **options):
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", **options)
    return buffer.getvalue()


def repeated_text(name):
    """A column of a megabyte in 250,000 rows: less than a kilobyte of Parquet."""
    text = pa.DictionaryArray.from_arrays(np.zeros(250_000, np.int32), ["a" * 1_000_000])
    return parquet(pa.table({name: text}), store_schema=False)


BOMBS = {
    "rows": lambda: parquet(pa.table({"_id": pa.nulls(30_000_000, pa.string())})),
    "one-text-repeated": lambda: repeated_text("_id"),
    "row-groups": lambda: parquet(
        pa.table({"_id": pa.nulls(20_000, pa.string())}), row_group_size=1
    ),
    "lists": lambda: parquet(pa.table({"_id": [["a"] * 1_000_000]})),
    "other-type": lambda: parquet(pa.table({"_id": np.arange(9)})),
    "no-parquet": lambda: b"PAR1" * 100,
}


def test_a_small_file_in_the_place_of_a_snapshot_fills_no_memory(victim):
    taken = data.snapshot(victim.run(), victim.collection, STARTED_AT, victim.trainer_keys)
    for name, make in BOMBS.items():
        body = make()
        assert len(body) < 5_000_000, name
        victim.store.put(keys.snapshot_part("sites", taken.digest, 0), body)
        before = memory_peak()
        with pytest.raises(SnapshotCorruptError):
            read_snapshot(victim.store, "sites", taken.digest, [])
        assert memory_peak() - before < 200_000_000, name


def thrift_number(n, width=0):
    """A number as Parquet's metadata holds it; of `width` bytes at least."""
    rest, written = n << 1, []
    while rest > 0x7F or len(written) < width - 1:
        written.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*written, rest])


def text_of_which_the_footer_says_a_kilobyte(n_bytes):
    body = parquet(pa.table({"_id": ["a" * n_bytes]}), use_dictionary=False, write_statistics=False)
    start = len(body) - 8 - int.from_bytes(body[-8:-4], "little")
    real = thrift_number(pq.read_metadata(pa.BufferReader(body)).row_group(0).total_byte_size)
    assert body[start:].count(real) == 2  # of the row group and of its column
    return body[:start] + body[start:].replace(real, thrift_number(1000, len(real)))


READERS = {
    "read": "read_parquet(open(path, 'rb').read(), ['_id'], max_rows=10)",
    "stream": "sum(batch.num_rows for batch in stream_parquet(Path(path), 10))",
}
PEAK = """
import resource, sys
from pathlib import Path
from include.errors import DataRejectedError
from include.stores.parquet import read_parquet, stream_parquet
path, peak = sys.argv[1], lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = peak()
try:
    READ
except DataRejectedError:
    print("refused", peak() - before)
"""


@pytest.mark.parametrize("reader", READERS)
def test_a_page_larger_than_its_file_says_fills_no_memory(tmp_path, reader):
    """Twelve kilobytes of which the footer says that they unpack to one; they unpack to 400 MB."""
    path = tmp_path / "lie.parquet"
    path.write_bytes(text_of_which_the_footer_says_a_kilobyte(400_000_000))
    assert path.stat().st_size < 20_000

    code = PEAK.replace("READ\n", f"{READERS[reader]}\n")
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=300
    )

    assert done.stdout.startswith("refused"), done.stdout + done.stderr
    assert int(done.stdout.split()[1]) < 200  # MB


def memory_peak():
    """The most memory that Arrow has had at once."""
    return pa.default_memory_pool().max_memory()


@pytest.mark.parametrize("signer", [None, "stranger", "approver"])
def test_reference_data_that_no_trainer_made_are_not_trained_with(victim, signer):
    """Popularity ranks of the attacker's choice would make its sites look as known as a bank's."""
    hostile = build_reference([("hostile.example", 1)], ["by the attacker"])
    current = CurrentReference(describe_file(hostile).sha256, {}, "2026-11-20T00:00:00Z")
    set_current(victim.store, hostile, current, getattr(victim, signer or "stranger").key)
    if signer is None:
        victim.store.put(keys.current_reference(), json.dumps(vars(current)).encode())
    run = RunContext(victim.store, pipelines.get("urls"), RUN_ID)

    with pytest.raises((SignatureError, ManifestError), match="refresh_reference"):
        data.snapshot(run, victim.collection, STARTED_AT, victim.trainer_keys)


@pytest.mark.parametrize("name", ["00000009.json", "junk"])
def test_an_entry_laid_into_the_history_is_named(victim, name):
    promote(victim.store, Version(version_name(1)), victim.trainer, victim.approver)
    forged = victim.store.get(keys.approved("sites")).replace(b"ann", b"eve")
    victim.store.put(keys.history_prefix("sites") + name, forged)

    with pytest.raises(SignatureError, match=name):
        list(read_history(victim.store, "sites", victim.approver.trusted))
