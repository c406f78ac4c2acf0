"""Records written to MongoDB: the only code that changes a collection on a pipeline's behalf.

Everything is acknowledged by a majority of the replica set, from its journal.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pymongo import UpdateOne, WriteConcern
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, ConnectionFailure, WTimeoutError

from include.errors import StoreUnavailableError

Document = dict[str, Any]  # a BSON document
_DURABLE = WriteConcern("majority", j=True)
_DUPLICATE_KEY = 11_000


def insert_absent(collection: Collection[Document], documents: Sequence[Document]) -> int:
    """Return how many of the documents were inserted: those whose `_id` was not there before.

    Raises
    ------
    StoreUnavailableError
    """
    upserts = [
        UpdateOne({"_id": document["_id"]}, {"$setOnInsert": document}, upsert=True)
        for document in documents
    ]
    with _translated(collection):
        try:
            durable = collection.with_options(write_concern=_DURABLE)
            return durable.bulk_write(upserts, ordered=False).upserted_count
        except BulkWriteError as err:
            # Another load inserted the same record between our look and our write: it is there.
            if any(fault["code"] != _DUPLICATE_KEY for fault in err.details["writeErrors"]):
                raise
            if err.details["writeConcernErrors"]:
                raise StoreUnavailableError(f"MongoDB, {collection.full_name}: {err}") from err
            return int(err.details["nUpserted"])


def remove_simulated(collection: Collection[Document]) -> int:
    """Return how many simulated records were there; none is left.

    Raises
    ------
    StoreUnavailableError
    """
    with _translated(collection):
        durable = collection.with_options(write_concern=_DURABLE)
        return durable.delete_many({"simulated": True}).deleted_count


def holds_real(collection: Collection[Document]) -> bool:
    """Return whether any record is not simulated.

    Raises
    ------
    StoreUnavailableError
    """
    with _translated(collection):
        return collection.find_one({"simulated": {"$ne": True}}, {"_id": 1}) is not None


@contextmanager
def _translated(collection: Collection[Document]) -> Iterator[None]:
    try:
        yield
    except (ConnectionFailure, WTimeoutError) as err:
        raise StoreUnavailableError(f"MongoDB, {collection.full_name}: {err}") from err
