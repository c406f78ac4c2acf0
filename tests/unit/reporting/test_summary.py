"""What a report recommends."""

import pytest

from include.reporting.summary import summarise
from tests.support.report_inputs import VERDICTS, manifest, report_inputs

FAILED = {
    "rule": "brier",
    "passed": False,
    "evaluated": True,
    "sentence": "Brier score 0.3, too high",
}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        pytest.param({}, "approve", id="passed"),
        pytest.param({"verdicts": [*VERDICTS, FAILED]}, "reject", id="one-failed"),
        pytest.param({"verdicts": None}, "unjudged", id="no-verdicts"),
    ],
)
def test_the_gate_decides(changes, kind):
    assert summarise(manifest(), report_inputs(**changes)).kind == kind


TEST = {"recall": 0.848, "fpr": 0.0067, "review_recall": 0.93, "review_fpr": 0.0189}


@pytest.mark.parametrize(
    ("fpr_interval", "flagged"),
    [
        pytest.param(
            (0.0, 0.0194),
            "calls about 7 Phishing, at most 20 (95 % confidence) and 12 Suspicious.",
            id="interval",
        ),
        pytest.param(None, "calls about 7 Phishing and 12 Suspicious.", id="none"),
    ],
)
def test_what_is_caught_and_flagged_is_said_in_counts(fpr_interval, flagged):
    measured = manifest(metrics={"test": TEST})
    summary = summarise(measured, report_inputs(intervals={"fpr": fpr_interval}))

    said = "it calls about 848 Phishing, 82 Suspicious and misses 70; of 1,000 legitimate rows"
    assert said in summary.practice
    assert summary.practice.endswith(flagged)


def test_what_was_not_measured_is_not_said():
    assert summarise(manifest(metrics={"test": {}}), report_inputs()).practice == ""


def test_a_rejection_gives_the_failed_sentences_alone():
    summary = summarise(manifest(), report_inputs(verdicts=[*VERDICTS, FAILED]))

    assert summary.reasons == ("Brier score 0.3, too high",)
    assert (summary.n_passed, summary.n_evaluated, summary.n_not_evaluated) == (1, 2, 1)


def test_synthetic_records_are_never_approved():
    simulated = manifest(snapshot={**manifest().snapshot, "simulated": True})

    assert summarise(simulated, report_inputs()).kind == "practice"


def test_without_a_champion_nothing_changed():
    first = manifest(metrics={**manifest().metrics, "champion_on_same_rows": None})
    summary = summarise(first, report_inputs(evaluation={"champion": None}, champion=None))

    assert summary.changes == ()
    assert "No production version" in summary.reasons[0]


@pytest.mark.parametrize(
    ("wins", "losses", "words"),
    [
        pytest.param(0, 0, "right and wrong on the very same rows", id="same"),
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
    summary = summarise(manifest(), report_inputs(evaluation={"champion": comparison}))

    assert words in " ".join(summary.changes)
