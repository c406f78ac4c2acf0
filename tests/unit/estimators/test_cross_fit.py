"""Scores of tokens: group-disjoint on training rows, joint on others, and exact in every order."""

import numpy as np
import pytest
from sklearn.base import clone

from include.estimators.cross_fit import CrossFitScores
from include.estimators.token_scores import GRIDS, STANDALONE, UNSEEN

SECTIONS = ((2, 8, 64), (8, 12, 32), (12, 14, 16))


@pytest.fixture
def rows():
    """Figure, group, and tokens; a piece below 8 tells the class, the others are noise."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 600).astype(np.int8)
    X = np.zeros((600, 14), np.float32)
    X[:, 0] = rng.normal(size=600)
    X[:, 1] = rng.integers(0, 90, 600)
    X[:, 2] = np.where(y == 1, rng.integers(1, 5, 600), rng.integers(4, 8, 600))
    X[:, 3:8] = rng.integers(8, 64, (600, 5))
    X[:, 8:12] = rng.integers(0, 32, (600, 4))
    X[:, 12] = 1 + y
    return X, y


def scores():
    return CrossFitScores(n_passthrough=1, sections=SECTIONS, n_scored=2, weights=(1.0, 1.0, 0.5))


def test_figures_pass_and_pieces_become_scores(rows):
    X, y = rows

    out = scores().fit(X, y).transform(X)

    assert out.shape == (600, 1 + 3 * 2 + 2)
    assert out.dtype == np.float32
    assert np.array_equal(out[:, 0], X[:, 0])
    assert np.corrcoef(out[:, 1], y)[0, 1] > 0.5


def test_a_group_that_tells_the_class_does_not_leak_into_its_own_score(rows):
    X, _ = rows
    rng = np.random.default_rng(1)
    y_of_group = rng.integers(0, 2, 90).astype(np.int8)
    y = y_of_group[X[:, 1].astype(int)]
    X[:, 2:] = 0
    X[:, 2] = X[:, 1].astype(int) % 63 + 1
    X[:, 1] = X[:, 2]
    y = y_of_group[X[:, 1].astype(int)]

    cross_fitted = scores().fit_transform(X, y)[:, 1]
    fitted = scores().fit(X, y).transform(X)[:, 1]

    assert np.corrcoef(fitted, y)[0, 1] > 0.9
    assert np.abs(cross_fitted).max() == 0


def test_peers_become_odds_that_a_row_has_no_part_in(rows):
    X, y = rows
    X = np.column_stack([X, X[:, 1] % 60 + 1, 61 + y]).astype(np.float32)
    model = CrossFitScores(1, SECTIONS, 2, (1.0, 1.0, 0.5), categories=(14, 16, 64))
    cross_fitted = model.fit_transform(X, y)[:, 1:3]
    fitted = model.transform(X)

    assert fitted.shape == (600, 1 + 2 + 3 * 2 + 2)
    assert (cross_fitted[y == 1, 1] > 1).all() and (cross_fitted[y == 0, 1] < -1).all()
    assert (fitted[:, 1] != cross_fitted[:, 0]).any()
    alone = X[:, 1] < 60  # the one group that has this number, when 60 and above are let off
    lonely = alone & ~np.isin(X[:, 14], X[~alone, 14])
    assert (cross_fitted[lonely, 0] == 0).all()
    assert np.array_equal(np.delete(fitted, [1, 2], axis=1), scores().fit(X, y).transform(X))


def test_the_order_of_pieces_and_of_rows_changes_no_bit(rows):
    X, y = rows
    fitted = scores().fit(X, y)
    turned = X.copy()
    turned[:, 2:8] = X[:, 7:1:-1]

    assert np.array_equal(fitted.transform(X), fitted.transform(turned))
    assert np.array_equal(fitted.transform(X)[:1], fitted.transform(X[:1]))


def test_a_row_without_pieces_scores_zero(rows):
    X, y = rows
    empty = np.zeros((1, 14), np.float32)

    assert (scores().fit(X, y).transform(empty) == 0).all()


def test_a_piece_never_met_is_counted_as_new(rows):
    X, y = rows
    X[:, 2:8] = np.minimum(X[:, 2:8], 40)
    fitted = scores().fit(X, y)

    assert fitted.tables_[0][50, UNSEEN] == GRIDS[UNSEEN]
    assert fitted.tables_[0][5, UNSEEN] == 0


def test_a_section_without_scores_serves_the_fine_score_alone(rows):
    X, y = rows
    other = X.copy()
    other[:, 12] = 3 - X[:, 12]
    fitted = scores().fit(X, y)
    was, now = fitted.transform(X), fitted.transform(other)

    assert fitted.tables_[2].shape == (16, 1)
    assert np.array_equal(was[:, :-1], now[:, :-1])
    assert ((now > was)[:, -1] == (y == 0)).all()


def test_odds_that_nobody_asks_for_are_not_passed_on(rows):
    X, y = rows
    some = CrossFitScores(
        1, SECTIONS, n_scored=2, weights=(1.0, 1.0, 0.5), bayes_sections=(1,)
    ).fit(X, y)
    every = scores().fit(X, y)

    assert some.n_scores == every.n_scores - 2
    assert np.array_equal(some.transform(X), np.delete(every.transform(X), [4, 5], axis=1))


def test_a_section_of_weight_zero_says_nothing(rows):
    X, y = rows
    fitted = CrossFitScores(1, SECTIONS, n_scored=2, weights=(1.0, 1.0, 0.0)).fit(X, y)

    assert not fitted.tables_[2].any()
    assert fitted.tables_[0][:, STANDALONE].any()


def test_the_same_rows_give_the_same_tables(rows):
    X, y = rows
    first, second = scores().fit(X, y), clone(scores()).fit(X, y)

    for one, other in zip(first.tables_, second.tables_, strict=True):
        assert np.array_equal(one, other)
