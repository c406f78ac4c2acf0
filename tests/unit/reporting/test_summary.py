"""What a report recommends."""

import pytest

from include.reporting.summary import summarise
from tests.reports import VERDICTS, evidence, manifest

FAILED = {"rule": "brier", "passed": False, "judged": True, "sentence": "Brier score 0.3, too high"}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        pytest.param({}, "approve", id="passed"),
        pytest.param({"verdicts": [*VERDICTS, FAILED]}, "reject", id="one-failed"),
        pytest.param({"verdicts": None}, "unjudged", id="no-verdicts"),
    ],
)
def test_the_gate_decides(changes, kind):
    assert summarise(manifest(), evidence(**changes)).kind == kind


def test_a_rejection_gives_the_failed_sentences_alone():
    summary = summarise(manifest(), evidence(verdicts=[*VERDICTS, FAILED]))

    assert summary.reasons == ("Brier score 0.3, too high",)
    assert (summary.n_passed, summary.n_judged, summary.n_not_judged) == (1, 2, 1)


def test_made_up_records_are_never_approved():
    simulated = manifest(snapshot={**manifest().snapshot, "simulated": True})

    assert summarise(simulated, evidence()).kind == "practice"


def test_without_a_champion_nothing_changed():
    first = manifest(metrics={**manifest().metrics, "champion_on_same_rows": None})
    summary = summarise(first, evidence(evaluation={"champion": None}, champion=None))

    assert summary.changes == ()
    assert "No version is in force" in summary.reasons[0]


@pytest.mark.parametrize(
    ("wins", "losses", "words"),
    [
        pytest.param(9, 9, "a draw", id="draw"),
        pytest.param(14, 9, "chance alone may explain", id="few"),
        pytest.param(60, 20, "more than chance explains", id="many"),
    ],
)
def test_a_lead_is_called_by_what_chance_explains(wins, losses, words):
    comparison = {
        "only_candidate_right": wins,
        "only_champion_right": losses,
        "p_champion_better": 0.9,
    }
    summary = summarise(manifest(), evidence(evaluation={"champion": comparison}))

    assert words in " ".join(summary.changes)
