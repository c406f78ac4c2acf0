"""Platt scaling of a fitted classifier."""

from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

PROBABILITY_FLOOR = 1e-5
"""Probabilities are kept this far from 0 and 1: float32 cannot tell 1 - p apart much closer."""


class SigmoidCalibratedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A binary classifier followed by a sigmoid of its log-odds.

    ``P(phishing) = sigmoid(slope * logit(p) + intercept)``: Platt scaling (Platt 1999) applied to
    log-odds, so that slope 1 and intercept 0 change nothing; monotone when the slope is positive.

    Parameters
    ----------
    estimator : classifier
        Gives ``p``. Wrap a fitted one in ``sklearn.frozen.FrozenEstimator`` to calibrate it on
        rows it was not trained on; an unfitted one is cloned and fitted on the rows given to `fit`.

    Attributes
    ----------
    estimator_ : classifier
        The fitted estimator.
    classes_ : ndarray of shape (2,)
        Class labels, the positive one last.
    slope_, intercept_ : float
        The sigmoid.
    """

    def __init__(self, estimator: BaseEstimator) -> None:
        self.estimator = estimator

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Fit the sigmoid by maximum likelihood and return self.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_inputs)
            The calibration side.
        y : array-like of shape (n_rows,)
            Its labels, of both classes.
        """
        self.estimator_ = clone(self.estimator).fit(X, y)
        self.classes_ = self.estimator_.classes_
        log_odds = _log_odds(self.estimator_.predict_proba(X)[:, 1])
        sigmoid = LogisticRegression(C=np.inf).fit(log_odds, y)
        self.slope_ = float(sigmoid.coef_[0, 0])
        self.intercept_ = float(sigmoid.intercept_[0])
        return self

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return P of both classes, an ndarray of shape (n_rows, 2).

        Parameters
        ----------
        X : array-like of shape (n_rows, n_inputs)
            Rows to score.
        """
        check_is_fitted(self)
        positive = self.sigmoid(self.estimator_.predict_proba(X)[:, 1])
        return np.column_stack([1 - positive, positive])

    def sigmoid(self, positive: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the calibrated form of an estimator's P(positive), shape (n_rows,)."""
        calibrated: npt.NDArray[np.float64] = expit(
            self.slope_ * _log_odds(positive)[:, 0] + self.intercept_
        )
        return calibrated

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[np.int8]:
        """Return the likelier class of each row, an ndarray of shape (n_rows,).

        Parameters
        ----------
        X : array-like of shape (n_rows, n_inputs)
            Rows to score.
        """
        likelier: npt.NDArray[np.int8] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return likelier


def _log_odds(positive: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    clipped = np.clip(positive, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    log_odds: npt.NDArray[np.float64] = logit(clipped).reshape(-1, 1)
    return log_odds
