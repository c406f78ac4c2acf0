"""Snapshots of a real MongoDB in a real S3: same content, same keys; nothing lost, nothing torn."""

import json
import random
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bson
import numpy as np
import pandas as pd
import pymongo
import pytest
from bson import Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection

from include.contract import keys
from include.contract.schema import InputField
from include.errors import (
    DataRejectedError,
    ObjectMissingError,
    SettingMissingError,
    SnapshotCorruptError,
    StoreUnavailableError,
)
from include.ingest.snapshot.decode import BatchDecoder
from include.ingest.snapshot.snapshots import (
    read_profile,
    read_snapshot,
    read_type_errors,
    take_snapshot,
)
from include.stack.mongo import MongoServer, find_mongod
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
def collection(mongo_url: str) -> Iterator[Collection[Any]]:
    with pymongo.MongoClient[dict[str, Any]](mongo_url) as client:
        database = client[f"snapshot_{secrets.token_hex(4)}"]
        yield database.sites
        client.drop_database(database)


@pytest.fixture
def own_mongo(tmp_path: Path) -> Iterator[MongoServer]:
    """A mongod for a test that breaks it."""
    server = MongoServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def store(s3: SeaweedServer, bucket: str) -> ObjectStore:
    return ObjectStore(s3.client(), bucket)


