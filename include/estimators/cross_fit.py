"""Linear scores of numbered pieces, which a later step may learn from without being misled."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GroupKFold
from sklearn.utils.validation import check_is_fitted

GRID = 256.0
"""Weights are whole numbers of 1 / GRID up to MAX_WEIGHT: any order of float32 sums is exact."""
MAX_WEIGHT = 64.0
OWN, JOINT, BAYES, NEW = range(4)
"""Columns of a table: weights of two linear models and of naive Bayes, and 1 for a new piece."""
_EPOCHS, _STEP = 8, 2.0

Rows = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int8]
Table = npt.NDArray[np.int16]


class CrossFitScores(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Replaces numbered pieces by scores of linear models, cross-fitted on training rows.

    `fit_transform` scores each row by models fitted without its fold, much as
    ``sklearn.preprocessing.TargetEncoder`` does: a score by a model that saw the row would look far
    better than it is. `transform` uses the models fitted on all rows.

    Parameters
    ----------
    n_figures : int
        The first columns, passed on as they are. The column behind them holds each row's group:
        rows of one group are in one fold, and it is not passed on.
    sections : sequence of (int, int, int)
        First column of each kind of piece, the one behind its last, and what its numbers are
        below; 0 is no piece.
    alpha : float
        L2 penalty of the linear models.
    n_folds : int
        Of the cross-fitting.
    seed : int
        Shuffles rows and folds.

    Attributes
    ----------
    tables_ : list of ndarray of shape (n_numbers, 4), int16
        Each section's weights times `GRID`, in the columns `OWN`, `JOINT`, `BAYES`, `NEW`.
    """

    def __init__(
        self,
        n_figures: int,
        sections: Sequence[tuple[int, int, int]],
        alpha: float = 1e-6,
        n_folds: int = 4,
        seed: int = 0,
    ) -> None:
        self.n_figures = n_figures
        self.sections = sections
        self.alpha = alpha
        self.n_folds = n_folds
        self.seed = seed

    def fit(self, X: Rows, y: Labels) -> Self:
        """Return self, its models fitted on all rows.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns), float32
        y : ndarray of shape (n_rows,)
            0 or 1.
        """
        self.tables_ = self._tables(self._pieces(X), y)
        return self

    def fit_transform(self, X: Rows, y: Labels) -> Rows:
        """Return figures and cross-fitted scores of the rows that self is now fitted on.

        Parameters
        ----------
        X, y
            As for `fit`.
        """
        pieces = self._pieces(X)
        scores = np.empty((len(X), 3 * len(self.sections) + 1), np.float32)
        folds = GroupKFold(self.n_folds, shuffle=True, random_state=self.seed)
        for fitted_on, held_out in folds.split(X, y, X[:, self.n_figures]):
            tables = self._tables([part[fitted_on] for part in pieces], y[fitted_on])
            scores[held_out] = _scores([part[held_out] for part in pieces], tables)
        self.tables_ = self._tables(pieces, y)
        return np.concatenate([X[:, : self.n_figures], scores], axis=1)

    def transform(self, X: Rows) -> Rows:
        """Return an array of shape (n_rows, n_figures + 3 * n_sections + 1), float32.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns), float32
        """
        check_is_fitted(self)
        scores = _scores(self._pieces(X), self.tables_)
        return np.concatenate([X[:, : self.n_figures], scores], axis=1)

    def _pieces(self, X: Rows) -> list[csr_matrix]:
        return [_counted(X[:, first:stop], below) for first, stop, below in self.sections]

    def _tables(self, pieces: list[csr_matrix], y: Labels) -> list[Table]:
        joint = hstack(pieces, format="csr")
        ends = np.cumsum([part.shape[1] for part in pieces])[:-1]
        joint_weights = np.split(self._linear(joint, y), ends)
        tables = []
        for part, in_joint in zip(pieces, joint_weights, strict=True):
            bayes, new = _naive_bayes(part, y)
            table = np.column_stack([self._linear(part, y), in_joint, bayes, new])
            table[0] = 0
            tables.append(np.round(table.clip(-MAX_WEIGHT, MAX_WEIGHT) * GRID).astype(np.int16))
        return tables

    def _linear(self, part: csr_matrix, y: Labels) -> npt.NDArray[np.float64]:
        """Fit a logistic regression without intercept by averaged gradient steps."""
        lengths = np.diff(part.indptr)
        scaled = csr_matrix(
            (part.data * np.repeat(_scales(part), lengths), part.indices, part.indptr), part.shape
        )
        model = SGDClassifier(
            loss="log_loss",
            alpha=self.alpha,
            fit_intercept=False,
            max_iter=_EPOCHS,
            tol=None,
            average=True,
            learning_rate="constant",
            eta0=_STEP,
            random_state=self.seed,
        )
        weights: npt.NDArray[np.float64] = model.fit(scaled, y).coef_[0]
        return weights


def scales(n_most: int) -> Rows:
    """Return 1 / sqrt(n) for n pieces from 0 (which gives 1) to `n_most`, float32."""
    inverse: Rows = (1 / np.sqrt(np.maximum(np.arange(n_most + 1), 1))).astype(np.float32)
    return inverse


def _counted(numbers: Rows, n_numbers: int) -> csr_matrix:
    """Return how often each number stands in each row, shape (n_rows, n_numbers)."""
    held = numbers > 0
    ends = np.concatenate([[0], held.sum(axis=1).cumsum()])
    found = numbers[held].astype(np.int32)
    counts = csr_matrix((np.ones(len(found), np.float32), found, ends), (len(numbers), n_numbers))
    counts.sum_duplicates()
    return counts


def _scales(part: csr_matrix) -> Rows:
    sizes = np.add.reduceat(np.append(part.data, 0), part.indptr[:-1]) * (np.diff(part.indptr) > 0)
    inverse: Rows = scales(int(sizes.max(initial=0)))[sizes.astype(np.int64)]
    return inverse


def _naive_bayes(
    part: csr_matrix, y: Labels
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return each number's log-odds of class 1, and whether no row holds it."""
    ones = np.asarray(part[y == 1].sum(axis=0), np.float64).ravel()
    zeros = np.asarray(part[y == 0].sum(axis=0), np.float64).ravel()
    n_ones = int((y == 1).sum())
    odds = np.log((ones + 0.5) / n_ones) - np.log((zeros + 0.5) / (len(y) - n_ones))
    return odds, ones + zeros == 0


def _scores(pieces: list[csr_matrix], tables: list[Table]) -> Rows:
    sums = [
        part @ table.astype(np.float32) / np.float32(GRID)
        for part, table in zip(pieces, tables, strict=True)
    ]
    own = [total[:, OWN] * _scales(part) for part, total in zip(pieces, sums, strict=True)]
    joint = np.sum([total[:, JOINT] for total in sums], axis=0, dtype=np.float32)
    plain = [total[:, [BAYES, NEW]] for total in sums]
    whole = joint * _scales(hstack(pieces, format="csr"))
    scores: Rows = np.column_stack([*own, whole, *plain]).astype(np.float32)
    return scores
