"""Carry the test for drift on by a day; nothing but earlier days decides, so it can be repeated."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from include.evaluation.change_detection import (
    ALL_FIELDS,
    EXPONENTS,
    alarm_limit,
    bet,
    divergences,
    fields_to_name,
    joint_scores,
    ranks,
    weights_of,
)
from include.monitoring.drift.state import DAYS_KEPT, Counts, DriftState

SCORES = "probability"
_OVER = 0.1
_DAYS_LEFT = 181  # so that there are at most two such cuts in 365 days
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Start:
    """What a day begins with: the first day to compare with, and the capital so far."""

    since: str
    capital: dict[str, _Floats]
    alarm_since: str | None = None
    changed: tuple[str, ...] = ()


def next_state(
    last: DriftState | None, earlier: Sequence[Counts], today: Counts, rate: float
) -> DriftState:
    """Return the state after a day.

    Parameters
    ----------
    last : DriftState or None
        After the last tested day; None at the beginning.
    earlier : sequence of Counts
        Earlier days of the same weekday.
    today : Counts
        Its fields are counted in the categories of `last`, unless `starts_over` says otherwise.
    rate : float
        Largest probability of any alarm in a year without a change.
    """
    limit = alarm_limit(rate)
    start = _start(last, today)
    capital = dict(start.capital)
    known = [each for each in earlier if each.day >= start.since]
    for name, (rank, n_days) in _ranks(known, today).items():
        capital[name] = bet(capital.get(name, np.ones(len(EXPONENTS))), np.asarray(rank), n_days)
    weights = weights_of(capital)
    # More than shows a change alone would keep an alarm open for longer than the change.
    capital = {name: np.minimum(each, 2 * limit / weights[name]) for name, each in capital.items()}
    evidence = float(sum(weights[name] * each.mean() for name, each in capital.items()))
    is_open = evidence >= (limit if start.alarm_since is None else _OVER * limit)
    return DriftState(
        counts=today,
        since=start.since,
        capital={name: tuple(each.round(9).tolist()) for name, each in sorted(capital.items())},
        evidence=round(evidence, 9),
        alarm_since=(start.alarm_since or today.day) if is_open else None,
        changed=_changed(capital, start.changed) if is_open else (),
    )


def starts_over(last: DriftState | None, version: str, fields: Sequence[str]) -> bool:
    """Return whether nothing before a day is compared with it.

    It is so at the beginning, when there are other fields, and when a new version is in production
    while an alarm is open: what is usual now is what it was approved on. A new version without an
    open alarm leaves the fields of the inputs as they are, for traffic does not depend on it.
    """
    if last is None:
        return True
    is_answered = last.alarm_since is not None and last.counts.version != version
    return is_answered or bool(set(fields) - last.counts.categories.keys())


def _start(last: DriftState | None, today: Counts) -> _Start:
    if last is None:
        return _Start(today.day, {})
    capital = {name: np.array(each) for name, each in last.capital.items()}
    restarted = {name: np.minimum(each, 1.0) for name, each in capital.items()}
    if starts_over(last, today.version, list(today.fields)):
        names = {*today.fields, ALL_FIELDS, SCORES} if today.fields else restarted.keys()
        return _Start(today.day, {name: each for name, each in restarted.items() if name in names})
    oldest = date.fromisoformat(today.day) - timedelta(days=DAYS_KEPT)
    if last.since <= oldest.isoformat():
        since = date.fromisoformat(today.day) - timedelta(days=_DAYS_LEFT)
        return _Start(since.isoformat(), restarted, last.alarm_since, last.changed)
    if last.counts.version != today.version and SCORES in capital:
        capital[SCORES] = restarted[SCORES]
    return _Start(last.since, capital, last.alarm_since, last.changed)


def _ranks(earlier: Sequence[Counts], today: Counts) -> Mapping[str, tuple[int, int]]:
    """Return the rank of the day and the number of days, for each field that is known of it."""
    found: dict[str, tuple[int, int]] = {}
    days = [*(each for each in earlier if each.fields.keys() == today.fields.keys()), today]
    if today.fields:
        by_field = {
            name: _ranks_of([each.fields[name] for each in days], days, name)
            for name in today.fields
        }
        found = {name: (int(each[-1]), len(days)) for name, each in by_field.items()}
        together = joint_scores(np.array(list(by_field.values())))
        jointly = ranks(together, _ties(days, ALL_FIELDS))
        found[ALL_FIELDS] = int(jointly[-1]), len(days)
    if today.scores:
        days = [each for each in earlier if each.scores and each.version == today.version]
        days.append(today)
        by_score = _ranks_of([each.scores for each in days], days, SCORES)
        found[SCORES] = int(by_score[-1]), len(days)
    return found


def _ranks_of(
    counts: Sequence[Sequence[int]], days: Sequence[Counts], name: str
) -> npt.NDArray[np.int64]:
    return ranks(divergences(np.array(counts)), _ties(days, name))


def _ties(days: Sequence[Counts], name: str) -> _Floats:
    """Return a number of each day that looks random, and is the same each time."""
    named = (f"{each.day} {name}".encode() for each in days)
    digests = [hashlib.blake2b(each, digest_size=6).digest() for each in named]
    return np.array([int.from_bytes(each) for each in digests], dtype=np.float64)


def _changed(capital: Mapping[str, _Floats], before: Sequence[str]) -> tuple[str, ...]:
    """Return the fields to name, those named since the alarm began among them."""
    own = {name: float(each.mean()) for name, each in capital.items() if name != ALL_FIELDS}
    named = {*before, *fields_to_name(own)}
    return tuple(sorted(named, key=lambda name: (-own.get(name, 0.0), name)))


def before_alarm(earlier: Sequence[Counts], state: DriftState) -> tuple[Counts, ...]:
    """Return the days that a day is compared with, those of the open alarm left out."""
    until = state.alarm_since or state.counts.day
    known = [each for each in earlier if each.day >= state.since]
    return tuple(each for each in known if each.day < until) or tuple(known)
