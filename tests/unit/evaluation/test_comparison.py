"""Two models on the same rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.contract.verdicts import Thresholds
from include.evaluation.bootstrap import paired_differences
from include.evaluation.comparison import compare_with_champion
from include.evaluation.metrics import evaluate

HALF = Thresholds(0.5, 0.5)
HOW = {"fpr_budget": 0.1, "confidence": 0.95, "seed": 0}


def rows(n_rows, seed, noise=1.0):
    rng = np.random.default_rng(seed)
    y = (np.arange(n_rows) % 2).astype(np.int8)
    return y, 1 / (1 + np.exp(-(3 * y - 1.5 + rng.normal(0, noise, n_rows))))


@pytest.mark.parametrize(
    ("wins", "losses", "p_value"),
    [
        pytest.param(0, 0, 1.0, id="identical"),
        pytest.param(10, 12, 0.4159, id="rng"),
        pytest.param(2, 20, 0.00006, id="clearly-worse"),
        pytest.param(20, 2, 1.0, id="clearly-better"),
    ],
)
def test_only_a_champion_that_is_better_beyond_chance_has_a_small_p(wins, losses, p_value):
    y = (np.arange(100) < 90).astype(np.int8)
    candidate, champion = y.astype(float), y.astype(float)
    champion[:wins] = 0.0
    candidate[wins : wins + losses] = 0.0
    compared = compare_with_champion(y, candidate, champion, np.arange(100), **HOW)

    assert (compared["only_candidate_right"], compared["only_champion_right"]) == (wins, losses)
    assert compared["p_champion_better"] == pytest.approx(p_value, abs=1e-3)


def test_duplicates_count_once_for_the_champion():
    y = np.ones(60, dtype=np.int8)
    y[50:] = 0
    candidate, champion = y.astype(float), y.astype(float)
    candidate[:12] = 0.0
    duplicates = np.r_[np.zeros(12), np.arange(1, 49)]
    alone = compare_with_champion(y, candidate, champion, np.arange(60), **HOW)
    grouped = compare_with_champion(y, candidate, champion, duplicates, **HOW)

    assert grouped["only_champion_right"] == alone["only_champion_right"] == 12
    assert alone["p_champion_better"] < 0.001
    assert grouped["p_champion_better"] == 0.5


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0]),
            st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0]),
        )
    ),
    st.sampled_from([0.0, 0.1, 0.5]),
)
def test_the_difference_is_that_of_the_figures(given_rows, budget):
    given_rows = [(False, 0.5, 0.2), (True, 0.5, 0.7), *given_rows]
    y = np.array([label for label, _, _ in given_rows], dtype=np.int8)
    ours = np.array([p for _, p, _ in given_rows])
    theirs = np.array([p for _, _, p in given_rows])
    found = paired_differences(
        y, ours, theirs, np.arange(len(y)), fpr_budget=budget, confidence=0.9, seed=0
    )

    for name, difference in found.items():
        expected = evaluate(y, ours, HALF, budget)[name] - evaluate(y, theirs, HALF, budget)[name]
        assert difference.value == pytest.approx(expected, abs=1e-12)


def test_a_model_does_not_differ_from_itself():
    y, probability = rows(200, seed=0)
    found = paired_differences(y, probability, probability, np.arange(200), **HOW)

    assert {(d.value, d.low, d.high) for d in found.values()} == {(0.0, 0.0, 0.0)}


def test_a_model_of_less_noise_is_surely_better():
    y, clear = rows(600, seed=1, noise=0.6)
    _, noisy = rows(600, seed=2, noise=3.0)
    found = paired_differences(y, clear, noisy, np.arange(600), **HOW)

    assert all(difference.low > 0 for difference in found.values())
    assert all(d.low < d.value < d.high for d in found.values())


def test_duplicates_make_a_difference_less_sure():
    y, ours = rows(100, seed=1)
    _, theirs = rows(100, seed=2)
    duplicates = [np.repeat(each, 5) for each in (y, ours, theirs)]
    alone = paired_differences(*duplicates, np.arange(500), **HOW)["roc_auc"]
    grouped = paired_differences(*duplicates, np.repeat(np.arange(100), 5), **HOW)["roc_auc"]

    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 1.8 * (alone.high - alone.low)


def test_the_lower_bound_is_wrong_no_more_often_than_it_says():
    """Two models equally good: the bound lies above the true difference, 0, in 1 of 20 runs."""
    wrong = 0
    for run in range(60):
        y, ours = rows(200, seed=2 * run)
        _, theirs = rows(200, seed=2 * run + 1)
        wrong += paired_differences(y, ours, theirs, np.arange(200), **HOW)["roc_auc"].low > 0

    assert wrong <= 8  # 3 expected; three standard errors


def test_resamples_of_one_class_are_left_out():
    y, probability = np.array([0, 1], dtype=np.int8), np.array([0.2, 0.8])
    found = paired_differences(y, probability, 1 - probability, np.arange(2), **HOW)

    assert found["roc_auc"].low == found["roc_auc"].high == 1.0
