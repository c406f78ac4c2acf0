"""The points of a report's plots."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

from include.evaluation.curves import histogram, reliability, sweep

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 2, 3_000).astype(np.int8)
PROBABILITY = np.clip(0.5 + (Y - 0.5) * 0.5 + RNG.normal(0, 0.2, 3_000), 0, 1)


def test_every_point_lies_on_scikit_learns_curves():
    found = sweep(Y, PROBABILITY)
    fpr, recall, _ = roc_curve(Y, PROBABILITY, drop_intermediate=False)
    precision, at_recall, _ = precision_recall_curve(Y, PROBABILITY)
    roc = {(round(x, 6), round(y, 6)) for x, y in zip(fpr, recall, strict=True)}
    pr = {(round(x, 6), round(y, 6)) for x, y in zip(at_recall, precision, strict=True)}

    assert set(zip(found["fpr"], found["recall"], strict=True)) <= roc
    assert set(zip(found["recall"], found["precision"], strict=True)) <= pr


def test_thousands_of_rows_come_to_some_hundred_points_with_both_ends():
    found = sweep(Y, PROBABILITY)

    assert 200 < len(found["fpr"]) <= 350
    assert found["threshold"] == sorted(found["threshold"], reverse=True)
    assert (found["fpr"][-1], found["recall"][-1]) == (1, 1)
    assert found["threshold"][0] == PROBABILITY.max().round(6)


@pytest.mark.parametrize(
    ("y", "probability", "recall"),
    [
        pytest.param([0, 1], [0.5, 0.5], [1.0], id="all-equal"),
        pytest.param([0, 1], [0.1, 0.9], [1.0, 1.0], id="two-rows"),
    ],
)
def test_few_rows_are_points_too(y, probability, recall):
    assert sweep(np.array(y, np.int8), np.array(probability))["recall"] == recall


def test_ranges_of_probability_hold_every_row_once():
    found = reliability(Y, PROBABILITY)

    assert sum(each["n_rows"] for each in found) == len(Y)
    for each in found:
        assert each["low"] <= each["observed"] <= each["high"]


def test_a_calibrated_model_is_within_its_intervals():
    probability = RNG.uniform(0, 1, 20_000)
    y = (RNG.uniform(0, 1, 20_000) < probability).astype(np.int8)
    found = reliability(y, probability)

    assert len(found) == 10
    assert sum(each["low"] <= each["stated"] <= each["high"] for each in found) >= 9


def test_a_histogram_counts_every_row_of_its_class():
    found = histogram(np.array([0, 1, 1], np.int8), np.array([0.0, 1.0, 0.99]))

    assert (sum(found["legitimate"]), sum(found["phishing"])) == (1, 2)
    assert (found["legitimate"][0], found["phishing"][-1]) == (1, 2)
    assert len(found["edges"]) == len(found["phishing"]) + 1
