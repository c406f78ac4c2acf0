"""Reports of feeds in MongoDB: a record stands once, with each source that reports it.

A document has, besides what a load writes, `last_seen`, `expires_at` (after which it leaves the
snapshots unless it is reported again), and `sources`: a list of `name`, `licence`, `label`,
`first_seen` and `last_seen`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import UpdateOne
from pymongo.collection import Collection

from include.ingest.labels.inserts import (
    DURABLE,
    Document,
    insert_absent,
    keep_earliest,
    translated,
)


@dataclass(frozen=True)
class Reporter:
    """Who reports records, and how long that holds.

    Attributes
    ----------
    name, licence, label : str
    valid_for : timedelta
    since : str
        The field that says when a record was first seen; empty where records have none.
    """

    name: str
    licence: str
    label: str
    valid_for: timedelta
    since: str


def land_reports(
    collection: Collection[Document],
    documents: Sequence[Document],
    reporter: Reporter,
    now: datetime,
) -> int:
    """Return how many of the reported records were not there before; all are once it returns.

    A record keeps the earliest date of all reports, and the source that goes with it. Done twice,
    or again after a kill, it changes nothing more.

    Parameters
    ----------
    collection : pymongo Collection
    documents : sequence of dict
        As `documents` yields them, each with another `_id`.
    reporter : Reporter
    now : datetime
        Aware: the time of the pull; the first report of a record without a date of its own.

    Raises
    ------
    StoreUnavailableError
    """
    with translated(collection):
        fields = filter(None, ("sources.name", "expires_at", reporter.since))
        found = collection.find(
            {"_id": {"$in": [document["_id"] for document in documents]}}, dict.fromkeys(fields, 1)
        )
        known = {document["_id"]: document for document in found}
    unknown = [document for document in documents if document["_id"] not in known]
    whole = [_first_report(document, reporter, now) for document in unknown]
    inserted = insert_absent(collection, whole) if whole else set()
    # Another pull may have inserted a record between our look and our write.
    raced = [document for row, document in enumerate(unknown) if row not in inserted]
    repeated = [document for document in documents if document["_id"] in known]
    updates = [
        update
        for document in [*repeated, *raced]
        for update in _repetition(document, known.get(document["_id"]), reporter, now)
    ]
    if updates:
        with translated(collection):
            collection.with_options(write_concern=DURABLE).bulk_write(updates, ordered=False)
    since, origin = reporter.since, {"source": reporter.name}
    dated = [document for document in [*repeated, *raced] if since in document]
    earlier = [{"_id": d["_id"], since: min(d[since], now), **origin} for d in dated]
    keep_earliest(collection, earlier, since)
    return len(inserted)


def _first_report(document: Document, reporter: Reporter, now: datetime) -> Document:
    first_seen = _first_seen(document, reporter, now)
    dated = {reporter.since: first_seen} if reporter.since else {}
    return document | {
        **dated,
        "last_seen": now,
        "expires_at": now + reporter.valid_for,
        "sources": [_entry(reporter, first_seen, now)],
    }


def _repetition(
    document: Document, known: Document | None, reporter: Reporter, now: datetime
) -> list[UpdateOne]:
    """Return what adds the report to a stored record, whether the source reported it before."""
    first_seen = _first_seen(document, reporter, now)
    latest: dict[str, Any] = {"last_seen": now}
    if known is None or "expires_at" in known:  # what people loaded does not expire
        latest["expires_at"] = now + reporter.valid_for
    key, name = document["_id"], reporter.name
    added = UpdateOne(
        {"_id": key, "sources.name": {"$ne": name}},
        {"$push": {"sources": _entry(reporter, first_seen, now)}, "$max": latest},
    )
    renewed = UpdateOne(
        {"_id": key, "sources.name": name},
        {
            "$min": {"sources.$.first_seen": first_seen},
            "$max": {"sources.$.last_seen": now, **latest},
        },
    )
    if known is None:
        return [added, renewed]
    has_it = any(source.get("name") == name for source in known.get("sources", ()))
    return [renewed if has_it else added]


def _first_seen(document: Document, reporter: Reporter, now: datetime) -> datetime:
    found: datetime = document.get(reporter.since, now)
    return min(found, now)


def _entry(reporter: Reporter, first_seen: datetime, now: datetime) -> Document:
    return {
        "name": reporter.name,
        "licence": reporter.licence,
        "label": reporter.label,
        "first_seen": first_seen,
        "last_seen": now,
    }
