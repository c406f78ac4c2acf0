"""Records read from MongoDB: the only code that queries a collection on a pipeline's behalf."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pymongo.collection import Collection
from pymongo.errors import (
    ConnectionFailure,
    CursorNotFound,
    ExecutionTimeout,
    OperationFailure,
)

from include.errors import StoreUnavailableError

# SnapshotTooOld, SnapshotUnavailable: the server dropped the history this read stood on.
_SNAPSHOT_GONE = {239, 246}

Documents = Collection[Mapping[str, Any]]


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
        drawn = collection.aggregate([{"$sample": {"size": n_ids}}, {"$project": {"_id": 1}}])
        return [document["_id"] for document in drawn]


def raw_batches(collection: Documents, fields: Sequence[str]) -> Iterator[bytes]:
    """Yield every document as it was at one moment, in batches of concatenated BSON.

    The server drops all other fields before sending, and reads in the order of storage: by `_id`
    it would fetch each document on its own, at half the speed and far less once the collection
    outgrows its cache.

    Parameters
    ----------
    collection : Collection of a replica set
    fields : sequence of str
        What to send besides `_id`.

    Raises
    ------
    StoreUnavailableError
        Also if the read took longer than the server keeps history
        (``minSnapshotHistoryWindowInSeconds``, 5 minutes by default).
    """
    projection = dict.fromkeys(fields, 1) | {"_id": 1}
    with (
        _translated(collection),
        collection.database.client.start_session(snapshot=True) as session,
    ):
        yield from collection.find_raw_batches({}, projection=projection, session=session)


@contextmanager
def _translated(collection: Documents) -> Iterator[None]:
    try:
        yield
    except (ConnectionFailure, CursorNotFound, ExecutionTimeout) as err:
        raise StoreUnavailableError(f"MongoDB cannot read {collection.full_name}: {err}") from err
    except OperationFailure as err:
        if err.code not in _SNAPSHOT_GONE:
            raise
        raise StoreUnavailableError(
            f"{collection.full_name} took longer to read than MongoDB keeps history; raise "
            "minSnapshotHistoryWindowInSeconds"
        ) from err
