import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from include.errors import ThresholdError
from include.training.threshold import choose_threshold, choose_thresholds, smallest_budget


def test_the_largest_recall_within_the_budget_is_taken():
    y = [0, 0, 0, 0, 1, 1, 1, 1]
    probability = [0.1, 0.2, 0.3, 0.8, 0.25, 0.5, 0.7, 0.9]

    none = choose_threshold(y, probability, 0.0)
    one_in_four = choose_threshold(y, probability, 0.25)

    assert (none.value, none.fpr) == (pytest.approx(0.85), 0.0)
    assert (one_in_four.value, one_in_four.fpr) == (pytest.approx(0.4), 0.25)
    assert none.n_negatives == 4


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.2, 0.5, 0.5, 0.9, 1.0])), min_size=1),
    st.floats(0, 1),
)
def test_no_other_threshold_within_the_budget_recalls_more(rows, budget):
    y = np.array([0, *(int(label) for label, _ in rows)])
    probability = np.array([0.5, *(p for _, p in rows)])

    chosen = choose_threshold(y, probability, budget)

    def rates(value):
        flagged = probability >= value
        return flagged[y == 0].mean(), flagged[y == 1].sum()

    fpr, recalled = rates(chosen.value)
    assert fpr == chosen.fpr <= budget + 1e-9
    for other in [*np.unique(probability), 0.0, 2.0]:
        assert rates(other)[0] > budget or rates(other)[1] <= recalled


def test_tied_legitimate_rows_are_all_flagged_or_none():
    tied = choose_threshold([0] * 10 + [1, 1], [0.9] * 10 + [0.9, 0.95], 0.5)

    assert tied.fpr == 0
    assert 0.9 < tied.value <= 0.95


def test_a_legitimate_row_at_one_leaves_nothing_to_flag():
    sure = choose_threshold([0, 1], [1.0, 1.0], 0.0)

    assert sure.value > 1
    assert sure.fpr == 0


def test_rounding_to_float32_flips_no_row():
    random = np.random.default_rng(0)
    y, probability = random.integers(0, 2, 3000), random.random(3000)

    value = choose_threshold(y, probability, 0.01).value

    assert ((probability >= value) == (probability.astype(np.float32) >= value)).all()


def test_the_upper_bound_is_the_rate_at_which_so_few_alarms_are_a_one_in_twenty_event():
    chosen = choose_threshold([0] * 500 + [1], [*np.linspace(0, 0.99, 500), 1.0], 0.01)

    assert chosen.fpr == 5 / 500
    assert binom.cdf(5, 500, chosen.fpr_upper_bound) == pytest.approx(0.05)


def test_flagging_everything_bounds_nothing():
    assert choose_threshold([0, 1], [0.3, 0.6], 1.0).fpr_upper_bound == 1


def test_without_legitimate_rows_there_is_no_threshold():
    with pytest.raises(ThresholdError, match="none legitimate"):
        choose_threshold([1, 1], [0.2, 0.9], 0.01)


@pytest.mark.parametrize("budget", [-0.01, 1.5], ids=["negative", "above one"])
def test_a_budget_that_is_no_share_is_refused(budget):
    with pytest.raises(ThresholdError, match="must be within 0 and 1"):
        choose_threshold([0, 1], [0.2, 0.9], budget)


def evenly(n_legitimate):
    """Return rows whose legitimate share above p is 1 - p, and as many phishing ones near 1."""
    legitimate = (np.arange(n_legitimate) + 0.5) / n_legitimate
    y = np.repeat([0, 1], n_legitimate)
    return y, np.append(legitimate, np.linspace(0.4, 1, n_legitimate))


def test_review_begins_at_one_half_where_its_budget_begins_later():
    found = choose_thresholds(*evenly(10_000), 0.001)

    assert found.block.value == pytest.approx(0.999, abs=1e-3)
    assert found.block.fpr <= 0.001
    assert (found.review.value, found.review.fpr) == (0.5, 0.5)
    assert not found.block.shortage


def test_review_begins_at_its_budget_where_one_half_is_later():
    y, probability = evenly(10_000)
    found = choose_thresholds(y, probability * np.where(y == 0, 0.3, 1), 0.001)

    assert found.review.value == pytest.approx(0.297, abs=1e-3)
    assert found.review.fpr <= 0.01


def test_a_looser_budget_than_that_of_review_leaves_nothing_suspicious():
    y, probability = evenly(10_000)
    found = choose_thresholds(y, probability * np.where(y == 0, 0.3, 1), 0.2)

    assert found.values.block == found.values.review == pytest.approx(0.24, abs=1e-3)


def test_a_budget_that_the_rows_cannot_show_falls_back_to_the_smallest_they_can():
    found = choose_thresholds(*evenly(600), 0.001)

    used = found.block.used_budget
    assert used == smallest_budget(600) == pytest.approx(3 / 600, rel=0.01)
    assert binom.pmf(0, 600, used) == pytest.approx(0.05)
    assert 0.001 < found.block.fpr <= used
    assert "600 legitimate rows are too few to keep a budget of 0.10%" in found.block.shortage
    assert found.document()["block"]["shortage"] == found.block.shortage


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.3, 0.5, 0.7, 0.99])), min_size=1),
    st.floats(0.0001, 0.3),
)
def test_nothing_above_one_half_is_ever_called_legitimate(rows, budget):
    y = np.array([0, *(int(label) for label, _ in rows)])
    probability = np.array([0.5, *(p for _, p in rows)])

    values = choose_thresholds(y, probability, budget).values

    assert values.review <= min(values.block, 0.5)
    assert all(values.verdict(p) != "Legitimate" for p in probability[probability >= 0.5])
