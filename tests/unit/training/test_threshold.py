import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from include.errors import ThresholdError
from include.training.threshold import choose_threshold


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
