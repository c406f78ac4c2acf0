"""Read and write the figures of monitored days."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from include.contract import keys
from include.errors import MonitoringError, ObjectMissingError
from include.stores.objects import ObjectStore


def leave_day(store: ObjectStore, found: dict[str, Any], page: str) -> None:
    """Write page and figures to the bucket, the figures last."""
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
    """Return whether no later day was evaluated: only the newest one raises alerts."""
    this = keys.monitoring_findings(pipeline, day)
    kept = store.keys_under(keys.monitoring_days_prefix(pipeline))
    return not any(key > this and key.rpartition("/")[2] == this.rpartition("/")[2] for key in kept)


def day_to_watch(requested: str | None, due: datetime) -> str:
    """Return the requested day, or the day before the run's date.

    Parameters
    ----------
    requested : str or None
        ``YYYY-MM-DD``.
    due : datetime
        Aware.

    Raises
    ------
    MonitoringError
        If it is not a date, or not over when the run was due: its figures would be incomplete.
    """
    today = due.astimezone(UTC).date()
    if not requested:
        return (today - timedelta(days=1)).isoformat()
    try:
        day = date.fromisoformat(requested)
    except ValueError as err:
        raise MonitoringError(f"{requested!r} is not a date such as {today.isoformat()}") from err
    if day >= today:
        raise MonitoringError(f"{day} is not over: it can be evaluated from tomorrow on, in UTC")
    return day.isoformat()
