"""What the test for drift knows after a day: kept in the day's findings, made of earlier ones."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from include.contract import keys
from include.errors import MonitoringError
from include.monitoring.findings_store import read_findings
from include.stores.objects import ObjectStore
from include.validation.categories import Categories

DAYS_KEPT = 364


@dataclass(frozen=True)
class Counts:
    """What was scored on a day, counted.

    Attributes
    ----------
    day : str
        ``YYYY-MM-DD``.
    version : str
        In production when it ended.
    categories : mapping of str to Categories
        By field.
    fields : mapping of str to tuple of int
        Items in each category; empty where no inputs are known.
    scores : tuple of int
        Items in each bin of the probability; empty where there were too few of the version.
    slices : mapping of str to mapping of str to int
        Items of each slice.
    """

    day: str
    version: str
    categories: Mapping[str, Categories] = field(default_factory=dict)
    fields: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    scores: tuple[int, ...] = ()
    slices: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class DriftState:
    """What is known after a day.

    Attributes
    ----------
    counts : Counts
    since : str
        First day that later ones are compared with.
    capital : mapping of str to tuple of float
        Evidence against "no change" by field, for the scores and for all fields together.
    evidence : float
        The weighted mean of all.
    alarm_since : str or None
        When the alarm began that is open after the day.
    changed : tuple of str
        The fields that it names.
    """

    counts: Counts
    since: str
    capital: Mapping[str, tuple[float, ...]]
    evidence: float
    alarm_since: str | None = None
    changed: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def state_of_findings(found: Mapping[str, Any]) -> DriftState | None:
    """Return the state in the findings of a day; None of a day that was not tested.

    Raises
    ------
    MonitoringError
        If it is malformed.
    """
    given = found.get("drift", {}).get("state")
    if given is None:
        return None
    try:
        return TypeAdapter(DriftState).validate_python(given)
    except ValidationError as err:
        raise MonitoringError(
            f"{found['pipeline']}, {found['day']}: the state of drift is malformed: "
            f"{err.errors()[0]['msg']}; watch the day again"
        ) from err


def earlier_states(
    store: ObjectStore, pipeline: str, day: str
) -> tuple[DriftState | None, Iterator[Counts]]:
    """Return the state after the last tested day, and the counts of the same weekday before.

    Both are of the `DAYS_KEPT` days before the day; the second are read as they are asked for.

    Raises
    ------
    MonitoringError
        If a day's state is malformed.
    """
    name = keys.monitoring_findings(pipeline, day).rpartition("/")[2]
    prefix = keys.monitoring_days_prefix(pipeline)
    kept = {key for key in store.keys_under(prefix) if key.endswith(f"/{name}")}
    last = next(_states(store, pipeline, day, kept, range(1, DAYS_KEPT + 1)), None)
    weekdays = _states(store, pipeline, day, kept, range(7, DAYS_KEPT + 1, 7))
    return last, (state.counts for state in weekdays)


def _states(
    store: ObjectStore, pipeline: str, day: str, kept: Collection[str], days_back: range
) -> Iterator[DriftState]:
    """Yield the states after those days before a day whose findings are kept."""
    for back in days_back:
        before = (date.fromisoformat(day) - timedelta(days=back)).isoformat()
        if keys.monitoring_findings(pipeline, before) not in kept:
            continue
        found = read_findings(store, pipeline, before)
        if found is not None and (state := state_of_findings(found)) is not None:
            yield state
