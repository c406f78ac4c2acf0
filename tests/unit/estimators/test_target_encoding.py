"""Odds of categories: groups are counted, not rows, and few say little."""

import numpy as np

from include.estimators.target_encoding import ODDS_GRID, target_log_odds


def log_odds(categories, groups, y, n_numbers=8):
    categories = np.array(categories, np.int32).reshape(len(y), -1)
    found = target_log_odds(
        categories, np.array(groups, np.float32), np.array(y, np.int8), n_numbers
    )

    assert found.dtype == np.int8
    return found / ODDS_GRID


def test_many_rows_of_one_group_count_once():
    once = log_odds([1, 2, 3], [10, 11, 12], [1, 0, 0])
    often = log_odds([1] * 50 + [2, 3], [10] * 50 + [11, 12], [1] * 50 + [0, 0])

    np.testing.assert_array_equal(once, often)


def test_more_groups_say_more_and_both_ways():
    few = log_odds([1, 2], [1, 2], [1, 0])
    many = log_odds([1] * 9 + [2] * 9, range(18), [1] * 9 + [0] * 9)

    assert 0 < few[1] < many[1]
    np.testing.assert_allclose(many[2], -many[1])
    np.testing.assert_allclose(many[1], np.log(10 / 1), atol=0.5 / ODDS_GRID)


def test_a_group_of_both_classes_counts_for_both():
    assert log_odds([1, 1, 2, 3], [5, 5, 6, 7], [1, 0, 1, 0])[1] == 0


def test_the_usual_share_is_no_evidence():
    categories, groups = [1, 1, 1, 1, 2, 2, 2, 2], range(8)

    np.testing.assert_array_equal(log_odds(categories, groups, [1, 0, 0, 0] * 2), 0)


def test_a_number_of_nobody_and_no_peer_say_nothing():
    found = log_odds([[0, 1], [0, 2]], [1, 2], [1, 0])

    assert found[0] == found[7] == 0
    assert found[1] > 0 > found[2]


def test_columns_share_the_numbers():
    one_row_each = log_odds([[1, 2], [2, 1], [3, 3]], [1, 1, 2], [1, 1, 0])

    assert one_row_each[1] == one_row_each[2] > 0
