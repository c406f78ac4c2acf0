"""How a run ended is told from its tasks and its verdicts, and survives the bucket."""

import pytest

from include.tracking.ending import outcome_of, parse_ending
from tests.tracking import ending

PASSED = [{"passed": True}]
REFUSED = [{"passed": True}, {"passed": False}]


@pytest.mark.parametrize(
    ("states", "verdicts", "outcome"),
    [
        ({"gate": "success", "approve": "success"}, PASSED, "approved"),
        ({"gate": "failed", "approve": "upstream_failed"}, REFUSED, "rejected"),
        ({"gate": "failed", "approve": "upstream_failed"}, [], "failed"),
        ({"wait_for_approval": "failed", "approve": "upstream_failed"}, PASSED, "rejected"),
        ({"wait_for_approval": "skipped", "approve": "failed"}, PASSED, "failed"),
        ({"validate": "failed", "approve": "upstream_failed"}, [], "failed"),
    ],
    ids=["approved", "by the gate", "gate broke", "by a person", "lost the race", "bad data"],
)
def test_outcome(states, verdicts, outcome):
    assert outcome_of(states, verdicts) == outcome


def test_an_ending_is_read_as_it_was_written():
    written = ending(outcome="failed", failed_tasks=("search_3", "validate"), link="http://a/b")

    assert parse_ending(written.to_json()) == written


def test_times_are_milliseconds():
    ended = ending()

    assert ended.ended_ms - ended.started_ms == 60_000
