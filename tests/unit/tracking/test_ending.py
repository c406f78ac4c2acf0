"""How a run ended is told from its tasks and its verdicts, and survives the bucket."""

import pytest

from include.tracking.run_outcome import outcome_of, parse_outcome
from tests.support.tracked_run import ending


@pytest.mark.parametrize(
    ("states", "refused", "outcome"),
    [
        ({"gate": "success", "approve": "success"}, False, "approved"),
        ({"approve": "skipped", "keep_newer": "success"}, False, "superseded"),
        ({"gate": "failed", "approve": "upstream_failed"}, True, "rejected"),
        ({"gate": "failed", "approve": "upstream_failed"}, False, "failed"),
        ({"wait_for_approval": "success", "approve": "failed"}, True, "rejected"),
        ({"wait_for_approval": "failed", "approve": "upstream_failed"}, False, "rejected"),
        ({"wait_for_approval": "skipped", "approve": "failed"}, False, "failed"),
        ({"wait_for_approval": "success", "approve": "skipped"}, False, "proposed"),
        ({"wait_for_approval": "skipped", "approve": "skipped"}, False, "failed"),
        ({"validate": "failed", "approve": "upstream_failed"}, False, "failed"),
    ],
    ids=[
        *("approved", "older run", "gate", "gate broke", "person", "unanswered"),
        *("lost the race", "first of two", "not asked", "bad data"),
    ],
)
def test_outcome(states, refused, outcome):
    assert outcome_of(states, refused) == outcome


def test_an_ending_is_read_as_it_was_written():
    written = ending(outcome="failed", failed_tasks=("search_3", "validate"), link="http://a/b")

    assert parse_outcome(written.to_json()) == written


def test_times_are_milliseconds():
    ended = ending()

    assert ended.ended_ms - ended.started_ms == 60_000
