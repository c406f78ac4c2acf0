"""A batch in the bucket goes on after a kill, on a real S3 and mongod; only its inputs are read."""

import json
import random
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.batch.steps import AskedBatch, begin, score_share, shares_of
from include.contract import keys
from include.contract.pointer import parse_pointer
from include.errors import BatchRefusedError, ManifestError, SignatureError
from include.registry.follow.verify import TrustedKeys
from include.registry.lists import ListChange, change_list, list_entry
from include.stores.objects import ObjectStore
from tests.support.cli_session import ROOT
from tests.support.signed_versions import Signer, promote, url_version, version_name
from tests.support.waiting import wait_until

BAD, GOOD = "http://bad.example/login", "https://good.example/"
AT = "2026-11-21T02:06:00+00:00"
PROGRAM = """
import json, sys
from pathlib import Path
from include.batch.steps import score_share
from include.contract.signature import load_public_key
from include.registry.follow.verify import TrustedKeys
from include.stores.objects import ObjectStore
import boto3

client, bucket, name, trainer, approver = json.loads(sys.argv[1])
keys = [(load_public_key(Path(each).read_bytes()),) for each in (approver, trainer)]
store = ObjectStore(boto3.client("s3", **client), bucket)
score_share(name, [0, 1], store, TrustedKeys(*keys, 50_000_000), jobs=1, progress=lambda *_: None)
"""


class Bucket:
    """A bucket with a version in production, and a program that scores in it."""

    def __init__(self, server, bucket, folder):
        self.store = ObjectStore(server.client(), bucket)
        self.trainer, self.approver = Signer.new(folder, "trainer"), Signer.new(folder, "approver")
        self.trusted = TrustedKeys(self.approver.trusted, self.trainer.trusted, 50_000_000)
        self._client = {
            "endpoint_url": server.endpoint_url,
            "aws_access_key_id": server.access_key,
            "aws_secret_access_key": server.secret_key,
            "region_name": "us-east-1",
        }
        self._keys = [
            str(each.write_public_pem(folder / f"{name}.pub"))
            for name, each in (("trainer", self.trainer), ("approver", self.approver))
        ]
        promote(self.store, url_version(1, [BAD]), self.trainer, self.approver)

    def start(self, name):
        """A process that scores two inputs of a batch."""
        told = json.dumps([self._client, self.store.bucket, name, *self._keys])
        return subprocess.Popen([sys.executable, "-c", PROGRAM, told], cwd=ROOT)

    def score(self, name, numbers=(0, 1)):
        return score_share(
            *(name, numbers, self.store, self.trusted), jobs=1, progress=lambda *_: None
        )

    def parts(self, name):
        """The parts by key, each with what changes when it is written again."""
        entries = self.store.entries_under(keys.batch_prefix(name))
        return {each.key: each.etag for each in entries if "/part-" in each.key}

    def rows(self, name):
        tables = (pq.read_table(pa.BufferReader(self.store.get(key))) for key in self.parts(name))
        return [row for table in tables for row in table.to_pylist()]


@pytest.fixture(scope="module")
def bucket(s3, module_bucket, tmp_path_factory):
    return Bucket(s3, module_bucket, tmp_path_factory.mktemp("keys"))


def test_a_killed_batch_goes_on_with_its_version_and_neither_loses_nor_repeats_a_row(
    bucket, database, is_full_run
):
    urls = [f"http://host{number}.example/{number}" for number in range(3000)]
    urls[5], urls[2900] = "javascript:alert(1)", BAD
    bucket.store.put("incoming/kill/a.csv", "\n".join(["link", *urls[:1000]]).encode())
    bucket.store.put("incoming/kill/b.txt", "\n".join(urls[1000:]).encode())
    asked = AskedBatch("kill", "urls", "incoming/kill/", {}, part_rows=50)
    job = begin(asked, bucket.store, database["urls"], bucket.trusted)
    assert shares_of(job) == [[0, 1]]
    rng, finished = random.Random(3), {}
    for _ in range(10 if is_full_run else 2):
        process = bucket.start("kill")
        wanted = len(finished) + rng.randint(1, 5)
        wait_until(lambda n=wanted, p=process: len(bucket.parts("kill")) >= n or p.poll())
        process.kill()
        process.wait()
        assert finished.items() <= bucket.parts("kill").items()
        finished = bucket.parts("kill")
    assert 0 < len(finished) < 60
    promote(bucket.store, url_version(2, [GOOD]), bucket.trainer, bucket.approver, run_id="run-2")
    by = {"reason": "a test", "author": "ann", "added_at": AT}
    entry = list_entry("block", "host", "host2999.example", **by)
    asked_of_list = ListChange("urls", "ann", AT, "a test", "run-1", add=(entry,))
    change_list(bucket.store, asked_of_list, bucket.approver.key, bucket.approver.trusted)

    assert begin(asked, bucket.store, database["urls"], bucket.trusted) == job
    totals = bucket.score("kill")

    rows = bucket.rows("kill")
    assert [row.get("link") or row.get("url") for row in rows] == urls
    assert {row["model_version"] for row in rows} == {version_name(1), None}
    assert finished.items() <= bucket.parts("kill").items()
    assert (rows[-1]["prediction"], rows[-1]["decided_by"]) == ("Phishing", "block list")
    assert (totals.rows, totals.bad_rows) == (3000, 1)
    assert bucket.score("kill") == totals


