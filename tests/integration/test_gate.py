"""Whole nights on spoilt labels: the gate says why, and what is in force stays."""

import random
from dataclasses import replace
from datetime import timedelta

import pymongo
import pytest

from include import pipelines
from include.errors import GateRejectedError, TrainingError
from include.ingest.load import load_dataset
from include.nightly.night import Night
from include.registry.approve import pointer_in_force
from include.registry.follow.believe import Trust
from include.stores.objects import ObjectStore
from tests.nights import ORDER, STARTED_AT, run_night
from tests.versions import Signer

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
def nights(s3, bucket, collection, tmp_path):
    """Run a night by its number; what is in force by `nights.in_force()`."""
    trainer, approver = Signer.new(tmp_path, "trainer"), Signer.new(tmp_path, "approver")
    store = ObjectStore(s3.client(), bucket)
    trust = Trust(approver.trusted, trainer.trusted, 50_000_000)

    def run(number):
        night = Night(store, PIPELINE, f"night-{number}")
        run_night(
            night,
            collection,
            trust=trust,
            trainer=trainer,
            approver=approver,
            families=FAMILIES,
            order=replace(ORDER, seed=number),
            started_at=STARTED_AT + timedelta(days=number),
        )
        return night

    run.in_force = lambda: pointer_in_force(store, "sites", approver.trusted)
    run.store = store
    return run


def relabel(collection, ids, label):
    collection.update_many({"_id": {"$in": ids}}, {"$set": {"Result": label}})


def test_a_night_of_shuffled_labels_publishes_nothing(collection, nights):
    labels = [document["Result"] for document in collection.find({}, {"Result": 1})]
    ids = [document["_id"] for document in collection.find({}, {"_id": 1})]
    random.Random(0).shuffle(labels)
    for label in (-1, 1):
        relabel(
            collection, [i for i, drawn in zip(ids, labels, strict=True) if drawn == label], label
        )
    with pytest.raises((GateRejectedError, TrainingError)):
        nights(1)

    assert nights.in_force() is None


def test_phishing_relabelled_in_one_slice_is_named_and_the_champion_stays(collection, nights):
    nights(1)
    hidden = {"Result": -1, "having_IP_Address": -1}
    ids = sorted(document["_id"] for document in collection.find(hidden, {"_id": 1}))
    relabel(collection, random.Random(0).sample(ids, len(ids) // 2), 1)
    with pytest.raises(GateRejectedError, match="an IP address instead of a domain name"):
        nights(2)
    verdicts = Night(nights.store, PIPELINE, "night-2").read_json("gate.json")
    rejected = {verdict["rule"]: verdict for verdict in verdicts if not verdict["passed"]}

    assert "slice_disputed_labels" in rejected
    assert rejected["slice_disputed_labels"]["figure"] > 0.1
    assert nights.in_force().serial == 1
