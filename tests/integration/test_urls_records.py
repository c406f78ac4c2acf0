"""URL records on real servers: from feeds and lists through MongoDB into accepted rows."""

import io
import multiprocessing
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pymongo
import pytest

from include import pipelines
from include.contract import keys
from include.ingest.load import load_dataset
from include.run.first_attempt import TrainerKeys
from include.run.run_context import RunContext
from include.run.steps import data, drift
from include.stores.objects import ObjectStore
from tests.support.signed_versions import Signer
from tests.support.training_run import ROOT, STARTED_AT

PIPELINE = pipelines.get("urls")


@dataclass(frozen=True)
class RealServers:
    """A bucket and a collection of one test."""

    store: ObjectStore
    collection: Any
    folder: Any
    trainer_keys: TrainerKeys

    def load(self, content=None, name="some.csv", **options):
        if content is None:
            return load_dataset(
                self.collection, PIPELINE, cache_dir=self.folder, simulated=True, **options
            )
        path = self.folder / name
        path.write_text(content)
        return load_dataset(self.collection, PIPELINE, cache_dir=self.folder, path=path, **options)

    def run_context(self, run_id):
        return RunContext(self.store, PIPELINE, run_id)

    def validate(self, run_id):
        run = self.run_context(run_id)
        taken = data.snapshot(run, self.collection, STARTED_AT, self.trainer_keys)
        return run, taken, data.validate(run, ROOT / "gx")

    def documents(self):
        return list(self.collection.find({}, {"_id": False}).sort("url"))


@pytest.fixture
def servers(s3, mongo_url, bucket, tmp_path):
    with pymongo.MongoClient(mongo_url) as mongo:
        signer = Signer.new(tmp_path, "trainer")
        trainer_keys = TrainerKeys(signer.key, signer.trusted)
        store = ObjectStore(s3.client(), bucket)
        yield RealServers(store, mongo[bucket].urls, tmp_path, trainer_keys)
        mongo.drop_database(bucket)


def lines(*rows):
    return "\n".join(["url,label,source,date", *rows]) + "\n"


def test_a_url_is_stored_once_whatever_file_and_spelling_it_comes_in(servers):
    servers.load(lines("http://www.a.example/login,1,feed,2026-03-01"))
    again = servers.load(
        "HTTPS://A.example:443/login\nhttp://b.example\n",
        "list.txt",
        label="phishing",
        source_name="hotline",
    )

    assert (again.n_inserted, again.n_unchanged, again.n_earlier) == (1, 1, 0)
    first, second = servers.documents()
    assert first["url"] == "http://b.example"
    assert (first["source"], first["loaded_from"], first["label"]) == ("hotline", "list.txt", 1)
    assert (second["source"], second["loaded_from"]) == ("feed", "some.csv")


def test_the_earliest_sighting_stays_with_its_source(servers):
    servers.load(lines("http://a.example/login,1,late,2026-03-01"))
    report = servers.load(lines("http://a.example/login,1,early,2026-02-01"), "early.csv")
    servers.load(lines("http://a.example/login,1,later,2026-04-01"))

    (document,) = servers.documents()
    assert report.n_earlier == 1
    assert (document["source"], f"{document['first_seen']:%Y-%m-%d}") == ("early", "2026-02-01")


def test_a_contradiction_is_kept_twice_and_both_are_quarantined_with_both_sources(servers):
    servers.load(n_simulated=1500)
    servers.collection.update_many({}, {"$unset": {"simulated": ""}})
    servers.load(lines("http://a.example/login,1,feed,2026-03-01"))
    servers.load(lines("https://www.a.example/login,0,curators,"))

    run, _, summary = servers.validate("night-1")

    stored = servers.store.get(keys.quarantine("urls", "night-1"))
    quarantined = pd.read_parquet(io.BytesIO(stored)).set_index("url")
    reason = "url is labelled legitimate by curators and phishing by feed"
    assert quarantined.loc["http://a.example/login", "reasons"] == reason
    assert quarantined.loc["https://www.a.example/login", "reasons"] == reason
    accepted = run.read_frame(data.ACCEPTED)
    assert list(accepted.columns) == ["_id", "url", "label", "source", "first_seen", "reviewed_by"]
    assert len(accepted) == summary.accepted
    assert str(accepted["first_seen"].dtype) == "datetime64[ms, UTC]"


def test_records_of_another_program_are_evaluated_too(servers):
    servers.load(n_simulated=1500)
    servers.collection.insert_many(
        [
            {"url": 7, "label": 1, "source": "feed"},
            {"url": "http://x.example/", "label": "1", "source": "feed"},
            {"url": "http://y.example/", "label": 1, "first_seen": "2026-01-01"},
            {"url": "http://z.example/", "label": 1, "source": "feed", "more": {"a": 1}},
        ]
    )

    servers.validate("night-1")

    stored = servers.store.get(keys.quarantine("urls", "night-1"))
    reasons = pd.read_parquet(io.BytesIO(stored)).set_index("url")["reasons"]
    assert "label holds '1' (string), expected a number" in reasons["http://x.example/"]
    assert "2026-01-01" in reasons["http://y.example/"]
    assert "http://z.example/" not in reasons
    assert reasons[reasons.index.isna()].str.contains("url holds 7").any()


def _load_until_killed(url, database, folder, pipe):
    from include.ingest.files.reader import read_records
    from include.ingest.labels.batches import load_records
    from include.ingest.labels.documents import Source

    with pymongo.MongoClient(url) as client:
        load_records(
            client[database].urls,
            read_records(folder / "some.csv", PIPELINE.layout),
            Source("some.csv"),
            identity=PIPELINE.layout.identity,
            batch_rows=50,
            progress=lambda n_read: (pipe.send(n_read), pipe.recv()) if n_read >= 500 else None,
        )


def test_a_load_killed_in_the_middle_is_completed_by_the_next(servers, mongo_url):
    content = lines(
        *(f"http://site-{n % 900}.example/,1,feed,2026-01-{1 + n % 28:02}" for n in range(2000))
    )
    (servers.folder / "some.csv").write_text(content)
    ours, theirs = multiprocessing.Pipe()
    killed = multiprocessing.get_context("spawn").Process(
        target=_load_until_killed,
        args=(mongo_url, servers.collection.database.name, servers.folder, theirs),
    )
    killed.start()
    assert ours.recv() == 500
    killed.kill()
    killed.join()
    assert servers.collection.count_documents({}) == 500

    servers.load(content)
    resumed = servers.documents()
    servers.collection.drop()
    servers.load(content)

    assert len(resumed) == 900
    assert resumed == servers.documents()


def test_simulated_urls_make_way_for_real_ones(servers):
    servers.load(n_simulated=200)
    assert servers.collection.count_documents({"simulated": {"$ne": True}}) == 0

    servers.load(lines("http://a.example/login,1,feed,2026-03-01"))

    assert len(servers.documents()) == 1


def test_drift_is_measured_on_what_is_computed_of_urls(servers):
    servers.load(n_simulated=1500)
    _, taken, _ = servers.validate("night-1")
    manifest = SimpleNamespace(version="the-first", snapshot={"digest": taken.digest})
    servers.load(n_simulated=2500)
    servers.collection.update_many({"label": 1}, {"$set": {"source": "one feed"}})
    run, _, _ = servers.validate("night-2")

    moved = drift.measure(run, SimpleNamespace(manifest=manifest), ROOT / "gx")

    columns = [each["column"] for each in moved.columns]
    assert columns[0] == "source"
    assert moved.blocked == ("source",)
    assert set(columns) == {
        *("suffix", "length", "depth", "home_page", "number_host", "source", "label")
    }
