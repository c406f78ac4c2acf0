"""Records written to MongoDB: the only code that changes a collection on a pipeline's behalf.

Everything is acknowledged by a majority of the replica set, from its journal.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pymongo import UpdateOne, WriteConcern
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, ConnectionFailure, WTimeoutError

from include.errors import StoreUnavailableError
from include.ingest.files.values import EARLIEST

Document = dict[str, Any]  # a BSON document
DURABLE = WriteConcern("majority", j=True)
_DUPLICATE_KEY = 11_000


def insert_absent(collection: Collection[Document], documents: Sequence[Document]) -> set[int]:
    """Return which of the documents were inserted: those whose `_id` was not there before.

    Returns
    -------
    set of int
        Their places in `documents`.

    Raises
    ------
    StoreUnavailableError
    """
    upserts = [
        UpdateOne({"_id": document["_id"]}, {"$setOnInsert": document}, upsert=True)
        for document in documents
    ]
    with translated(collection):
        try:
            durable = collection.with_options(write_concern=DURABLE)
            return set(durable.bulk_write(upserts, ordered=False).upserted_ids or ())
        except BulkWriteError as err:
            # Another load inserted the same record between our look and our write: it is there.
            if any(fault["code"] != _DUPLICATE_KEY for fault in err.details["writeErrors"]):
                raise
            if err.details["writeConcernErrors"]:
                raise StoreUnavailableError(f"MongoDB, {collection.full_name}: {err}") from err
            return {entry["index"] for entry in err.details["upserted"]}


def keep_earliest(
    collection: Collection[Document], documents: Sequence[Document], since: str
) -> int:
    """Return how many documents took the place of those of their `_id` that are younger.

    Parameters
    ----------
    collection : pymongo Collection
    documents : sequence of dict
        Each `_id` is in the collection.
    since : str
        The field that says how old a document is; one without it, or with a date before
        `EARLIEST`, is younger than any other.

    Raises
    ------
    StoreUnavailableError
    """
    updates = []
    for document in documents:
        if since in document and document[since] >= EARLIEST:
            nonsense = {since: {"$lt": EARLIEST}}
            younger = {"$or": [{since: None}, {since: {"$gt": document[since]}}, nonsense]}
            updates.append(UpdateOne({"_id": document["_id"], **younger}, {"$set": document}))
    if not updates:
        return 0
    with translated(collection):
        durable = collection.with_options(write_concern=DURABLE)
        return durable.bulk_write(updates, ordered=False).modified_count


def ids_present(collection: Collection[Document], ids: Iterable[str]) -> set[str]:
    """Return those of the ids that documents of the collection have.

    Raises
    ------
    StoreUnavailableError
    """
    with translated(collection):
        return {found["_id"] for found in collection.find({"_id": {"$in": list(ids)}}, {"_id": 1})}


def remove_simulated(collection: Collection[Document]) -> int:
    """Return how many simulated records were there; none is left.

    Raises
    ------
    StoreUnavailableError
    """
    with translated(collection):
        durable = collection.with_options(write_concern=DURABLE)
        return durable.delete_many({"simulated": True}).deleted_count


def holds_real(collection: Collection[Document]) -> bool:
    """Return whether any record is not simulated.

    Raises
    ------
    StoreUnavailableError
    """
    with translated(collection):
        return (
            collection.find_one({"simulated": {"$ne": True}}, {"_id": 0, "simulated": 1})
            is not None
        )


@contextmanager
def translated(collection: Collection[Document]) -> Iterator[None]:
    """Raise StoreUnavailableError if MongoDB is unavailable."""
    try:
        yield
    except (ConnectionFailure, WTimeoutError) as err:
        raise StoreUnavailableError(f"MongoDB, {collection.full_name}: {err}") from err
