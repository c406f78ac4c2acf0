"""Whole runs on spoilt labels: the gate says why, and what is in production stays."""

import random
from dataclasses import replace
from datetime import timedelta

import pymongo
import pytest

from include import pipelines
from include.errors import GateRejectedError, TrainingError
from include.ingest.load import load_dataset
from include.registry.approve import production_pointer
from include.registry.follow.verify import TrustedKeys
from include.run.run_context import RunContext
from include.stores.objects import ObjectStore
from include.tracking.record import rejections
from tests.support.signed_versions import Signer
from tests.support.training_run import ORDER, STARTED_AT, run_training

PIPELINE = pipelines.get("sites")
FAMILIES = ("LogisticRegression",)


@pytest.fixture
def collection(mongo_url, bucket, tmp_path):
    """4,000 simulated records in a database of the test's own."""
    mongo = pymongo.MongoClient(mongo_url)
    collection = mongo[bucket].sites
    load_dataset(collection, PIPELINE, simulated=True, n_simulated=4_000, cache_dir=tmp_path)
    yield collection
    mongo.drop_database(bucket)
    mongo.close()


@pytest.fixture
def runs(s3, bucket, collection, tmp_path):
    """Run a run by its number; what is in production by `runs.in_production()`."""
    trainer, approver = Signer.new(tmp_path, "trainer"), Signer.new(tmp_path, "approver")
    store = ObjectStore(s3.client(), bucket)
    trusted_keys = TrustedKeys(approver.trusted, trainer.trusted, 50_000_000)

    def run(number):
        run = RunContext(store, PIPELINE, f"night-{number}")
        run_training(
            run,
            collection,
            trusted_keys=trusted_keys,
            trainer=trainer,
            approver=approver,
            families=FAMILIES,
            order=replace(ORDER, seed=number),
            started_at=STARTED_AT + timedelta(days=number),
        )
        return run

    run.in_production = lambda: production_pointer(store, "sites", approver.trusted)
    run.store = store
    return run


def relabel(collection, ids, label):
    collection.update_many({"_id": {"$in": ids}}, {"$set": {"Result": label}})


def test_a_run_of_shuffled_labels_publishes_nothing(collection, runs):
    labels = [document["Result"] for document in collection.find({}, {"Result": 1})]
    ids = [document["_id"] for document in collection.find({}, {"_id": 1})]
    random.Random(0).shuffle(labels)
    for label in (-1, 1):
        relabel(
            collection, [i for i, drawn in zip(ids, labels, strict=True) if drawn == label], label
        )
    with pytest.raises((GateRejectedError, TrainingError)):
        runs(1)

    assert runs.in_production() is None


def test_phishing_relabelled_in_one_slice_is_named_and_the_champion_stays(collection, runs):
    runs(1)
    hidden = {"Result": -1, "having_IP_Address": -1}
    ids = sorted(document["_id"] for document in collection.find(hidden, {"_id": 1}))
    relabel(collection, random.Random(0).sample(ids, len(ids) // 2), 1)
    with pytest.raises(GateRejectedError, match="an IP address instead of a domain name"):
        runs(2)
    verdicts, _ = rejections(runs.store, "sites", "night-2", ())
    rejected = {verdict.rule: verdict for verdict in verdicts}

    assert "slice_disputed_labels" in rejected
    assert rejected["slice_disputed_labels"].figure > 0.1
    assert runs.in_production().serial == 1
