"""Which labels are read: for a snapshot those that hold, no source above its share; for exports."""

import logging
from collections.abc import Collection as Names
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo.collection import Collection

from include.contract.schema import Target
from include.ingest.labels.inserts import Document, translated

_LOG = logging.getLogger(__name__)
_OTHERS = ""
_DIGITS = 8
# A class with fewer records has too few to leave any out.
_ENOUGH = 5_000


def select_records(
    collection: Collection[Document],
    target: Target,
    feeds: Names[str],
    max_share: float,
    now: datetime,
    *,
    since: str = "",
    known_on: datetime | None = None,
    enough: int = _ENOUGH,
) -> dict[str, Any]:
    """Return the query of the records that enter a snapshot.

    A record leaves it when no feed has repeated its label for as long as that holds. Of a feed
    with more than its share of a class, records are left out by their `_id`, which is a hash: the
    same ones each time. As of an earlier day, records that were first seen or reviewed later are
    left out; those without a date stay.

    Parameters
    ----------
    collection : pymongo Collection
    target : Target
    feeds : collection of str
        Names of the feeds, as the records' `source` has them. Others have no cap.
    max_share : float
        Largest share of a class, 0 to 1.
    now : datetime
        Aware.
    since : str, optional
        The field that says when a record was first seen.
    known_on : datetime, optional
        Aware: only what was known then.
    enough : int
        No feed is cut to fewer records.

    Raises
    ------
    StoreUnavailableError
    """
    known = _known(since, known_on) if known_on else {}
    if not feeds:
        return known
    current = {"expires_at": {"$not": {"$lte": known_on or now}}, **known}
    source = {"$cond": [{"$in": ["$source", list(feeds)]}, "$source", _OTHERS]}
    group = {"_id": {"label": f"${target.source}", "source": source}, "n": {"$sum": 1}}
    with translated(collection):
        found = list(collection.aggregate([{"$match": current}, {"$group": group}]))
    counts: dict[Any, dict[str, int]] = {}
    for each in found:
        label = each["_id"].get("label")
        counts.setdefault(label, {})[str(each["_id"]["source"])] = each["n"]
    caps = [
        {
            "$or": [
                {"source": {"$ne": name}},
                {target.source: {"$ne": label}},
                {"_id": {"$not": {"$gte": _bound(share)}}},
            ]
        }
        for label, by_source in counts.items()
        for name, share in kept_shares(by_source, max_share, enough).items()
    ]
    if caps:
        _LOG.info("%s: %d sources are above their share of a class", collection.name, len(caps))
    return {"$and": [current, *caps]} if caps else current


def _known(since: str, at: datetime) -> dict[str, Any]:
    """Return the condition of what was known at a time."""
    fields = ["reviewed_at", *([since] if since else [])]
    return {name: {"$not": {"$gt": at}} for name in fields}


def positive_labels(
    collection: Collection[Document],
    target: Target,
    fields: Sequence[str],
    *,
    only_reviewed: bool,
) -> Iterator[Document]:
    """Yield the records of the positive class, with those whose label has expired.

    Parameters
    ----------
    collection : pymongo Collection
    target : Target
    fields : sequence of str
        What to read besides `last_seen`, `expires_at` and `reviewed_at`.
    only_reviewed : bool
        Whether a person must have confirmed it.

    Raises
    ------
    StoreUnavailableError
    """
    query: dict[str, Any] = {target.source: target.positive}
    if only_reviewed:
        query["reviewed_at"] = {"$exists": True}
    wanted = dict.fromkeys((*fields, "last_seen", "expires_at", "reviewed_at"), 1)
    with translated(collection):
        yield from collection.find(query, wanted)


def kept_shares(by_source: Mapping[str, int], max_share: float, enough: int) -> dict[str, float]:
    """Return the share of its records that each feed above the cap keeps.

    A feed is cut to `max_share` of the class, and never below the largest of the others, nor below
    `enough` records: a feed that stands alone keeps all.

    Parameters
    ----------
    by_source : mapping of str to int
        Records of a class; those of no feed under the empty name.
    max_share : float
    enough : int
    """
    kept: dict[str, float] = {}
    total = sum(by_source.values())
    for name, n_records in by_source.items():
        others = total - n_records
        if name == _OTHERS or others == 0 or n_records <= max_share * total:
            continue
        largest_other = max(n for other, n in by_source.items() if other != name)
        allowed = max(max_share / (1 - max_share) * others, largest_other, enough)
        if allowed < n_records:
            kept[name] = allowed / n_records
    return kept


def _bound(share: float) -> str:
    """Return the hexadecimal prefix below which that share of all hashes lies."""
    return f"{int(share * 16**_DIGITS):0{_DIGITS}x}"
