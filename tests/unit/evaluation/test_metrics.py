import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from include.contract.verdicts import Thresholds
from include.errors import EvaluationError
from include.evaluation.metrics import (
    ceiling,
    evaluate,
    expected_calibration_error,
    recall_at_fpr,
)
from include.training.split import group_keys

Y = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
P = [0.1, 0.2, 0.3, 0.4, 0.75, 0.35, 0.6, 0.7, 0.8, 0.9]


def test_the_figures_are_those_counted_by_hand():
    figures = evaluate(Y, P, Thresholds(0.72, 0.5), fpr_budget=0.2)

    expected = {
        "n_rows": 10,
        "n_phishing": 5,
        "accuracy": 0.8,
        "f1": 0.8,
        "roc_auc": 21 / 25,
        "recall_at_fpr": 0.8,
        "recall": 0.4,
        "fpr": 0.2,
        "precision": 2 / 3,
        "true_positives": 2,
        "false_positives": 1,
        "true_negatives": 4,
        "false_negatives": 3,
        "brier": np.mean((np.array(P) - Y) ** 2),
        "block_threshold": 0.72,
        "review_threshold": 0.5,
        "review_recall": 0.8,
        "review_fpr": 0.2,
        "review_precision": 0.8,
    }
    assert {name: figures[name] for name in expected} == pytest.approx(expected)


def test_a_row_at_the_threshold_is_flagged():
    assert evaluate(Y, P, Thresholds(0.9, 0.5), fpr_budget=0.2)["true_positives"] == 1


def test_the_figures_survive_json():
    figures = evaluate(Y, np.float32(P), Thresholds(0.5, 0.5), fpr_budget=0.01)

    assert json.loads(json.dumps(figures, allow_nan=False)) == figures


def test_a_threshold_that_flags_nothing_has_a_precision():
    assert evaluate(Y, P, Thresholds(1.0, 0.5), fpr_budget=0.01)["precision"] == 0


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.3, 0.5, 0.6, 1.0])), min_size=1),
    st.floats(0, 1),
)
def test_recall_at_fpr_is_the_best_point_of_the_roc_curve(rows, budget):
    y = np.array([0, 1, *(int(label) for label, _ in rows)])
    probability = np.array([0.5, 0.5, *(p for _, p in rows)])

    fpr, recall, _ = roc_curve(y, probability, drop_intermediate=False)

    assert recall_at_fpr(y, probability, budget) == recall[fpr <= budget + 1e-12].max()


@pytest.mark.parametrize("y", [[], [0, 0], [1, 1]], ids=["none", "legitimate", "phishing"])
def test_rows_without_both_classes_cannot_be_evaluated(y):
    with pytest.raises(EvaluationError, match="both phishing and legitimate"):
        evaluate(y, [0.5] * len(y), 0.5, 0.01)


@pytest.mark.parametrize("p", [np.nan, -0.1, 1.1], ids=["missing", "negative", "above one"])
def test_what_is_no_probability_cannot_be_evaluated(p):
    with pytest.raises(EvaluationError, match="probability"):
        evaluate([0, 1], [0.5, p], 0.5, 0.01)


def test_calibration_error_is_the_gap_between_stated_and_observed():
    sure = np.r_[np.zeros(50), np.ones(50)]

    assert expected_calibration_error(sure, np.where(sure == 1, 0.9, 0.1)) == pytest.approx(0.1)
    assert expected_calibration_error([0, 1, 0, 1], [0.5] * 4) == 0


def test_contradictory_rows_lower_the_ceiling():
    keys = group_keys([[1, 0], [1, 0], [1, 0], [0, 1]])

    assert ceiling(keys, [1, 1, 0, 0]) == 0.75
    assert ceiling(keys, [1, 1, 1, 0]) == 1


def test_no_rows_have_no_ceiling():
    with pytest.raises(EvaluationError, match="no rows"):
        ceiling(group_keys(np.empty((0, 2))), [])