def test_snapshot_reads_back_as_float32_in_order_of_id(
    collection: Collection[Any], store: ObjectStore
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


def test_broken_documents_are_named_and_the_others_are_read(
    collection: Collection[Any], store: ObjectStore
) -> None:
    columns = [InputField("url", "string", None), InputField("first_seen", "timestamp", None)]
    collection.insert_many({"_id": f"good{row}", "url": "http://a.example/"} for row in range(900))
    utf8 = bson.encode({"_id": "not-utf8", "url": "http://XXXX.example/"})
    collection.insert_many(
        [
            RawBSONDocument(utf8.replace(b"XXXX", b"\xff\xfe\xfd\xfc")),
            RawBSONDocument(bson.encode({"_id": "YYYY"}).replace(b"YYYY", b"\xff\xfe\xfd\xfc")),
            {"_id": DatetimeMS(8_640_000_000_000_000), "url": "http://b.example/"},
            {"_id": "no-date", "first_seen": DatetimeMS(8_640_000_000_000_000)},
        ]
    )

    snapshot = take_snapshot(collection, columns, store, "urls", rows_per_part=100)
    frame = read_snapshot(store, "urls", snapshot.digest)
    errors = read_type_errors(store, "urls", snapshot.digest)

    assert len(frame) == 904
    assert frame["url"].notna().sum() == 901
    assert list(zip(errors["_id"], errors["column"], strict=True)) == [
        ("no-date", "first_seen"),
        ("not-utf8", "url"),
    ]


def test_columns_asked_for_are_the_only_ones_read(
    collection: Collection[Any], store: ObjectStore
) -> None:
    collection.insert_many(records(5))
    digest = take_snapshot(collection, COLUMNS, store, "sites").digest

    assert list(read_snapshot(store, "sites", digest, ["Result"])) == ["_id", "Result"]
    with pytest.raises(DataRejectedError, match="no column c"):
        read_snapshot(store, "sites", digest, ["c"])


def test_same_documents_have_the_same_digest_in_any_order_and_cut(
    collection: Collection[Any], store: ObjectStore
) -> None:
    rows = records(5000)
    collection.insert_many(rows)
    first = take_snapshot(collection, COLUMNS, store, "sites")
    collection.drop()
    random.Random(3).shuffle(rows)
    collection.insert_many([{**row, "extra": 1} for row in rows])
    again = take_snapshot(collection, COLUMNS, store, "again", rows_per_part=700)
    collection.update_one({"_id": rows[0]["_id"]}, {"$set": {"a": 5}})
    changed = take_snapshot(collection, COLUMNS, store, "sites")

    assert again.digest == first.digest
    assert changed.digest != first.digest
    pd.testing.assert_frame_equal(
        read_snapshot(store, "again", again.digest), read_snapshot(store, "sites", first.digest)
    )


def test_of_a_snapshot_that_is_there_only_the_profile_is_made_young(
    collection: Collection[Any], s3: SeaweedServer, store: ObjectStore
) -> None:
    collection.insert_many(records(100))
    first = take_snapshot(collection, COLUMNS, store, "sites", rows_per_part=30)
    profile_key = keys.snapshot_profile("sites", first.digest)
    profile = store.get(profile_key)
    client = s3.client()
    written: list[str] = []
    client.meta.events.register(
        "before-call.s3.PutObject",
        lambda params, **_: written.append(params["url_path"].removeprefix("/")),
    )

    again = take_snapshot(collection, COLUMNS, ObjectStore(client, store.bucket), "sites")

    assert again.digest == first.digest
    assert written == [profile_key]
    assert store.get(profile_key) == profile


def test_two_snapshots_at_once_end_as_one(collection: Collection[Any], store: ObjectStore) -> None:
    collection.insert_many(records(3000))

    with ThreadPoolExecutor(2) as both:
        running = [
            both.submit(take_snapshot, collection, COLUMNS, store, "sites", rows_per_part=500)
            for _ in range(2)
        ]
    digests = {snapshot.result().digest for snapshot in running}

    assert len(digests) == 1
    assert len(read_snapshot(store, "sites", digests.pop())) == 3000


TAKE = """
import sys, pymongo, boto3
from botocore.config import Config
from include.contract.schema import InputField
from include.ingest.snapshot.snapshots import take_snapshot
from include.stores.objects import ObjectStore
url, database, endpoint, key, secret, bucket = sys.argv[1:]
client = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=key,
    aws_secret_access_key=secret, region_name="us-east-1",
    config=Config(s3={"addressing_style": "path"}, proxies={}))
columns = [InputField(name, "int8", (-1, 0, 1)) for name in ("a", "b", "Result")]
written = []

def wait_in_the_middle(**_):
    written.append(1)
    if len(written) == 5:
        print("in the middle", flush=True)
        sys.stdin.read()

client.meta.events.register("after-call.s3.PutObject", wait_in_the_middle)
take_snapshot(pymongo.MongoClient(url)[database].sites, columns, ObjectStore(client, bucket),
    "sites", rows_per_part=10)
"""


def test_killed_snapshot_ends_under_the_same_keys_when_run_again(
    collection: Collection[Any], mongo_url: str, s3: SeaweedServer, store: ObjectStore
) -> None:
    collection.insert_many(records(1000))
    server = (mongo_url, collection.database.name, s3.endpoint_url, s3.access_key, s3.secret_key)
    command = [sys.executable, "-c", TAKE, *server, store.bucket]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as killed:
        assert killed.stdout and killed.stdout.readline() == b"in the middle\n"
        killed.kill()
    left = set(store.keys_under("snapshots/"))

    snapshot = take_snapshot(collection, COLUMNS, store, "sites", rows_per_part=10)

    profile = keys.snapshot_profile("sites", snapshot.digest)
    assert left and profile not in left
    assert left < set(store.keys_under("snapshots/"))
    assert set(store.keys_under("snapshots/")) == {
        *(keys.snapshot_part("sites", snapshot.digest, index) for index in range(100)),
        keys.snapshot_prefix("sites", snapshot.digest) + "type_errors.parquet",
        profile,
    }
    assert len(read_snapshot(store, "sites", snapshot.digest)) == 1000


def test_ids_of_mixed_types_are_kept_as_text(
    collection: Collection[Any], store: ObjectStore
) -> None:
    object_ids = [ObjectId() for _ in range(40)]
    ids = [*object_ids, *range(40), *(f"text-{row}" for row in range(40)), Int64(2**60)]
    collection.insert_many([{"_id": row_id, "a": 1, "b": 0, "Result": 1} for row_id in ids])

    digest = take_snapshot(collection, COLUMNS, store, "sites", rows_per_part=25).digest
    frame = read_snapshot(store, "sites", digest)

    assert frame["_id"].tolist() == sorted(str(row_id) for row_id in ids)
    assert frame["_id"].dtype == "str"


def test_number_and_text_that_look_alike_are_refused_as_ids(
    collection: Collection[Any], store: ObjectStore
) -> None:
    collection.insert_many([{"_id": 5, "a": 1}, {"_id": "5", "a": 0}])

    with pytest.raises(DataRejectedError, match="_id '5'"):
        take_snapshot(collection, COLUMNS, store, "sites")


def test_wrong_types_are_listed_beside_the_snapshot(
    collection: Collection[Any], store: ObjectStore
) -> None:
    rows = records(200)
    wrong = {"a": "1", "b": 0.5, "Result": True}
    for index, (column, value) in enumerate(wrong.items()):
        rows[50 * index][column] = value
    rows[199]["a"] = Decimal128("1")
    collection.insert_many(rows)

    snapshot = take_snapshot(collection, COLUMNS, store, "sites")
    listed = read_type_errors(store, "sites", snapshot.digest)
    frame = read_snapshot(store, "sites", snapshot.digest).set_index("_id")

    assert list(listed.sort_values("column").itertuples(index=False, name=None)) == [
        (rows[100]["_id"], "Result", "True", "bool"),
        *sorted([(rows[0]["_id"], "a", "1", "string"), (rows[199]["_id"], "a", "1", "decimal")]),
        (rows[50]["_id"], "b", "0.5", "double"),
    ]
    assert frame.isna().sum().sum() == 4
    assert snapshot.profile["type_errors"]["n"] == 4


def test_value_of_a_wrong_type_is_content_too(
    collection: Collection[Any], store: ObjectStore
) -> None:
    digests = set()
    for value in (None, "yes", "no", True):
        collection.replace_one({"_id": "1"}, {"a": value}, upsert=True)
        digests.add(take_snapshot(collection, COLUMNS, store, "sites").digest)

    assert len(digests) == 4


def test_collection_of_wrong_types_throughout_is_refused(
    collection: Collection[Any], store: ObjectStore
) -> None:
    collection.insert_many(
        [{"_id": row, "a": "1", "b": "0", "Result": "1"} for row in range(33_400)]
    )

    with pytest.raises(DataRejectedError, match=r"more than 100,000 .* \(string\)"):
        take_snapshot(collection, COLUMNS, store, "sites")


def test_profile_says_what_is_absent_and_how_often_each_value_is_there(
    collection: Collection[Any], store: ObjectStore
) -> None:
    collection.insert_many(
        [{"_id": str(row), "a": None, "Result": 1 if row % 4 else -1} for row in range(100)]
    )

    snapshot = take_snapshot(collection, COLUMNS, store, "sites")
    profile = read_profile(store, "sites", snapshot.digest)

    assert profile == json.loads(json.dumps(snapshot.profile))
    assert profile["absent_columns"] == ["a", "b"]
    assert profile["columns"]["Result"]["values"] == {"-1": 25, "1": 75}
    assert profile["columns"]["a"]["n_missing"] == 100
    assert profile["n_rows"] == 100
    assert profile["created_from"]["collection"] == "sites"


def test_empty_collection_has_a_snapshot_without_rows(
    collection: Collection[Any], store: ObjectStore
) -> None:
    digest = take_snapshot(collection, COLUMNS, store, "sites").digest

    frame = read_snapshot(store, "sites", digest)

    assert list(frame) == ["_id", "a", "b", "Result"]
    assert len(frame) == 0


def test_text_and_time_columns_are_kept(collection: Collection[Any], store: ObjectStore) -> None:
    columns = [
        InputField("url", "string", None),
        InputField("label", "int8", (0, 1)),
        InputField("first_seen", "timestamp", None),
    ]
    moment = datetime(2026, 3, 1, 12, 30, 0, 5000, tzinfo=UTC)
    rows = [
        {"_id": f"{row:03d}", "url": f"http://ü.example/{'x' * row}", "label": row % 2}
        | {"first_seen": moment}
        for row in range(100)
    ]
    collection.insert_many(rows)

    digest = take_snapshot(collection, columns, store, "urls").digest
    frame = read_snapshot(store, "urls", digest)

    assert frame["url"].tolist() == [row["url"] for row in rows]
    assert frame["label"].dtype == np.float32
    assert (frame["first_seen"] == pd.Timestamp(moment)).all()


def test_real_records_come_back_as_they_are(
    collection: Collection[Any], store: ObjectStore, data_dir: Path
) -> None:
    table = pd.read_csv(data_dir / "phishing_websites.csv")
    table.insert(0, "_id", [f"{row:05d}" for row in range(len(table))])
    collection.insert_many(table.sample(frac=1, random_state=1).to_dict("records"))
    columns = [InputField(name, "int8", (-1, 0, 1)) for name in table.columns[1:]]

    snapshot = take_snapshot(collection, columns, store, "sites")
    frame = read_snapshot(store, "sites", snapshot.digest)

    expected = table.astype(dict.fromkeys(table.columns[1:], "float32"))
    pd.testing.assert_frame_equal(frame, expected)
    counts = {str(value): n for value, n in table["Result"].value_counts().sort_index().items()}
    assert snapshot.profile["columns"]["Result"]["values"] == counts


def test_write_during_the_read_does_not_tear_it(collection: Collection[Any]) -> None:
    collection.insert_many([{"_id": str(row), "a": 0} for row in range(50_000)])
    decoder = BatchDecoder(COLUMNS)

    batches = raw_batches(collection, ["a"])
    seen = [decoder.decode(next(batches)).table]
    collection.update_many({}, {"$set": {"a": 1}})
    collection.delete_many({"_id": {"$lt": "3"}})
    collection.insert_many([{"_id": f"new-{row}", "a": 1} for row in range(1000)])
    seen += [decoder.decode(batch).table for batch in batches]

    assert seen[0].num_rows < 1000
    assert sum(table.num_rows for table in seen) == 50_000
    assert {value for table in seen for value in table["a"].unique().to_pylist()} == {0}


def test_read_that_is_given_up_leaves_no_cursor(
    collection: Collection[Any], mongo_url: str
) -> None:
    collection.insert_many(records(1000))

    batches = raw_batches(collection, ["a"])
    next(batches)
    during = open_cursors(collection)
    batches.close()

    assert (during, open_cursors(collection)) == (1, 0)


def open_cursors(collection: Collection[Any]) -> int:
    """The cursors of this collection alone: the server has others, and opens some by itself."""
    idle = {"$currentOp": {"allUsers": True, "idleCursors": True}}
    ours = {"type": "idleCursor", "ns": collection.full_name}
    return len(list(collection.database.client.admin.aggregate([idle, {"$match": ours}])))


def swap_part(store: ObjectStore, digest: str) -> None:
    parts = [keys.snapshot_part("sites", digest, index) for index in (0, 1)]
    first, second = (store.get(part) for part in parts)
    store.put(parts[0], second)
    store.put(parts[1], first)


def truncate_part(store: ObjectStore, digest: str) -> None:
    part = keys.snapshot_part("sites", digest, 0)
    store.put(part, store.get(part)[:-10])


def edit_profile(store: ObjectStore, digest: str) -> None:
    key = keys.snapshot_profile("sites", digest)
    profile = json.loads(store.get(key))
    profile["columns"]["a"]["sha256"] = "0" * 64
    store.put(key, json.dumps(profile).encode())


def age_profile(store: ObjectStore, digest: str) -> None:
    key = keys.snapshot_profile("sites", digest)
    store.put(key, json.dumps(json.loads(store.get(key)) | {"format": 2}).encode())


@pytest.mark.parametrize("damage", [swap_part, truncate_part, edit_profile, age_profile])
def test_damaged_snapshot_is_refused(
    collection: Collection[Any], store: ObjectStore, damage: Callable[[ObjectStore, str], None]
) -> None:
    collection.insert_many(records(40))
    digest = take_snapshot(collection, COLUMNS, store, "sites", rows_per_part=20).digest
    damage(store, digest)

    with pytest.raises(SnapshotCorruptError):
        read_snapshot(store, "sites", digest)


def test_damaged_list_of_wrong_types_is_refused(
    collection: Collection[Any], store: ObjectStore
) -> None:
    collection.insert_one({"_id": "1", "a": "x"})
    digest = take_snapshot(collection, COLUMNS, store, "sites").digest
    collection.insert_one({"_id": "2", "a": "y"})
    other = take_snapshot(collection, COLUMNS, store, "sites").digest
    name = "type_errors.parquet"
    body = store.get(keys.snapshot_prefix("sites", other) + name)
    store.put(keys.snapshot_prefix("sites", digest) + name, body)

    with pytest.raises(SnapshotCorruptError):
        read_type_errors(store, "sites", digest)


def test_snapshot_without_profile_is_not_there(
    collection: Collection[Any], store: ObjectStore
) -> None:
    collection.insert_many(records(10))
    digest = take_snapshot(collection, COLUMNS, store, "sites").digest
    store.delete(keys.snapshot_profile("sites", digest))

    with pytest.raises(ObjectMissingError):
        read_snapshot(store, "sites", digest)


def test_server_that_is_not_there_is_said_so(store: ObjectStore) -> None:
    url = f"mongodb://127.0.0.1:{pick_port()}/?serverSelectionTimeoutMS=200"
    with (
        pymongo.MongoClient[Any](url) as client,
        pytest.raises(StoreUnavailableError, match=r"phishing\.sites"),
    ):
        take_snapshot(client.phishing.sites, COLUMNS, store, "sites")


def test_server_that_dies_during_the_read_is_said_so(own_mongo: MongoServer) -> None:
    with pymongo.MongoClient[Any](own_mongo.url, serverSelectionTimeoutMS=5_000) as client:
        client.phishing.sites.insert_many(records(1000))
        batches = raw_batches(client.phishing.sites, ["a"])
        next(batches)
        own_mongo.kill()

        with pytest.raises(StoreUnavailableError, match="cannot read"):
            list(batches)


def test_read_that_outlives_the_history_is_said_so(own_mongo: MongoServer) -> None:
    with pymongo.MongoClient[Any](own_mongo.url) as client:
        client.admin.command({"setParameter": 1, "minSnapshotHistoryWindowInSeconds": 0})
        sites = client.phishing.sites
        sites.insert_many(records(1000))
        batches = raw_batches(sites, ["a"])
        next(batches)
        for value in range(3):
            sites.update_many({}, {"$set": {"a": value}})
            client.admin.command("fsync")

        with pytest.raises(StoreUnavailableError, match="minSnapshotHistoryWindowInSeconds"):
            list(batches)


def test_server_outside_a_replica_set_is_refused_with_the_remedy(tmp_path: Path) -> None:
    port = pick_port()
    command = [str(find_mongod()), "--dbpath", str(tmp_path), "--port", str(port)]
    alone = subprocess.Popen(
        [*command, "--bind_ip", "127.0.0.1", "--nounixsocket"], stdout=subprocess.DEVNULL
    )
    try:
        with (
            pymongo.MongoClient[Any](f"mongodb://127.0.0.1:{port}") as client,
            pytest.raises(SettingMissingError, match="--replSet"),
        ):
            list(raw_batches(client.phishing.sites, ["a"]))
    finally:
        alone.kill()
        alone.wait()


MEASURE = """
import resource, sys, tempfile, pymongo
from pathlib import Path
from include.contract.schema import InputField
from include.ingest.snapshot.extract import write_snapshot
columns = [InputField(f"column_{number}", "int8", None) for number in range(31)]
collection = pymongo.MongoClient(sys.argv[1])[sys.argv[2]].sites
with tempfile.TemporaryDirectory() as folder:
    assert write_snapshot(collection, columns, Path(folder), rows_per_part=10_000).n_rows > 1
peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
status = Path("/proc/self/status")
if status.exists():  # on Linux, ru_maxrss starts from the peak of the process that forked this one
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    peak_mb = int(line.split()[1]) // 1024
print(peak_mb)
"""


def test_memory_does_not_grow_with_the_collection(
    collection: Collection[Any], mongo_url: str
) -> None:
    peaks = []
    record = {f"column_{number}": number % 3 for number in range(31)}
    for start, stop in [(0, 100_000), (100_000, 200_000)]:
        collection.insert_many([{"_id": f"{row:08d}", **record} for row in range(start, stop)])
        command = [sys.executable, "-c", MEASURE, mongo_url, collection.database.name]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(int(done.stdout))

    assert max(peaks) < 500
    assert peaks[1] - peaks[0] < 50
