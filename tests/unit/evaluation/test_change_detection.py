"""A change in daily counts: exact gains, uniform ranks, the limit, and independence of order."""

from itertools import permutations

import numpy as np
import pytest

from include.evaluation.change_detection import (
    ALL_FIELDS,
    EXPONENTS,
    RESTARTED,
    alarm_limit,
    bet,
    divergences,
    fields_to_name,
    joint_scores,
    ranks,
    weights_of,
)

N_STREAMS = 4_000


@pytest.mark.parametrize("n_days", [1, 2, 7, 52])
def test_a_bet_gains_nothing_on_average_over_all_ranks(n_days):
    capital = np.tile([0.5, 1.0, 20.0], (n_days, 1))
    after = bet(capital, np.arange(1, n_days + 1), n_days)

    np.testing.assert_allclose(
        after.mean(axis=0), (1 - RESTARTED) * capital[0] + RESTARTED, rtol=1e-12
    )


def test_ranks_of_each_day_among_those_before_are_independent_also_where_days_are_equal():
    """All 24 orders of four days of which two are equal give each series of ranks once."""
    scores, found = [0.3, 0.7, 0.7, 0.1], set()
    for order in permutations(range(4)):
        drawn = np.array(order, dtype=float)
        said = np.array([scores[day] for day in order])
        found.add(tuple(int(ranks(said[:n], drawn[:n])[-1]) for n in range(1, 5)))

    assert len(found) == 24


def test_a_day_that_differs_has_the_first_rank_whatever_the_order():
    rng = np.random.default_rng(0)
    counts = rng.multinomial(900, [0.6, 0.3, 0.1], 8)
    counts[5] = rng.multinomial(900, [0.4, 0.3, 0.3])
    order = rng.permutation(8)

    assert divergences(counts).argmax() == 5
    np.testing.assert_allclose(divergences(counts[order]), divergences(counts)[order])


def test_few_items_are_not_unusual_by_their_number_alone():
    rng = np.random.default_rng(1)
    sizes = np.where(np.arange(40) % 2, 600, 20_000)
    counts = rng.multinomial(sizes, [0.5, 0.2, 0.2, 0.1], (500, 40))
    small = divergences(counts)[:, 1::2].mean()

    assert abs(small) < 0.1 * 3 / (2 * 600), "a tenth of what random variation alone gives"


def test_fields_that_are_each_a_little_unusual_are_unusual_together():
    field_ranks = np.array([[2, 1, 3, 4], [2, 4, 1, 3], [2, 3, 4, 1]])

    assert ranks(joint_scores(field_ranks), np.zeros(4))[0] == 1


def test_in_years_of_exchangeable_weekdays_the_limit_is_reached_as_rarely_as_stated():
    """Seven weekdays with distributions of their own, heavy tails, and equal days."""
    rng = np.random.default_rng(2)
    days = rng.standard_t(1.2, (N_STREAMS, 365)).round(0) + np.arange(365) % 7 * 50
    drawn, capital = rng.random(365), np.ones((N_STREAMS, len(EXPONENTS)))
    most = np.zeros(N_STREAMS)
    for day in range(365):
        same = np.arange(day % 7, day + 1, 7)
        capital = bet(capital, ranks(days[:, same], drawn[same])[:, -1], len(same))
        most = np.maximum(most, capital.mean(axis=1))

    assert (most >= alarm_limit(0.05)).mean() < 0.05
    assert (most >= 5).mean() > 0.05, "the limit is what keeps it"


def test_half_of_the_weight_is_on_all_fields_together():
    assert weights_of({"a": 0, "b": 0, ALL_FIELDS: 0}) == {"a": 0.25, "b": 0.25, ALL_FIELDS: 0.5}
    assert weights_of({"probability": 0}) == {"probability": 1.0}


@pytest.mark.parametrize(
    ("evidence", "named"),
    [
        pytest.param({"a": 3.0, "b": 2.0, "c": 0.1}, ("a",), id="none-alone"),
        pytest.param({"a": 29.0, "b": 15.0, "c": 0.1}, ("a", "b"), id="two-together"),
        pytest.param({"a": 14.0, "b": 31.0, "c": 0.1}, ("b",), id="one"),
    ],
)
def test_fields_are_named_by_how_many_have_enough_evidence(evidence, named):
    assert fields_to_name(evidence) == named
