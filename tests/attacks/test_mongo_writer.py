"""Attacker: whoever can write the records in MongoDB, and nothing else.

Aim: a task that fails or runs something, a page that shows markup, or a model that lets one kind of
phishing pass. Labels changed in number are the gate's matter (tests/integration/test_gate.py).
"""

import io

import pandas as pd
import pymongo
import pytest
from bson import Code, Regex

from include import pipelines
from include.contract import keys
from include.errors import DataRejectedError
from include.ingest.load import load_dataset
from include.run.first_attempt import TrainerKeys
from include.run.run_context import RunContext
from include.run.steps import data
from include.stores.objects import ObjectStore
from tests.support.signed_versions import Signer
from tests.support.training_run import ROOT, STARTED_AT

PIPELINE = pipelines.get("sites")
COLUMN = PIPELINE.inputs[0].name
MARKUP = "<img src=x onerror=alert(1)>"
N_RECORDS = 1_500
HOSTILE = {
    "operator": {"$where": "sleep(10000)"},
    "code": Code("function() { return 1 }"),
    "pattern": Regex("(a+)+$"),
    "markup": MARKUP,
    "formula": "=HYPERLINK(1)",
    "megabyte": "a" * 1_000_000,
    "nested": {"a": {"a": {"a": [1] * 1_000}}},
    "infinite": float("inf"),
    "beyond 64 bits": 2.0**80,
    "beyond its values": 7,
    "list": [1, -1],
    "bytes": b"\x00\xff",
}


@pytest.fixture
def collection(mongo_url, bucket, tmp_path):
    with pymongo.MongoClient(mongo_url) as mongo:
        records = mongo[bucket].sites
        load_dataset(records, PIPELINE, simulated=True, n_simulated=N_RECORDS, cache_dir=tmp_path)
        yield records
        mongo.drop_database(bucket)


@pytest.fixture
def run(s3, bucket):
    return RunContext(ObjectStore(s3.client(), bucket), PIPELINE, "run-1")


def validate(run, collection, folder):
    trainer = Signer.new(folder, "trainer")
    data.snapshot(run, collection, STARTED_AT, TrainerKeys(trainer.key, trainer.trusted))
    return data.validate(run, ROOT / "gx")


def test_no_value_of_a_record_stops_a_run_or_is_trained_on(run, collection, tmp_path):
    record = collection.find_one({}, {"_id": 0})
    collection.insert_many(
        {**record, COLUMN: value, "_id": f"hostile {name}"} for name, value in HOSTILE.items()
    )
    summary = validate(run, collection, tmp_path)
    quarantine = pd.read_parquet(io.BytesIO(run.store.get(keys.quarantine("sites", run.run_id))))

    assert (summary.accepted, summary.quarantined) == (N_RECORDS, len(HOSTILE))
    assert set(quarantine["_id"]) == {f"hostile {name}" for name in HOSTILE}


def test_no_markup_of_a_record_is_markup_of_a_page(run, collection, tmp_path):
    record = collection.find_one({}, {"_id": 0})
    collection.insert_one({**record, COLUMN: MARKUP, "_id": MARKUP})
    validate(run, collection, tmp_path)
    pages = [
        run.store.get(key)
        for key in run.store.keys_under(keys.docs_prefix("sites", run.run_id))
        if key.endswith(".html")
    ]

    assert pages
    assert not any(MARKUP.encode() in page for page in pages)


def test_a_flood_of_broken_records_ends_the_run_and_not_the_model_in_production(
    run, collection, tmp_path
):
    record = collection.find_one({}, {"_id": 0})
    collection.insert_many({**record, COLUMN: 7, "_id": f"{n}"} for n in range(N_RECORDS))
    with pytest.raises(DataRejectedError):
        validate(run, collection, tmp_path)
    assert list(run.store.keys_under("models/")) == []
