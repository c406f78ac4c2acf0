"""What a person reads before approving: figures beside production's, weak slices, open rules."""

import pytest

from include.contract.run_documents import Evaluation
from include.evaluation.gate.rule_results import at_least, not_evaluated
from include.run.approval_request import approval_request

VERSION, BEFORE = "20261121T020513Z-3f9a1c2b", "20261120T020511Z-9a0b1c2d"
RATES = {"recall": 0.912, "review_recall": 0.953, "fpr": 0.009, "review_fpr": 0.021}
CHAMPION = {"version": BEFORE, **RATES, "recall": 0.904, "roc_auc": 0.9912}
PASSED = at_least("accuracy", "accuracy", 0.95, 0.92)
OPEN = not_evaluated("later_months", "too few dated rows to evaluate later months")


def a_slice(value, recall, fpr, *, enough=True):
    return {
        "name": "country", "value": value, "n": 100, "n_positive": 40,
        "recall": recall, "fpr": fpr, "recall_evaluated": enough, "fpr_evaluated": enough,
    }  # fmt: skip


def read(champion=None, slices=(), verdicts=(PASSED,)):
    evaluation = Evaluation(
        test={**RATES, "roc_auc": 0.9931},
        random_split={}, later_months=None, ceiling=1.0, rows={}, simpler={}, shuffled={},
        slices=tuple(slices), fpr_interval=(0, 0), review_fpr_interval=(0, 0), verdicts={},
        known_pages=None, edits=(), champion=None, champion_on_same_rows=champion,
        champion_serial=0,
    )  # fmt: skip
    return approval_request("sites", VERSION, evaluation, verdicts, 20)


def test_figures_stand_beside_those_in_production():
    text = read(CHAMPION)

    assert f"| in production: {BEFORE} |" in text
    assert "| Phishing rows called Phishing | 91.2 % | 90.4 % |" in text
    assert "| ROC AUC | 0.9931 | 0.9912 |" in text
    assert f"(/data-docs/versions/sites/{VERSION}/report.html)" in text
    assert f"(/models/sites/compare?new={VERSION})" in text


def test_a_first_version_has_nothing_beside_it():
    text = read()

    assert "| in production: nothing yet |" in text
    assert "| Phishing rows called Phishing | 91.2 % |  |" in text


def test_the_weakest_slices_are_those_with_enough_rows():
    found = [a_slice("de", 0.9, 0.01), a_slice("fr", 0.7, 0.05), a_slice("tv", 0, 1, enough=False)]
    text = read(slices=found)

    assert "**Weakest slice**: `country = fr`, 70.0 % of 40 phishing caught" in text
    assert "**Most false alarms**: `country = fr`, 5.0 % of 60 legitimate flagged" in text


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ((PASSED, OPEN), "- **Not evaluated**, for want of rows or of a limit: later months"),
        ((PASSED,), "- Every rule was evaluated."),
    ],
    ids=["some", "none"],
)
def test_what_the_gate_could_not_evaluate_is_named_as_such(verdicts, said):
    text = read(verdicts=verdicts)

    assert said in text
    assert "Passed 1 of 1 gate rules that could be evaluated" in text
