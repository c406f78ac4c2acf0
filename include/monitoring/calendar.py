"""Which day a run watches."""

from datetime import UTC, date, datetime, timedelta

from include.errors import MonitoringError


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
