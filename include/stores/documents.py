"""Records read from MongoDB: the only code that queries a collection on a pipeline's behalf."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bson.codec_options import CodecOptions, DatetimeConversion
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument
from bson.timestamp import Timestamp
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import (
    ConnectionFailure,
    CursorNotFound,
    ExecutionTimeout,
    OperationFailure,
)

from include.errors import SettingMissingError, StoreUnavailableError
from include.stores.bson_elements import elements, int32_at, int64_at

DATABASE = "phishing"
# So that a reader may compare the last document in words of 8 bytes.
_SLACK_BYTES = 8
_NOT_A_REPLICA_SET = 123
_HISTORY_GONE = {239, 246}  # SnapshotTooOld, SnapshotUnavailable
# Any `_id` that MongoDB holds can be read: dates beyond the year 9999, text that is not UTF-8.
_ANY_ID: CodecOptions[dict[str, Any]] = CodecOptions(
    document_class=dict,
    datetime_conversion=DatetimeConversion.DATETIME_MS,
    unicode_decode_error_handler="replace",
)
_ENCODED: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)

Documents = Collection[Any]


def count_roughly(collection: Documents) -> int:
    """Return the number of documents as the server's bookkeeping has it, without counting.

    Raises
    ------
    StoreUnavailableError
    """
    with _translated(collection):
        return collection.estimated_document_count()


def sample_ids(collection: Documents, n_ids: int) -> list[Any]:
    """Return `_id` of about `n_ids` documents drawn at random, as BSON values.

    Raises
    ------
    StoreUnavailableError
    """
    with _translated(collection):
        drawn = collection.with_options(_ANY_ID).aggregate(
            [{"$sample": {"size": n_ids}}, {"$project": {"_id": 1}}]
        )
        return [document["_id"] for document in drawn]


def find_in_order(
    collection: Documents, query: Mapping[str, Any], fields: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield fields and `_id` of the documents that match, by `_id`, so that none comes twice.

    Raises
    ------
    StoreUnavailableError
    """
    with _translated(collection):
        wanted = dict.fromkeys(("_id", *fields), 1)
        yield from collection.with_options(_ANY_ID).find(query, wanted).sort("_id", 1)


def current_time(collection: Documents) -> Timestamp:
    """Return the server's logical time now, for reads that must see the same moment.

    Raises
    ------
    StoreUnavailableError
    SettingMissingError
        If the server belongs to no replica set.
    """
    with _translated(collection), collection.database.client.start_session() as session:
        collection.database.command("ping", session=session)
        if (time := session.operation_time) is None:
            raise _single_server(collection)
        return time


def count_at(collection: Documents, query: Mapping[str, Any], at: Timestamp) -> int:
    """Return how many documents matched `query` at the time `at`.

    Raises
    ------
    StoreUnavailableError
        Also if that is longer ago than the server keeps history.
    """
    command = {
        "aggregate": collection.name,
        "pipeline": [{"$match": dict(query)}, {"$count": "n"}],
        "cursor": {},
        "readConcern": {"level": "snapshot", "atClusterTime": at},
    }
    with _translated(collection):
        found = collection.database.command(command)["cursor"]["firstBatch"]
    return int(found[0]["n"]) if found else 0


def raw_batches(
    collection: Documents,
    fields: Sequence[str],
    at: Timestamp | None = None,
    query: Mapping[str, Any] | None = None,
) -> Generator[memoryview]:
    """Yield every document as it was at one moment, in batches of encoded BSON.

    The server drops all other fields before sending, and reads in the order of storage: by `_id`
    it would fetch each document on its own, at half the speed and far less once the collection
    outgrows its cache. Commands are sent one by one because pymongo's own raw batches make a
    Python object per document, which takes longer than all the rest.

    Parameters
    ----------
    collection : Collection of a replica set
    fields : sequence of str
        What to send besides `_id`.
    at : Timestamp, optional
        Of `current_time`: the moment to read; now unless given.
    query : mapping, optional
        Only the documents that match it.

    Yields
    ------
    memoryview
        A BSON array of documents, and at least 8 bytes more.

    Raises
    ------
    StoreUnavailableError
        Also if the read took longer than the server keeps history
        (``minSnapshotHistoryWindowInSeconds``, 5 minutes by default).
    SettingMissingError
        If the server belongs to no replica set.
    """
    projection = dict.fromkeys(fields, 1) | {"_id": 1}
    with _translated(collection), collection.database.client.start_session() as session:
        yield from _batches(collection, projection, session, at, dict(query or {}))


def _batches(
    collection: Documents,
    projection: dict[str, int],
    session: ClientSession,
    at: Timestamp | None,
    query: dict[str, Any],
) -> Generator[memoryview]:
    def run(command: dict[str, Any]) -> RawBSONDocument:
        database = collection.database
        return database.command(command, session=session, codec_options=_ENCODED)

    of_one_moment = {"level": "snapshot"} | ({"atClusterTime": at} if at else {})
    find = {
        "find": collection.name,
        "filter": query,
        "projection": projection,
        "readConcern": of_one_moment,
    }
    batch, cursor_id = reply_batch(run(find))
    while cursor_id:
        try:
            yield batch
        except GeneratorExit:
            run({"killCursors": collection.name, "cursors": [cursor_id]})
            raise
        batch, cursor_id = reply_batch(run({"getMore": cursor_id, "collection": collection.name}))
    yield batch


def reply_batch(reply: RawBSONDocument) -> tuple[memoryview, Int64]:
    """Return a reply's documents, and the cursor that has more of them (0: there are no more).

    Returns
    -------
    memoryview
        As `raw_batches` yields it: copied only where the server puts nothing behind the array.
    Int64
    """
    cursor = memoryview(reply["cursor"].raw)
    starts = {element.name: element.start for element in elements(cursor)}
    batch = cursor[starts.get("firstBatch", starts.get("nextBatch", 0)) :]
    if len(batch) - int32_at(batch)[0] < _SLACK_BYTES:
        batch = memoryview(bytes(batch) + bytes(_SLACK_BYTES))
    return batch, Int64(int64_at(cursor, starts["id"])[0])


@contextmanager
def _translated(collection: Documents) -> Iterator[None]:
    try:
        yield
    except (ConnectionFailure, CursorNotFound, ExecutionTimeout) as err:
        raise StoreUnavailableError(f"MongoDB cannot read {collection.full_name}: {err}") from err
    except OperationFailure as err:
        if err.code == _NOT_A_REPLICA_SET:
            raise _single_server(collection) from err
        if err.code in _HISTORY_GONE:
            raise StoreUnavailableError(
                f"{collection.full_name} took longer to read than MongoDB keeps history; raise "
                "minSnapshotHistoryWindowInSeconds"
            ) from err
        raise


def _single_server(collection: Documents) -> SettingMissingError:
    return SettingMissingError(
        f"{collection.full_name} lies on a single server, which cannot be read as of one moment: "
        "start mongod with --replSet and initiate the set"
    )
