"""Cross-fitted linear scores of tokens and target encodings of categories, for a later model."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GroupKFold
from sklearn.utils.validation import check_is_fitted

from include.estimators.target_encoding import ODDS_GRID, target_log_odds

PER_SECTION, JOINT, BAYES, UNSEEN, STANDALONE = range(5)
"""Columns of a table: weights of the linear model of one section, of the one of all scored
sections, of naive Bayes; 1 for a token absent from the training rows; weights of the linear model
that is added to the log-odds of the final classifier."""
GRIDS = (16.0, 16.0, 8.0, 1.0, 8.0)
"""Weights are integers below 128 divided by these, so that float32 sums are exact in any order."""
_EPOCHS = 8

Rows = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int8]
Weights = npt.NDArray[np.float64]
Table = npt.NDArray[np.int8]
Numbers = npt.NDArray[np.int32]


class CrossFitScores(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Replace token ids by scores of linear models, and category ids by target encodings.

    `fit_transform` scores each row by models fitted without its fold, as
    ``sklearn.preprocessing.TargetEncoder`` does: scores by a model that was trained on the row
    would leak its label. `transform` uses the models fitted on all rows.

    Parameters
    ----------
    n_passthrough : int
        The first columns, copied to the output. The column after them holds each row's group:
        rows of one group are in one fold, and it is not copied.
    sections : sequence of (int, int, int)
        For each kind of token: its first column, the column after its last, and the exclusive
        upper bound of its ids; id 0 means no token.
    n_scored : int
        The first `n_scored` sections have scores of their own; the others are inputs of the
        standalone model only.
    weights : sequence of float
        Weight of each section in the standalone model.
    bayes_sections : sequence of int, optional
        Indices of the scored sections whose naive Bayes score and number of unseen tokens are
        part of the output; default all.
    alpha, standalone_alpha : float
        L2 penalty of the linear models, and of the standalone one.
    n_folds : int
        Number of cross-fitting folds.
    seed : int
        Shuffles rows and folds.
    categories : (int, int, int), optional
        First column of the categories, the column after the last, and the exclusive upper bound
        of their ids. Each id is replaced by the smoothed log-odds of class 1 among the groups that
        contain it.

    Attributes
    ----------
    tables_ : list of ndarray of shape (n_ids, 5), int8
        Each section's weights times `GRIDS`, in the columns `PER_SECTION`, `JOINT`, `BAYES`,
        `UNSEEN`, `STANDALONE`; only `STANDALONE`, as one column, for a section that is not scored.
    category_log_odds_ : ndarray of shape (n_category_ids,), int8
        Log-odds of each category id times `ODDS_GRID`.
    """

    def __init__(
        self,
        n_passthrough: int,
        sections: Sequence[tuple[int, int, int]],
        n_scored: int,
        weights: Sequence[float],
        bayes_sections: Sequence[int] | None = None,
        alpha: float = 1e-6,
        standalone_alpha: float = 1e-7,
        n_folds: int = 4,
        seed: int = 0,
        categories: tuple[int, int, int] | None = None,
    ) -> None:
        self.n_passthrough = n_passthrough
        self.sections = sections
        self.n_scored = n_scored
        self.weights = weights
        self.bayes_sections = bayes_sections
        self.alpha = alpha
        self.standalone_alpha = standalone_alpha
        self.n_folds = n_folds
        self.seed = seed
        self.categories = categories

    def fit(self, X: Rows, y: Labels) -> Self:
        """Fit the models on all rows and return self.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns), float32
        y : ndarray of shape (n_rows,)
            0 or 1.
        """
        self.tables_ = self._tables(self._tokens(X), y)
        self.category_log_odds_ = self._odds(self._categories(X), X[:, self.n_passthrough], y)
        return self

    def fit_transform(self, X: Rows, y: Labels) -> Rows:
        """Fit on all rows, and return passed-through columns and cross-fitted scores of these rows.

        Parameters
        ----------
        X, y
            As for `fit`.
        """
        tokens, categories, groups = self._tokens(X), self._categories(X), X[:, self.n_passthrough]
        scores = np.empty((len(X), self.n_scores), np.float32)
        folds = GroupKFold(self.n_folds, shuffle=True, random_state=self.seed)
        for fitted_on, held_out in folds.split(X, y, groups):
            tables = self._tables([part[fitted_on] for part in tokens], y[fitted_on])
            odds = self._odds(categories[fitted_on], groups[fitted_on], y[fitted_on])
            held = [part[held_out] for part in tokens]
            scores[held_out] = self._scores(held, tables, categories[held_out], odds)
        self.tables_ = self._tables(tokens, y)
        self.category_log_odds_ = self._odds(categories, groups, y)
        return np.concatenate([X[:, : self.n_passthrough], scores], axis=1)

    def transform(self, X: Rows) -> Rows:
        """Return an array of shape (n_rows, n_passthrough + n_scores), float32.

        Columns: the passed-through ones, the log-odds of the categories, the score of each scored
        section, the joint score, naive Bayes score and number of unseen tokens of each of
        `bayes_sections`, and the standalone score.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns), float32
        """
        check_is_fitted(self)
        scores = self._scores(
            self._tokens(X), self.tables_, self._categories(X), self.category_log_odds_
        )
        return np.concatenate([X[:, : self.n_passthrough], scores], axis=1)

    @property
    def bayes_places(self) -> tuple[int, ...]:
        """Indices of the sections whose naive Bayes score and unseen tokens are in the output."""
        return (
            tuple(range(self.n_scored))
            if self.bayes_sections is None
            else tuple(self.bayes_sections)
        )

    @property
    def n_scores(self) -> int:
        """Number of output columns after the passed-through ones."""
        return self.n_categories + self.n_scored + 2 * len(self.bayes_places) + 2

    @property
    def n_categories(self) -> int:
        """Number of categories of a row."""
        return 0 if self.categories is None else self.categories[1] - self.categories[0]

    def _scores(
        self, tokens: list[csr_matrix], tables: list[Table], categories: Numbers, odds: Table
    ) -> Rows:
        of_categories = odds[categories] / np.float32(ODDS_GRID)
        return np.concatenate([of_categories, _scores(tokens, tables, self.bayes_places)], axis=1)

    def _categories(self, X: Rows) -> Numbers:
        first, stop, _ = self.categories or (0, 0, 0)
        return X[:, first:stop].astype(np.int32)

    def _odds(self, categories: Numbers, groups: Rows, y: Labels) -> Table:
        if self.categories is None:
            return np.zeros(0, np.int8)
        return target_log_odds(categories, groups, y, self.categories[2])

    def _tokens(self, X: Rows) -> list[csr_matrix]:
        return [_counted(X[:, first:stop], below) for first, stop, below in self.sections]

    def _tables(self, tokens: list[csr_matrix], y: Labels) -> list[Table]:
        scored, scaled = tokens[: self.n_scored], [_scaled(part) for part in tokens]
        per_section = [self._linear(part, y, self.alpha, 2.0) for part in scaled[: self.n_scored]]
        joint = _split(
            self._linear(_scaled(hstack(scored, format="csr")), y, self.alpha, 2.0), scored
        )
        bayes = [_naive_bayes(part, y) for part in scored]
        weighted = [
            part * np.float32(weight) for part, weight in zip(scaled, self.weights, strict=True)
        ]
        standalone = _split(
            self._linear(hstack(weighted, format="csr"), y, self.standalone_alpha, 4.0), tokens
        )
        standalone = [each * weight for each, weight in zip(standalone, self.weights, strict=True)]
        columns = zip(
            per_section, joint, *zip(*bayes, strict=True), standalone[: self.n_scored], strict=True
        )
        return [
            *(_table(*each) for each in columns),
            *(_table(each) for each in standalone[self.n_scored :]),
        ]

    def _linear(self, scaled: csr_matrix, y: Labels, alpha: float, step: float) -> Weights:
        """Fit a logistic regression without intercept by averaged SGD."""
        model = SGDClassifier(
            loss="log_loss",
            alpha=alpha,
            fit_intercept=False,
            max_iter=_EPOCHS,
            tol=None,
            average=True,
            learning_rate="constant",
            eta0=step,
            random_state=self.seed,
        )
        weights: Weights = model.fit(scaled, y).coef_[0]
        return weights


