"""Shuffled labels: nothing is found in them, unless duplicates stand on both sides of the split."""

import numpy as np
import pytest

from include.evaluation.shuffled_labels import shuffled_figures
from include.training.split import assign_sides, group_keys


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.integers(-1, 2, (400, 8)).astype(np.float32)[rng.integers(0, 400, 3_000)]
    return X, (X.sum(axis=1) > 0).astype(np.int8), group_keys(X)


def test_nothing_is_found_when_duplicates_stay_together(rows):
    X, y, groups = rows
    found = shuffled_figures(X, y, groups, assign_sides(groups, "salt"), seed=0)

    assert 0.35 < found["roc_auc"] < 0.65


def test_duplicates_on_both_sides_are_found_out(rows):
    X, y, groups = rows
    at_random = np.random.default_rng(1).choice(["train", "test"], len(y))
    found = shuffled_figures(X, y, groups, at_random, seed=0)

    assert found["roc_auc"] > 0.9


def test_the_figures_are_the_same_every_time(rows):
    X, y, groups = rows
    sides = assign_sides(groups, "salt")

    assert shuffled_figures(X, y, groups, sides, seed=3) == shuffled_figures(
        X, y, groups, sides, seed=3
    )


def test_a_large_training_side_is_sampled(rows):
    X, y, groups = (np.concatenate([each] * 4) for each in rows)
    found = shuffled_figures(X, y, groups, assign_sides(groups, "salt"), seed=0)

    assert found["n_rows"] == 5_000
