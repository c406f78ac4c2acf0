"""Intervals of every figure, by drawing groups again."""

import numpy as np
import pytest

from include.contract.verdicts import Thresholds
from include.evaluation.figure_intervals import _drawn, figure_intervals
from include.evaluation.metrics import evaluate

RNG = np.random.default_rng(1)
Y = RNG.integers(0, 2, 500).astype(np.int8)
PROBABILITY = np.clip(0.5 + (Y - 0.5) * 0.5 + RNG.normal(0, 0.2, 500), 0, 1).round(2)
AT, NEVER = Thresholds(0.6, 0.4), Thresholds(np.nextafter(1.0, 2.0), 0.4)
HOW = {"thresholds": AT, "fpr_budget": 0.02, "confidence": 0.95, "seed": 0}


def figures_of(weights):
    drawn = _drawn(Y, PROBABILITY, [weights[np.newaxis]], AT, 0.02)
    return {name: figure for name, (figure,) in drawn.items()}


def test_rows_counted_once_give_the_figures_of_evaluate():
    once = figures_of(np.ones(len(Y)))
    expected = evaluate(Y, PROBABILITY, AT, 0.02)

    assert once == pytest.approx({name: expected[name] for name in once})


def test_a_row_counted_twice_is_two_rows():
    weights = 1.0 + RNG.integers(0, 3, len(Y))
    once = figures_of(weights)
    repeated = np.repeat(np.arange(len(Y)), weights.astype(int))
    expected = evaluate(Y[repeated], PROBABILITY[repeated], AT, 0.02)

    assert once == pytest.approx({name: expected[name] for name in once})


def test_an_interval_holds_its_figure_and_is_the_same_each_time():
    found = figure_intervals(Y, PROBABILITY, np.arange(500), **HOW)
    figures = evaluate(Y, PROBABILITY, AT, 0.02)

    assert all(low <= figures[name] <= high for name, (low, high) in found.items())
    assert found == figure_intervals(Y, PROBABILITY, np.arange(500), **HOW)


def test_no_legitimate_row_flagged_does_not_promise_that_none_will_be():
    low, high = figure_intervals(Y, PROBABILITY, np.arange(500), **{**HOW, "thresholds": NEVER})[
        "fpr"
    ]

    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / np.sum(Y == 0)))


def test_duplicates_make_intervals_wider():
    def width(groups):
        low, high = figure_intervals(Y, PROBABILITY, groups, **HOW)["accuracy"]
        return high - low

    in_few_groups = np.searchsorted(np.quantile(PROBABILITY, np.linspace(0, 1, 9)), PROBABILITY)

    assert width(in_few_groups) > 2 * width(np.arange(500))
