import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from include.estimators.calibrated import SigmoidCalibratedClassifier


class Stated(LogisticRegression):
    """A classifier that states its input as the probability."""

    def predict_proba(self, X):
        return np.column_stack([1 - X[:, 0], X[:, 0]])


@pytest.fixture
def stated():
    return FrozenEstimator(Stated().fit([[0.0], [1.0]], [0, 1]))


def test_probabilities_that_were_too_sure_come_back_to_what_was_observed(stated):
    random = np.random.default_rng(0)
    true = random.uniform(0.05, 0.95, 20_000)
    y = (random.random(20_000) < true).astype(int)
    odds = true / (1 - true)
    too_sure = (odds**3 / (1 + odds**3)).reshape(-1, 1)

    model = SigmoidCalibratedClassifier(stated).fit(too_sure, y)

    assert model.slope_ == pytest.approx(1 / 3, abs=0.02)
    np.testing.assert_allclose(model.predict_proba(too_sure)[:, 1], true, atol=0.02)


def test_zero_and_one_stay_within_the_probabilities(stated):
    X, y = np.array([[0.0], [0.1], [0.9], [1.0], [0.0], [1.0]]), [0, 1, 0, 1, 0, 1]

    found = SigmoidCalibratedClassifier(stated).fit(X, y).predict_proba(X)

    assert ((found > 0) & (found < 1)).all()
    assert found.sum(axis=1) == pytest.approx(np.ones(6))


def test_labels_follow_the_probabilities(stated):
    X, y = np.array([[0.1], [0.4], [0.6], [0.9], [0.45]]), [0, 0, 1, 1, 1]
    model = SigmoidCalibratedClassifier(stated).fit(X, y)

    assert (model.predict(X) == (model.predict_proba(X)[:, 1] > 0.5)).all()


def test_an_unfitted_model_has_no_probabilities(stated):
    with pytest.raises(NotFittedError):
        SigmoidCalibratedClassifier(stated).predict_proba([[0.5]])
