"""Two runs of the same night at once: one approval, and a clear reason in the other."""

import multiprocessing
import re
from datetime import timedelta

import pymongo
import pytest

from include import pipelines
from include.errors import NightCatchError
from include.ingest.load import load_dataset
from include.registry.approve import production_pointer, read_history
from include.registry.follow.verify import TrustedKeys
from include.registry.versions import list_versions
from include.run.run_context import RunContext
from include.run.steps import promotion
from include.stores.objects import ObjectStore
from tests.support.signed_versions import Signer
from tests.support.training_run import STARTED_AT, evaluate_run

PIPELINE = pipelines.get("sites")
FAMILIES = ("LogisticRegression", "DecisionTree")
fork = multiprocessing.get_context("fork")


@pytest.fixture
def database(mongo_url, bucket, tmp_path):
    """The name of a database with 4,000 simulated records."""
    with pymongo.MongoClient(mongo_url) as mongo:
        load_dataset(
            mongo[bucket].sites, PIPELINE, simulated=True, n_simulated=4_000, cache_dir=tmp_path
        )
        yield bucket
        mongo.drop_database(bucket)


@pytest.mark.parametrize(
    ("apart", "reason"),
    [
        pytest.param(
            timedelta(seconds=1), "PromotionConflictError: .* serial ", id="a-second-apart"
        ),
        # Same records, seed and second: the same name for two versions that name different runs.
        pytest.param(
            timedelta(0), "VersionRefusedError: .* another run published", id="same-second"
        ),
    ],
)
def test_two_runs_at_once_end_with_one_approval_and_a_clear_reason_in_the_other(
    s3, mongo_url, database, tmp_path, apart, reason
):
    trainer, approver = Signer.new(tmp_path, "trainer"), Signer.new(tmp_path, "approver")
    trusted_keys = TrustedKeys(approver.trusted, trainer.trusted, 50_000_000)
    ends, both = fork.Queue(), fork.Barrier(2)

    def run(run_id, started_at):
        run = RunContext(ObjectStore(s3.client(), database), PIPELINE, run_id)
        try:
            with pymongo.MongoClient(mongo_url) as mongo:
                evaluate_run(
                    run, mongo[database].sites, trusted_keys=trusted_keys, trainer=trainer,
                    families=FAMILIES, started_at=started_at,
                )  # fmt: skip
            if apart:
                both.wait(600)  # neither may be done before the other is judged
            pointer = promotion.promote(
                run, approved_by="the gate", approved_at=started_at, reason="passed",
                key=approver.key, trusted_keys=trusted_keys,
            )  # fmt: skip
        except NightCatchError as err:
            ends.put((run_id, f"{type(err).__name__}: {err}"))
        else:
            ends.put((run_id, pointer.serial))

    runs = [
        fork.Process(target=run, args=("night-a", STARTED_AT)),
        fork.Process(target=run, args=("night-b", STARTED_AT + apart)),
    ]
    for process in runs:
        process.start()
    ended = dict(ends.get(timeout=900) for _ in runs)
    for process in runs:
        process.join(600)
    store = ObjectStore(s3.client(), database)
    history = list(read_history(store, "sites", trusted_keys.approvers))
    (winner,) = [run_id for run_id, end in ended.items() if end == 1]
    (loser,) = ended.keys() - {winner}

    assert [(pointer.run_id, pointer.serial) for pointer in history] == [(winner, 1)]
    assert production_pointer(store, "sites", trusted_keys.approvers) == history[0]
    assert re.match(reason, ended[loser])
    assert all(found.problem == "" for found in list_versions(store, "sites", trusted_keys))
