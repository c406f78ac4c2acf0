"""Snapshots of a real MongoDB in a real S3: same content, same keys; nothing lost, nothing torn."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymongo
import pytest
from bson import Decimal128, Int64, ObjectId
from pymongo.collection import Collection

from include.contract import keys
from include.contract.schema import InputField
from include.errors import DataRejectedError, SnapshotCorruptError, StoreUnavailableError
from include.ingest.snapshot import (
    read_profile,
    read_snapshot,
    read_type_errors,
    take_snapshot,
    write_snapshot,
)
from include.stack.ports import pick_port
from include.stack.seaweed import SeaweedServer
from include.stores.documents import raw_batches
from include.stores.objects import ObjectStore

COLUMNS = [InputField(name, "int8", (-1, 0, 1)) for name in ("a", "b", "Result")]


def records(n_rows: int) -> list[dict[str, Any]]:
    return [
        {"_id": f"{i * 7919 % 104729:06d}-0", "a": i % 3 - 1, "b": i % 2, "Result": 1 - 2 * (i % 2)}
        for i in range(n_rows)
    ]


@pytest.fixture
def collection(mongo_url: str) -> Iterator[Collection[dict[str, Any]]]:
    with pymongo.MongoClient[dict[str, Any]](mongo_url) as client:
        database = client[f"snapshot_{secrets.token_hex(4)}"]
        yield database.sites
        client.drop_database(database)


@pytest.fixture
def store(s3: SeaweedServer) -> ObjectStore:
    client = s3.client()
    bucket = f"snapshots-{secrets.token_hex(4)}"
    client.create_bucket(Bucket=bucket)
    return ObjectStore(client, bucket)


def test_snapshot_reads_back_as_float32_in_order_of_id(
    collection: Collection[dict[str, Any]], store: ObjectStore
) -> None:
    rows = records(50)
    del rows[0]["a"]
    rows[1]["a"] = None
    rows[2]["a"] = float("nan")
    rows[3]["more"] = "not asked for"
    collection.insert_many(rows)

    snapshot = take_snapshot(collection, COLUMNS, store, "sites", rows_per_part=20)
    frame = read_snapshot(store, "sites", snapshot.digest)

    expected = pd.DataFrame(rows)[["_id", "a", "b", "Result"]].sort_values("_id")
    assert [part.n_rows for part in snapshot.parts] == [20, 20, 10]
    assert frame["_id"].tolist() == expected["_id"].tolist()
    for name in ("a", "b", "Result"):
        assert frame[name].dtype == np.float32
        np.testing.assert_array_equal(frame[name], expected[name].astype("float32"))
    assert snapshot.type_errors.num_rows == 0


def test_columns_asked_for_are_the_only_ones_read(
    collection: Collection[dict[str, Any]], store: ObjectStore
) -> None:
    collection.insert_many(records(5))
    digest = take_snapshot(collection, COLUMNS, store, "sites").digest

    assert list(read_snapshot(store, "sites", digest, ["Result"])) == ["_id", "Result"]
    with pytest.raises(DataRejectedError, match="no column c"):
        read_snapshot(store, "sites", digest, ["c"])
