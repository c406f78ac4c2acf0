"""Polls are spread, slow down while S3 is away, and stop at once."""

import random
import threading

import pytest

from include.registry.follow import Outcome, Poller

SWAPPED = Outcome("sites", "swapped")
UNREACHABLE = Outcome("sites", "unreachable", "StoreUnavailableError", "away")


def poller(poll_once=lambda: SWAPPED, report=lambda outcome: None, interval_s=15.0):
    return Poller(
        "follow-sites",
        poll_once,
        report,
        interval_s=interval_s,
        max_interval_s=60.0,
        rng=random.Random(5),
    )


def test_pauses_are_spread_around_the_interval():
    polling = poller()
    pauses = [polling.next_pause_s(SWAPPED) for _ in range(500)]

    assert 12.0 <= min(pauses) < 12.5
    assert 17.5 < max(pauses) <= 18.0


def test_pauses_grow_while_s3_is_away_and_shrink_at_once_when_it_answers():
    polling = poller()
    pauses = [polling.next_pause_s(UNREACHABLE) for _ in range(30)]

    for pause, expected in zip(pauses, [30, 60, 60, 60], strict=False):
        assert pause == pytest.approx(expected, rel=0.2)
    assert max(pauses) <= 72.0
    assert polling.next_pause_s(SWAPPED) <= 18.0


def test_a_refused_version_does_not_slow_the_polls():
    assert poller().next_pause_s(Outcome("sites", "refused", "SignatureError", "x")) <= 18.0


def test_it_polls_at_once_and_stops_within_a_pause():
    polled = threading.Event()
    outcomes = []

    def report(outcome):
        outcomes.append(outcome)
        polled.set()

    polling = poller(report=report, interval_s=3600.0)
    polling.start()
    assert polled.wait(60)
    polling.stop(60)  # a pause is an hour

    assert outcomes == [SWAPPED]
    assert "follow-sites" not in {thread.name for thread in threading.enumerate()}


def test_it_goes_on_polling():
    polled = threading.Semaphore(0)
    polling = poller(report=lambda outcome: polled.release(), interval_s=0.001)
    polling.start()

    assert all(polled.acquire(timeout=60) for _ in range(5))
    polling.stop(60)


def test_the_first_approval_is_looked_for_every_second():
    nothing = Outcome("sites", "nothing_approved")

    assert poller().next_pause_s(nothing) <= 1.2
    assert poller(interval_s=0.1).next_pause_s(nothing) <= 0.12
