import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from include.estimators.neighbors import TiedNeighborsClassifier


@parametrize_with_checks([TiedNeighborsClassifier(3)])
def test_it_is_a_scikit_learn_classifier(estimator, check):
    check(estimator)


def test_without_ties_it_is_the_usual_vote():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(300, 4)) * 10, random.integers(0, 3, 300)
    asked = random.normal(size=(50, 4)) * 10

    tied = TiedNeighborsClassifier(5).fit(X, y).predict_proba(asked)

    np.testing.assert_allclose(tied, KNeighborsClassifier(5).fit(X, y).predict_proba(asked))


def test_every_row_as_near_as_the_last_one_votes():
    X = [[0.0], [1.0], [-1.0], [1.0], [5.0]]

    model = TiedNeighborsClassifier(2).fit(X, [0, 1, 1, 0, 1])

    assert model.predict_proba([[0.0]]) == pytest.approx(np.array([[0.5, 0.5]]))


def test_the_order_of_the_rows_does_not_matter():
    random = np.random.default_rng(0)
    X, y = random.integers(-1, 2, (200, 5)).astype(float), random.integers(0, 2, 200)
    asked = random.integers(-1, 2, (60, 5)).astype(float)
    order = random.permutation(200)

    one = TiedNeighborsClassifier(7).fit(X, y).predict_proba(asked)
    other = TiedNeighborsClassifier(7).fit(X[order], y[order]).predict_proba(asked)

    np.testing.assert_allclose(one, other)


def test_fewer_rows_than_neighbours_all_vote():
    assert TiedNeighborsClassifier(9).fit([[0.0], [1.0]], [0, 1]).predict_proba(
        [[0.0]]
    ).tolist() == [[0.5, 0.5]]
