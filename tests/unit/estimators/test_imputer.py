import numpy as np
import pytest
from sklearn.impute import KNNImputer
from sklearn.utils.estimator_checks import parametrize_with_checks

from include.estimators.imputer import TiedKNNImputer

NAN = np.nan


@parametrize_with_checks([TiedKNNImputer(3)])
def test_it_is_a_scikit_learn_transformer(estimator, check):
    check(estimator)


def test_without_ties_and_with_complete_donors_it_is_the_usual_imputer():
    random = np.random.default_rng(0)
    complete, asked = random.normal(size=(200, 4)) * 1000, random.normal(size=(40, 4)) * 1000
    asked[random.random(asked.shape) < 0.3] = NAN
    asked = asked[~np.isnan(asked).all(axis=1)]

    filled = TiedKNNImputer(5).fit(complete).transform(asked)

    np.testing.assert_allclose(filled, KNNImputer(n_neighbors=5).fit(complete).transform(asked))


def test_every_row_as_near_as_the_last_one_is_averaged():
    donors = [[0.0, 1.0], [1.0, 5.0], [-1.0, 9.0], [7.0, 100.0]]

    filled = TiedKNNImputer(2).fit(donors).transform([[0.0, NAN]])

    assert filled.tolist() == [[0.0, 5.0]]


def test_a_row_without_any_value_becomes_the_mean_row():
    filled = TiedKNNImputer(1).fit([[0.0, 1.0], [2.0, 5.0]]).transform([[NAN, NAN]])

    assert filled.tolist() == [[1.0, 3.0]]


def test_incomplete_rows_are_not_asked():
    imputer = TiedKNNImputer(1).fit([[0.0, NAN], [1.0, 4.0]])

    assert imputer.transform([[0.0, NAN]]).tolist() == [[0.0, 4.0]]


def test_without_a_complete_row_nothing_can_be_learnt():
    with pytest.raises(ValueError, match="none of the 2 rows is complete"):
        TiedKNNImputer().fit([[NAN, 1.0], [1.0, NAN]])
