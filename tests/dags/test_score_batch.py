"""The DAG `score_batch` scores objects and records, in a real Airflow, S3 and mongod."""

import io
import json
import re
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pymongo
import pytest

from include.contract.run_documents import BatchTotals, parse
from include.stores.objects import ObjectStore
from tests.support.dagbags import ROOT, run_airflow
from tests.support.signed_versions import Signer, promote, url_version

DAG_FILE = ROOT / "dags" / "score_batch.py"
BAD, GOOD = "http://bad.example/login", "https://good.example/"
# One process for all: each start of Airflow costs ten seconds.
PROGRAM = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.utils.db import initdb
from tests.support.dagbags import accepts

path, form, runs = sys.argv[1], *map(json.loads, sys.argv[2:])
initdb()
bag = DagBag(path)
dag = bag.dags["score_batch"]
parsed = {
    "errors": bag.import_errors,
    "doc": dag.doc_md,
    "accepted": [accepts(dag, name, value) for name, value in form],
}
states = {}
for name, conf in runs:
    print("RUN", name, flush=True)
    states[name] = DagBag(path).dags["score_batch"].test(run_conf=conf).state
print("RUN end", flush=True)
print(json.dumps([parsed, states]))
"""
FORM = [
    ("name", "proxy-2026-11", True),
    ("name", "../models", False),
    ("name", "a/b", False),
    ("prefix", "incoming/proxy/", True),
    ("prefix", "batch/first/", True),
    ("prefix", "models/urls/", False),
    ("filter", {"source": "proxy"}, True),
    ("filter", "all", False),
    ("jobs", 0, False),
]
RECORDS = {"source": "records of MongoDB"}
SINCE = {"first_seen": {"$gte": "2026-11-02"}}
RUNS = [
    ("preview", {"name": "objects", "prefix": "incoming/a/", "preview": True}),
    ("objects", {"name": "objects", "prefix": "incoming/a/"}),
    ("again", {"name": "objects", "prefix": "incoming/a/"}),
    ("other", {"name": "objects", "prefix": "incoming/b/"}),
    ("records", {"name": "records", **RECORDS, "filter": SINCE}),
    ("program", {"name": "program", **RECORDS, "filter": {"$where": "true"}}),
    ("outside", {"name": "outside", "prefix": "incoming/../models/"}),
]


@pytest.fixture(scope="module")
def store(s3, module_bucket):
    return ObjectStore(s3.client(), module_bucket)


@pytest.fixture(scope="module")
def done(tmp_path_factory, mongo_url, s3, store):
    home = tmp_path_factory.mktemp("airflow")
    trainer, approver = Signer.new(home, "trainer"), Signer.new(home, "approver")
    promote(store, url_version(1, [BAD]), trainer, approver)
    table = io.BytesIO()
    pq.write_table(pa.table({"url": [GOOD, None, BAD], "user": [1, 2, 3]}), table)
    store.put("incoming/a/1.parquet", table.getvalue())
    store.put("incoming/a/2.txt", f"{BAD}\n{GOOD}\n".encode())
    store.put("incoming/b/1.txt", BAD.encode())
    with pymongo.MongoClient(mongo_url) as client:
        days = [datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2, 3)]
        urls = zip(("http://old.example/", BAD, GOOD), days, strict=True)
        client["batch"]["urls"].insert_many([{"url": u, "first_seen": day} for u, day in urls])
        output = run_airflow(
            home,
            PROGRAM,
            *(str(DAG_FILE), json.dumps([case[:2] for case in FORM]), json.dumps(RUNS)),
            AIRFLOW_CONN_NIGHTCATCH_MONGO=mongo_url.replace("mongodb://", "mongo://").replace(
                "/?", "/batch?"
            ),
            AIRFLOW_CONN_NIGHTCATCH_S3=json.dumps(
                {
                    "conn_type": "aws",
                    "login": s3.access_key,
                    "password": s3.secret_key,
                    "extra": {"endpoint_url": s3.endpoint_url, "region_name": "us-east-1"},
                }
            ),
            NIGHTCATCH_S3_BUCKET=store.bucket,
            NIGHTCATCH_TRAINER_PUBLIC_KEY=str(trainer.write_public_pem(home / "trainer.pub")),
            NIGHTCATCH_APPROVER_PUBLIC_KEY=str(approver.write_public_pem(home / "approver.pub")),
        )
        client.drop_database("batch")
    said = re.split(r"^RUN (\w+)$", output, flags=re.M)
    parsed, states = json.loads(said[-1])
    return parsed, states, dict(zip(said[1::2], said[2::2], strict=True))


def scored(store, name):
    keys = sorted(key for key in store.keys_under(f"batch/{name}/") if "/part-" in key)
    tables = [pq.read_table(pa.BufferReader(store.get(key))).to_pylist() for key in keys]
    return [(row["url"], row["prediction"]) for rows in tables for row in rows]


def test_the_dag_parses_and_says_what_it_does(done):
    parsed, _, _ = done

    assert parsed["errors"] == {}
    assert "When it fails" in parsed["doc"]


@pytest.mark.parametrize("case", FORM, ids=str)
def test_the_form_takes_only_what_may_be_read_and_written(done, case):
    assert done[0]["accepted"][FORM.index(case)] is case[2]


def test_objects_are_scored_and_a_second_run_finds_its_parts(done, store):
    _, states, output = done

    assert (states["objects"], states["again"]) == ("success", "success")
    assert "'objects': 2" in output["preview"]
    expected = [(GOOD, "Legitimate"), (None, None), (BAD, "Phishing")]
    assert scored(store, "objects") == [*expected, (BAD, "Phishing"), (GOOD, "Legitimate")]
    totals = parse(BatchTotals, store.get("batch/objects/summary.json"))
    assert (totals.rows, totals.bad_rows, totals.by_verdict["Phishing"]) == (5, 1, 2)
    assert b"<svg" in store.get("batch/objects/summary.html")
    assert "found" in output["again"]
    assert "scored\n" not in output["again"]


def test_records_that_match_a_filter_are_scored(done, store):
    assert done[1]["records"] == "success"
    assert scored(store, "records") == [(BAD, "Phishing"), (GOOD, "Legitimate")]


@pytest.mark.parametrize("name", ["other", "program", "outside"])
def test_what_must_not_be_read_or_overwritten_fails_at_once(done, store, name):
    _, states, output = done

    assert states[name] == "failed"
    assert re.search("BatchRefusedError|ManifestError", output[name])
    assert not list(store.keys_under("batch/outside/"))
