"""The state of the test for drift, day by day: alarms, missed days, versions, the oldest days."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from include.errors import MonitoringError
from include.evaluation.change_detection import alarm_limit
from include.monitoring.drift.state import Counts, DriftState, state_of_findings
from include.monitoring.drift.update import SCORES, before_alarm, next_state
from include.validation.categories import Categories

FIRST = date(2026, 1, 5)
NAMES = ("port", "path", "page")
CATEGORIES = {name: Categories(("1", "2", "other", "missing")) for name in NAMES}
RATE = 0.05
USUAL = [0.7, 0.3, 0, 0]


def counts(number, *, moved=(), version="v1", scores=True, fields=NAMES, seed=0):
    """What is counted on a day; fields that moved have other shares."""
    rng = np.random.default_rng([number, seed])
    shares = {name: [0.5, 0.5, 0, 0] if name in moved else USUAL for name in fields}
    return Counts(
        (FIRST + timedelta(days=number)).isoformat(),
        version,
        CATEGORIES,
        {name: tuple(rng.multinomial(900, shares[name]).tolist()) for name in fields},
        tuple(rng.multinomial(900, [0.2] * 5).tolist()) if scores else (),
    )


def states(days):
    """The state after each day."""
    found: list[DriftState] = []
    for day in days:
        weekday = date.fromisoformat(day.day).weekday()
        earlier = [
            each.counts
            for each in found
            if date.fromisoformat(each.counts.day).weekday() == weekday
        ]
        found.append(next_state(found[-1] if found else None, earlier, day, RATE))
    return found


@pytest.fixture(scope="module")
def quiet():
    """Eight weeks without a change."""
    return [counts(number) for number in range(56)]


def test_a_field_that_moves_is_named_within_days_and_the_others_are_not(quiet):
    days = [*quiet, *(counts(number, moved=["path"]) for number in range(56, 70))]
    found = states(days)
    begun = next(state.alarm_since for state in found if state.alarm_since)

    assert not any(state.alarm_since for state in found[:56])
    assert date.fromisoformat(begun) - FIRST < timedelta(days=56 + 10)
    assert found[-1].changed == ("path",)
    assert found[-1].evidence >= alarm_limit(RATE)
    assert found[-1].alarm_since == begun
    before = before_alarm([each for each in days[:-1] if each.day < begun][:7], found[-1])
    assert before and all(each.day < begun for each in before)


def test_an_alarm_ends_when_days_are_again_what_they_were(quiet):
    moved = [counts(number, moved=["path"]) for number in range(56, 64)]
    found = states([*quiet, *moved, *(counts(number) for number in range(64, 92))])

    assert found[63].alarm_since
    assert found[-1].alarm_since is None and found[-1].changed == ()


def test_days_that_were_missed_and_hashed_inputs_change_nothing_of_what_is_known(quiet):
    left_out = [day for number, day in enumerate(quiet) if number not in (20, 33, 34)]
    hashed = replace(counts(56), fields={})
    last = states([*left_out, hashed])
    before = last[-2].capital

    assert last[-1].alarm_since is None
    assert {name: last[-1].capital[name] for name in NAMES} == {
        name: before[name] for name in NAMES
    }
    assert last[-1].capital[SCORES] != before[SCORES]


def test_a_new_version_answers_an_open_alarm_and_leaves_quiet_inputs_as_they_are(quiet):
    moved = [counts(number, moved=["path"]) for number in range(56, 66)]
    answered = states([*quiet, *moved, counts(66, moved=["path"], version="v2")])[-1]
    unmoved = states([*quiet, counts(56, version="v2")])[-1]

    assert (answered.alarm_since, answered.since) == (None, answered.counts.day)
    assert max(np.mean(each) for each in answered.capital.values()) <= 1
    assert unmoved.since == quiet[0].day
    assert np.mean(unmoved.capital[SCORES]) <= 1


def test_another_set_of_fields_starts_over(quiet):
    other = {"host": Categories(("a", "other", "missing"))}
    changed = replace(counts(56), categories=other, fields={"host": (3, 1, 0)})
    found = states([*quiet, changed])[-1]

    assert found.since == changed.day
    assert found.capital.keys() == {"host", "all fields", SCORES}


def test_a_state_that_nobody_wrote_is_refused_and_a_day_without_one_is_none():
    found = {"pipeline": "sites", "day": "2026-01-05"}
    state = states([counts(0)])[0]

    assert state_of_findings(found) is None
    assert state_of_findings({**found, "drift": {"state": state.to_dict()}}) == state
    with pytest.raises(MonitoringError, match="watch the day again"):
        state_of_findings({**found, "drift": {"state": {**state.to_dict(), "capital": "much"}}})
