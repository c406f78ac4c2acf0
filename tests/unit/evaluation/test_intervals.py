"""Intervals of rates and means: duplicates widen them, certainty needs rows, and they hold."""

import numpy as np
import pytest

from include.evaluation.intervals import clopper_pearson, mean_interval, rate_interval


def interval(hits, groups):
    return rate_interval(hits, groups, confidence=0.95, seed=0)


def test_duplicates_widen_the_interval_of_a_rate():
    flagged = np.arange(400) < 8
    low, high = interval(flagged, np.arange(400))
    duplicates_low, duplicates_high = interval(flagged, np.arange(400) // 8)

    assert duplicates_low == 0.0 < low < 0.02 < high < duplicates_high


@pytest.mark.parametrize(
    ("hits", "n_rows", "expected"),
    [
        pytest.param(0, 450, (0.0, 0.00816), id="none"),
        pytest.param(5, 500, (0.00326, 0.02318), id="some"),
        pytest.param(10, 10, (0.69150, 1.0), id="all"),
        pytest.param(0, 0, (0.0, 1.0), id="no-rows"),
    ],
)
def test_the_binomial_interval_is_the_published_one(hits, n_rows, expected):
    assert clopper_pearson(hits, n_rows, 0.95) == pytest.approx(expected, abs=2e-5)


def test_a_rate_of_none_is_not_certain():
    low, high = interval(np.zeros(100, dtype=bool), np.arange(100))

    assert low == 0.0
    assert high == pytest.approx(0.0362, abs=1e-4)


def test_without_rows_nothing_is_known_of_a_rate():
    assert interval(np.zeros(0, dtype=bool), np.arange(0)) == (0.0, 1.0)


def test_counting_groups_alike_gives_the_interval_of_drawing_each():
    rng = np.random.default_rng(3)
    groups = np.concatenate([np.arange(60), rng.integers(0, 60, 240)])
    values = (rng.random(300) < 0.3).astype(float) * (groups % 3)
    sums, sizes = np.bincount(groups, weights=values, minlength=60), np.bincount(groups)
    drawn = rng.integers(0, 60, (4_000, 60))
    each = np.quantile(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1), [0.025, 0.975])

    assert mean_interval(values, groups, confidence=0.95, seed=0) == pytest.approx(each, abs=0.02)


def test_the_interval_holds_the_true_rate_at_least_as_often_as_it_says():
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(200):
        groups = np.repeat(np.arange(100), 5)
        low, high = interval(np.repeat(rng.random(100) < 0.05, 5), groups)
        held += low <= 0.05 <= high

    assert held >= 184  # 190 expected of 95 %; four standard errors would be 178
