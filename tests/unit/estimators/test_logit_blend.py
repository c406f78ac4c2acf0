"""The sum of two log-odds: the last column is added, and not shown to the estimator."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.tree import DecisionTreeClassifier

from include.estimators.logit_blend import LogitBlendClassifier


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3)).astype(np.float32)
    return X, (X[:, 0] + rng.normal(size=300) > 0).astype(np.int8)


def logit_blend(weight=0.5):
    return LogitBlendClassifier(DecisionTreeClassifier(max_depth=2, random_state=0), weight)


def test_the_last_column_is_added_to_the_log_odds(rows):
    X, y = rows
    alone = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X[:, :2], y)

    found = logit_blend().fit(X, y).predict_proba(X)[:, 1]

    np.testing.assert_allclose(
        found, expit(logit(alone.predict_proba(X[:, :2])[:, 1]) + 0.5 * X[:, 2]), atol=1e-6
    )


def test_weight_zero_leaves_the_estimator_as_it_is(rows):
    X, y = rows
    model = logit_blend(0.0).fit(X, y)

    np.testing.assert_allclose(
        model.predict_proba(X), model.estimator_.predict_proba(X[:, :2]), atol=1e-6
    )


def test_a_leaf_that_is_sure_can_still_be_moved():
    X = np.float32([[0, 0], [0, 3], [1, 0], [1, -3]] * 20)
    model = logit_blend().fit(X, (X[:, 0] > 0).astype(np.int8))

    no, more, yes, less = model.predict_proba(X[:4])[:, 1]

    assert 0 < no < more < 0.5 < less < yes < 1


def test_labels_follow_the_probabilities(rows):
    X, y = rows
    model = clone(logit_blend()).fit(X, y)

    assert (model.predict(X) == (model.predict_proba(X)[:, 1] > 0.5)).all()


def test_an_unfitted_model_has_no_probabilities(rows):
    with pytest.raises(NotFittedError):
        logit_blend().predict_proba(rows[0])
