"""Expired labels and what is above a source's share stay out of a snapshot."""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

import pymongo
import pytest

from include.contract.schema import InputField, Target
from include.ingest.labels.selection import kept_shares, select_records
from include.ingest.snapshot.extract import write_snapshot

NOW = datetime(2026, 12, 1, tzinfo=UTC)
TARGET = Target("label", 1, 0)
COLUMNS = [InputField("label", "int8", (0, 1)), InputField("source", "string", None)]


@pytest.fixture
def collection(mongo_url):
    with pymongo.MongoClient(mongo_url) as client:
        database = client[f"selection_{uuid.uuid4().hex}"]
        yield database["urls"]
        client.drop_database(database)


def documents(n, source, label=1, **more):
    return [
        {
            "_id": hashlib.sha256(f"{source} {label} {i}".encode()).hexdigest()[:24],
            "label": label,
            "source": source,
            **more,
        }
        for i in range(n)
    ]


def taken(collection, folder, feeds, max_share=0.5):
    folder.mkdir()
    query = select_records(collection, TARGET, feeds, max_share, NOW, enough=100)
    return write_snapshot(collection, COLUMNS, folder, query=query)


def test_a_label_that_nobody_repeated_is_left_out(collection, tmp_path):
    collection.insert_many(documents(3, "a", expires_at=NOW - timedelta(days=1)))
    collection.insert_many(documents(4, "b", expires_at=NOW + timedelta(days=1)))
    collection.insert_many(documents(5, "loaded"))

    assert taken(collection, tmp_path / "one", ["a", "b"]).n_rows == 9
    assert taken(collection, tmp_path / "two", []).n_rows == 12


def test_a_feed_above_its_share_is_cut_to_it_the_same_way_each_time(collection, tmp_path):
    collection.insert_many(documents(3_000, "big"))
    collection.insert_many(documents(400, "small"))
    collection.insert_many(documents(600, "loaded"))
    collection.insert_many(documents(50, "big", label=0))

    first = taken(collection, tmp_path / "one", ["big", "small"])
    again = taken(collection, tmp_path / "two", ["big", "small"])

    assert first.digest == again.digest
    n_big = first.n_rows - 1_050
    assert abs(n_big - 1_000) < 100


def test_of_an_earlier_day_what_was_seen_or_reviewed_later_is_left_out(collection, tmp_path):
    may, june = datetime(2026, 5, 31, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC)
    collection.insert_many(documents(2, "may", first_seen=may, expires_at=june))
    collection.insert_many(documents(3, "june", first_seen=june))
    collection.insert_many(documents(4, "reviewed", first_seen=may, reviewed_at=june))
    collection.insert_many(documents(5, "undated"))
    collection.insert_many(documents(6, "expired", first_seen=may, expires_at=may))

    def n_known(folder, feeds):
        (tmp_path / folder).mkdir()
        query = select_records(
            *(collection, TARGET, feeds, 0.5, NOW),
            since="first_seen",
            known_on=datetime(2026, 6, 1, tzinfo=UTC),
        )
        return write_snapshot(collection, COLUMNS, tmp_path / folder, query=query).n_rows

    assert n_known("feeds", ["may"]) == 2 + 5
    assert n_known("none", []) == 2 + 5 + 6


@pytest.mark.parametrize(
    ("by_source", "kept"),
    [
        ({"a": 100}, {}),
        ({"a": 100, "": 100}, {}),
        ({"a": 300, "": 100}, {"a": 1 / 3}),
        ({"a": 300, "": 10}, {"a": 1 / 6}),
        ({"a": 300, "b": 50, "": 50}, {"a": 1 / 3}),
        ({"": 300, "a": 10}, {}),
        ({}, {}),
    ],
    ids=[
        "alone",
        "half",
        "three quarters",
        "never below enough",
        "beside two",
        "loaded by people",
        "nothing",
    ],
)
def test_the_share_that_a_feed_keeps(by_source, kept):
    assert kept_shares(by_source, 0.5, 50) == pytest.approx(kept)
