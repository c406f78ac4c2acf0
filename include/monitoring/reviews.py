"""What reviewers decided on a day's random sample, kept beside the figures of that day."""

import json
from collections.abc import Collection, Mapping

from include.contract import keys
from include.errors import ObjectMissingError
from include.ingest.review.entries import Held
from include.ingest.review.queue import ReviewQueue
from include.stores.objects import ObjectStore

Decided = Mapping[str, bool | None]
"""Whether each prediction is of phishing, by its id; None where no label can be had."""


def keep_reviews(
    store: ObjectStore, queue: ReviewQueue, pipeline: str, day: str, drawn: Collection[str]
) -> int:
    """Write what is decided by now on the sample of a day; what was undone is gone from it.

    Parameters
    ----------
    store : ObjectStore
    queue : ReviewQueue
    pipeline : str
    day : str
        ``YYYY-MM-DD``.
    drawn : collection of str
        The ids of the sample.

    Returns
    -------
    int
        How many predictions have a label.

    Raises
    ------
    StoreUnavailableError
    """
    queued = decisions_about(queue, drawn)
    if not queued:
        return 0
    # Those that are no record, and so not in the queue, have no label.
    decided: dict[str, bool | None] = dict.fromkeys(set(drawn) - queued.keys())
    decided |= {name: label_of(held) for name, held in queued.items() if held.state != "waiting"}
    body = json.dumps({"pipeline": pipeline, "day": day, "labels": decided}, sort_keys=True)
    store.put(keys.sample_reviews(pipeline, day), body.encode(), "application/json")
    return sum(label is not None for label in decided.values())


def reviewed_days(store: ObjectStore, pipeline: str) -> set[str]:
    """Return the days with decisions on their sample.

    Raises
    ------
    StoreUnavailableError
    """
    folders = (
        key.split("/")[:-1]
        for key in store.keys_under(keys.monitoring_days_prefix(pipeline))
        if key.endswith("/reviews.json")
    )
    return {folder[-1].removeprefix("date=") for folder in folders}


def read_reviews(store: ObjectStore, pipeline: str, day: str) -> Decided:
    """Return what was decided on the sample of a day; nothing where none is kept.

    Raises
    ------
    StoreUnavailableError
    """
    try:
        found = json.loads(store.get(keys.sample_reviews(pipeline, day)))
    except ObjectMissingError:
        return {}
    return {str(name): None if one is None else bool(one) for name, one in found["labels"].items()}


def decisions_about(queue: ReviewQueue, predictions: Collection[str]) -> dict[str, Held]:
    """Return the last decision on each prediction; what waits where there is none yet.

    Predictions that are not in the queue are left out.

    Raises
    ------
    StoreUnavailableError
    """
    wanted, entries = set(predictions), queue.about(predictions)
    entries.sort(key=lambda held: held.decided_at.timestamp() if held.decided_at else 0.0)
    entries.sort(key=lambda held: held.state != "waiting")
    named = ((str(report["id"]), each) for each in entries for report in each.reports)
    return {name: each for name, each in named if name in wanted}


def label_of(held: Held) -> bool | None:
    """Return whether a decided entry is of phishing; None where it was rejected."""
    if held.state == "rejected":
        return None
    return (held.label == "phishing") == (held.state == "confirmed")
