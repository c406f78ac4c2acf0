"""What was left of the days that were watched."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from include.contract import keys
from include.errors import MonitoringError, ObjectMissingError
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


def day_to_watch(asked: str | None, due: datetime) -> str:
    """Return the requested day, or the day before the run's date.

    Parameters
    ----------
    asked : str or None
        ``YYYY-MM-DD``.
    due : datetime
        Aware.

    Raises
    ------
    MonitoringError
        If it is no day, or not over when the run was due: figures of a part of a day would stand
        as those of the day.
    """
    today = due.astimezone(UTC).date()
    if not asked:
        return (today - timedelta(days=1)).isoformat()
    try:
        day = date.fromisoformat(asked)
    except ValueError as err:
        raise MonitoringError(f"{asked!r} is no day such as {today.isoformat()}") from err
    if day >= today:
        raise MonitoringError(f"{day} is not over: it can be watched from tomorrow on, in UTC")
    return day.isoformat()
