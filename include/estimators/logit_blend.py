"""A classifier whose log-odds are blended with those of a linear score."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

from include.estimators.calibrated import PROBABILITY_FLOOR


class LogitBlendClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fit a binary classifier on all columns but the last, and add the last to its log-odds.

    The last column is the log-odds score of a simpler model with other errors: the weighted sum
    ranks better than either.

    Parameters
    ----------
    estimator : classifier
        Unfitted; fitted without the last column.
    weight : float
        Weight of the last column in the sum.

    Attributes
    ----------
    estimator_ : classifier
        The fitted estimator.
    classes_ : ndarray of shape (2,)
        Class labels, the positive one last.
    """

    def __init__(self, estimator: BaseEstimator, weight: float = 0.5) -> None:
        self.estimator = estimator
        self.weight = weight

    def fit(self, X: npt.NDArray[np.float32], y: npt.NDArray[np.int8], **fit_params: Any) -> Self:
        """Fit the estimator and return self.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns)
        y : ndarray of shape (n_rows,)
            Two classes.
        **fit_params
            For the estimator, such as ``sample_weight``.
        """
        self.estimator_ = clone(self.estimator).fit(X[:, :-1], y, **fit_params)
        self.classes_ = self.estimator_.classes_
        return self

    def predict_proba(self, X: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return P of both classes, an ndarray of shape (n_rows, 2).

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns)
        """
        check_is_fitted(self)
        plain = self.estimator_.predict_proba(X[:, :-1])[:, 1]
        log_odds = logit(plain.clip(PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR))
        positive = expit(log_odds + self.weight * X[:, -1])
        return np.column_stack([1 - positive, positive])

    def predict(self, X: npt.NDArray[np.float32]) -> npt.NDArray[np.int8]:
        """Return the likelier class of each row, an ndarray of shape (n_rows,).

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns)
        """
        likelier: npt.NDArray[np.int8] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return likelier
