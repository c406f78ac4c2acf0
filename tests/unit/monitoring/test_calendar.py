"""A run watches the day before it was due, or one that somebody asked for and that is over."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from include.errors import MonitoringError
from include.monitoring.findings_store import day_to_watch

DUE = datetime(2026, 11, 22, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "due", "day"),
    [
        pytest.param(None, DUE, "2026-11-21", id="yesterday"),
        pytest.param("", DUE, "2026-11-21", id="left-empty"),
        pytest.param("2026-11-01", DUE, "2026-11-01", id="asked-for"),
        pytest.param("2026-11-21", DUE, "2026-11-21", id="just-over"),
        pytest.param(
            None, DUE.astimezone(timezone(timedelta(hours=-5))), "2026-11-21", id="due-elsewhere"
        ),
    ],
)
def test_a_day_that_is_over_is_watched(asked, due, day):
    assert day_to_watch(asked, due) == day


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        pytest.param("2026-11-22", "2026-11-22 is not over", id="today"),
        pytest.param("2027-01-01", "2027-01-01 is not over", id="later"),
        pytest.param("yesterday", "'yesterday' is not a date such as 2026-11-22", id="word"),
        pytest.param("2026-11-31", "is not a date", id="no-such-day"),
    ],
)
def test_another_day_is_refused(asked, message):
    with pytest.raises(MonitoringError, match=message):
        day_to_watch(asked, DUE)
