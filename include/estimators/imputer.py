"""Impute missing values from the nearest complete rows, reproducibly in ONNX."""

from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from include.estimators.neighbors import nearest

_BATCH_ROWS = 2048


class TiedKNNImputer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Fill a missing value with the mean of the nearest complete rows, ties included.

    As ``sklearn.impute.KNNImputer``, but every row as near as the k-th counts (there the order of
    the rows decides, and its ONNX form decides otherwise), and only complete rows are asked.

    Parameters
    ----------
    n_neighbors : int
        k: at least so many rows are averaged (all complete rows, if there are fewer).

    Attributes
    ----------
    rows_ : ndarray of shape (n_complete_rows, n_inputs)
        The rows that are asked.
    """

    def __init__(self, n_neighbors: int = 5) -> None:
        self.n_neighbors = n_neighbors

    def fit(self, X: npt.ArrayLike, y: object = None) -> Self:
        """Store the complete rows and return self.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_inputs)
            NaN = missing; inputs on one scale.
        y : object
            Ignored.

        Raises
        ------
        ValueError
            If no row is complete.
        """
        rows = validate_data(self, X, dtype=(np.float64, np.float32), ensure_all_finite="allow-nan")
        self.rows_ = rows[~np.isnan(rows).any(axis=1)]
        if len(self.rows_) == 0:
            raise ValueError(f"none of the {len(rows)} rows is complete")
        return self

    def transform(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return X with every missing value filled, an ndarray of shape (n_rows, n_inputs).

        Parameters
        ----------
        X : array-like of shape (n_rows, n_inputs)
            NaN = missing.
        """
        check_is_fitted(self)
        filled: npt.NDArray[np.float64] = validate_data(
            self,
            X,
            dtype=(np.float64, np.float32),
            ensure_all_finite="allow-nan",
            reset=False,
            copy=True,
        )
        incomplete = np.flatnonzero(np.isnan(filled).any(axis=1))
        for start in range(0, len(incomplete), _BATCH_ROWS):
            batch = incomplete[start : start + _BATCH_ROWS]
            rows = filled[batch]
            filled[batch] = np.where(np.isnan(rows), self._means(rows), rows)
        return filled

    def _means(self, asked: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Average the nearest rows; the distance is over the values that are not missing."""
        present = ~np.isnan(asked)
        values = np.where(present, asked, 0)
        distances = present @ np.square(self.rows_).T - 2 * values @ self.rows_.T
        near = nearest(distances, self.n_neighbors)
        means: npt.NDArray[np.float64] = near @ self.rows_ / near.sum(axis=1, keepdims=True)
        return means

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
