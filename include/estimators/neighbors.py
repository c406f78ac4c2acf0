"""Nearest neighbours whose vote does not depend on row order."""

from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils import gen_batches
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

TIE_TOLERANCE = 1e-3
"""Squared distances this close are equal: wider than float32 rounding, far below one step."""

_BATCH_ROWS = 2048


class TiedNeighborsClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Vote of all rows at most as far away as the k-th nearest neighbour.

    Inputs of few values tie by the dozen at the k-th place, and ``KNeighborsClassifier`` lets
    whichever it meets first vote; its ONNX form meets others. Here all of them vote.

    Parameters
    ----------
    n_neighbors : int
        k: at least so many rows vote (all rows, if there are fewer).

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    rows_ : ndarray of shape (n_rows, n_inputs)
        The rows that vote.
    votes_ : ndarray of shape (n_rows, n_classes)
        1 at each row's class.
    """

    def __init__(self, n_neighbors: int = 15) -> None:
        self.n_neighbors = n_neighbors

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Store the rows and return self.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_inputs)
            Without missing values, on one scale.
        y : array-like of shape (n_rows,)
            Labels.
        """
        rows, labels = validate_data(self, X, y, dtype=(np.float64, np.float32))
        check_classification_targets(labels)
        self.rows_ = rows
        self.classes_, codes = np.unique(labels, return_inverse=True)
        self.votes_ = np.eye(len(self.classes_))[codes]
        return self

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the share of the votes of each class, an ndarray of shape (n_rows, n_classes).

        Parameters
        ----------
        X : array-like of shape (n_rows, n_inputs)
            Rows to score.
        """
        check_is_fitted(self)
        asked = validate_data(self, X, dtype=(np.float64, np.float32), reset=False)
        shares = [self._shares(asked[batch]) for batch in gen_batches(len(asked), _BATCH_ROWS)]
        return np.concatenate(shares)

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[np.generic]:
        """Return the class of most votes, an ndarray of shape (n_rows,).

        Parameters
        ----------
        X : array-like of shape (n_rows, n_inputs)
            Rows to score.
        """
        most: npt.NDArray[np.intp] = self.predict_proba(X).argmax(axis=1)
        labels: npt.NDArray[np.generic] = self.classes_[most]
        return labels

    def _shares(self, asked: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        distances = euclidean_distances(asked, self.rows_, squared=True)
        votes = nearest(distances, self.n_neighbors) @ self.votes_
        shares: npt.NDArray[np.float64] = votes / votes.sum(axis=1, keepdims=True)
        return shares


def nearest(distances: npt.NDArray[np.float64], n_neighbors: int) -> npt.NDArray[np.bool_]:
    """Return the rows at most as far away as the k-th nearest.

    Parameters
    ----------
    distances : ndarray of shape (n_asked, n_rows)
        Squared distances, up to a constant per asked row.
    n_neighbors : int
        k; all rows are near if there are fewer.

    Returns
    -------
    ndarray of shape (n_asked, n_rows), bool
    """
    k = min(n_neighbors, distances.shape[1])
    furthest = np.partition(distances, k - 1, axis=1)[:, [k - 1]]
    near: npt.NDArray[np.bool_] = distances <= furthest + TIE_TOLERANCE
    return near