def scales(n_most: int) -> Rows:
    """Return 1 / sqrt(n) for n tokens from 0 (which gives 1) to `n_most`, float32."""
    inverse: Rows = (1 / np.sqrt(np.maximum(np.arange(n_most + 1), 1))).astype(np.float32)
    return inverse


def _counted(numbers: Rows, n_numbers: int) -> csr_matrix:
    """Return the count of each id in each row, shape (n_rows, n_numbers)."""
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


def _scaled(part: csr_matrix) -> csr_matrix:
    """Return counts divided by the square root of their row's total."""
    data = part.data * np.repeat(_scales(part), np.diff(part.indptr))
    return csr_matrix((data, part.indices, part.indptr), part.shape)


def _naive_bayes(part: csr_matrix, y: Labels) -> tuple[Weights, npt.NDArray[np.bool_]]:
    """Return each id's log-odds of class 1, and whether no row contains it."""
    ones = np.asarray(part[y == 1].sum(axis=0), np.float64).ravel()
    zeros = np.asarray(part[y == 0].sum(axis=0), np.float64).ravel()
    n_ones = int((y == 1).sum())
    odds = np.log((ones + 0.5) / n_ones) - np.log((zeros + 0.5) / (len(y) - n_ones))
    return odds, ones + zeros == 0


def _split(weights: Weights, parts: list[csr_matrix]) -> list[Weights]:
    """Split a joint weight vector into one vector per section."""
    return np.split(weights, np.cumsum([part.shape[1] for part in parts])[:-1])


def _table(*columns: Weights | npt.NDArray[np.bool_]) -> Table:
    table: Weights = np.column_stack(columns) * np.array(GRIDS[-len(columns) :])
    table[0] = 0
    rounded: Table = np.round(table.clip(-127, 127)).astype(np.int8)
    return rounded


def _scores(tokens: list[csr_matrix], tables: list[Table], bayes_sections: Sequence[int]) -> Rows:
    sums = [
        part @ table.astype(np.float32) / np.array(GRIDS[-table.shape[1] :], np.float32)
        for part, table in zip(tokens, tables, strict=True)
    ]
    scored = [total for total in sums if total.shape[1] > 1]
    scale = [_scales(part) for part in tokens]
    per_section = [total[:, PER_SECTION] * each for total, each in zip(scored, scale, strict=False)]
    joint = sum(total[:, JOINT] for total in scored)
    joint = joint * _scales(hstack(tokens[: len(scored)], format="csr"))
    plain = [scored[place][:, [BAYES, UNSEEN]] for place in bayes_sections]
    standalone = sum(total[:, -1] * each for total, each in zip(sums, scale, strict=True))
    scores: Rows = np.column_stack([*per_section, joint, *plain, standalone]).astype(np.float32)
    return scores
