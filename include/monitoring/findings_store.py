"""What was left of the days that were watched."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from include.contract import keys
from include.errors import ObjectMissingError
from include.stores.objects import ObjectStore


def leave_day(store: ObjectStore, found: dict[str, Any], page: str) -> None:
    """Return when page and figures are in the bucket; who finds the figures finds the page."""
    name, day = found["pipeline"], found["day"]
    store.put(keys.monitoring_report(name, day), page.encode(), "text/html; charset=utf-8")
    body = json.dumps(found, indent=1, sort_keys=True, allow_nan=False).encode()
    store.put(keys.monitoring_findings(name, day), body, "application/json")


def read_findings(store: ObjectStore, pipeline: str, day: str) -> dict[str, Any] | None:
    """Return the figures of a day, if they are kept."""
    try:
        found: dict[str, Any] = json.loads(store.get(keys.monitoring_findings(pipeline, day)))
    except ObjectMissingError:
        return None
    return found


def earlier_findings(
    store: ObjectStore, pipeline: str, version: str | None, day: str, n_days: int
) -> Iterator[dict[str, Any]]:
    """Yield the kept figures of earlier days with a production version at their end.

    Parameters
    ----------
    store : ObjectStore
    pipeline : str
    version : str or None
        None for days at whose end there was none.
    day : str
        ``YYYY-MM-DD``.
    n_days : int
        How far back.
    """
    for back in range(1, n_days + 1):
        before = (date.fromisoformat(day) - timedelta(days=back)).isoformat()
        found = read_findings(store, pipeline, before)
        if found is not None and found["version"] == version:
            yield found


def is_newest(store: ObjectStore, pipeline: str, day: str) -> bool:
    """Return whether no later day was watched: only the newest one says what is wrong now."""
    this = keys.monitoring_findings(pipeline, day)
    kept = store.keys_under(keys.monitoring_days_prefix(pipeline))
    return not any(key > this and key.rpartition("/")[2] == this.rpartition("/")[2] for key in kept)