def test_records_are_scored_as_they_were_when_the_batch_began(bucket, database):
    records = database["urls"]
    records.insert_many([{"url": url, "label": 0} for url in (GOOD, BAD, 7)])
    records.insert_one({"url": "http://phishing.example/", "label": 1})
    asked = AskedBatch("records", "urls", "", {"label": 0})
    job = begin(asked, bucket.store, records, bucket.trusted)
    records.delete_many({})

    assert begin(asked, bucket.store, records, bucket.trusted) == job
    totals = bucket.score("records", [0])

    assert [row["url"] for row in bucket.rows("records")] == [GOOD, BAD, "7"]
    assert (totals.rows, totals.bad_rows) == (3, 1)
    with pytest.raises(BatchRefusedError, match="source"):
        begin(AskedBatch("records", "urls", "", {}), bucket.store, records, bucket.trusted)


@pytest.mark.parametrize(
    "where",
    [{"$where": "1"}, {"label": {"$function": {}}}, {"password": 1}, {"url": {"$eq": {"$gt": ""}}}],
    ids=str,
)
def test_a_filter_runs_no_program_and_names_known_columns(bucket, database, where):
    with pytest.raises(BatchRefusedError, match="filter"):
        begin(AskedBatch("f", "urls", "", where), bucket.store, database["urls"], bucket.trusted)


@pytest.mark.parametrize("prefix", ["models/urls/", "incoming/../models/", "incoming//x", "lists/"])
def test_only_two_folders_are_read(bucket, database, prefix):
    with pytest.raises(ManifestError):
        begin(AskedBatch("p", "urls", prefix, {}), bucket.store, database["urls"], bucket.trusted)


def test_an_object_that_changed_since_is_not_scored(bucket, database):
    bucket.store.put("incoming/changed/a.txt", GOOD.encode())
    asked = AskedBatch("changed", "urls", "incoming/changed/", {})
    begin(asked, bucket.store, database["urls"], bucket.trusted)
    bucket.store.put("incoming/changed/a.txt", BAD.encode())

    with pytest.raises(BatchRefusedError, match="changed"):
        bucket.score("changed", [0])
    with pytest.raises(BatchRefusedError, match="changed"):
        begin(asked, bucket.store, database["urls"], bucket.trusted)
    assert bucket.parts("changed") == {}


@pytest.mark.parametrize("forged", ["inputs", "pointer"])
def test_a_job_document_that_somebody_changed_reads_and_loads_nothing_else(
    bucket, database, forged
):
    bucket.store.put("incoming/forged/a.txt", GOOD.encode())
    asked = AskedBatch(f"forged-{forged}", "urls", "incoming/forged/", {})
    begin(asked, bucket.store, database["urls"], bucket.trusted)
    key = keys.batch_file(asked.name, "job.json")
    job = json.loads(bucket.store.get(key))
    if forged == "inputs":
        (etag,) = (e.etag for e in bucket.store.entries_under(keys.approved("urls")))
        job["inputs"] = [{"name": keys.approved("urls"), "size_bytes": 1, "etag": etag}]
    else:
        signed = job["pointer"].encode()
        pointer = parse_pointer(signed, bucket.approver.trusted, pipeline="urls")
        job["pointer"] = pointer.to_json(bucket.trainer.key).decode()  # who is no approver
    bucket.store.put(key, json.dumps(job).encode())

    with pytest.raises((ManifestError, SignatureError)):
        bucket.score(asked.name, [0])
    assert bucket.parts(asked.name) == {}
