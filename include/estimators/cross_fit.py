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
from include.estimators.token_scores import (
    Labels,
    Numbers,
    Rows,
    Table,
    Weights,
    blocks_of,
    naive_bayes,
    scaled,
    scores,
    split,
    table,
    tokens_of,
)

EPOCHS = 8


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
            Or `PackedRows`.
        y : ndarray of shape (n_rows,)
            0 or 1.
        """
        self.tables_ = self._tables(tokens_of(X, self.sections), y)
        self.category_log_odds_ = self._odds(self.categories_of(X), X[:, self.n_passthrough], y)
        return self

    def fit_transform(self, X: Rows, y: Labels) -> Rows:
        """Fit on all rows, and return passed-through columns and cross-fitted scores of these rows.

        Parameters
        ----------
        X, y
            As for `fit`.
        """
        tokens, categories = tokens_of(X, self.sections), self.categories_of(X)
        groups = X[:, self.n_passthrough]
        found = np.empty((len(X), self.n_scores), np.float32)
        folds = GroupKFold(self.n_folds, shuffle=True, random_state=self.seed)
        for fitted_on, held_out in folds.split(X, y, groups):
            tables = self._tables([part[fitted_on] for part in tokens], y[fitted_on])
            odds = self._odds(categories[fitted_on], groups[fitted_on], y[fitted_on])
            held = [part[held_out] for part in tokens]
            found[held_out] = self._scores(held, tables, categories[held_out], odds)
        self.tables_ = self._tables(tokens, y)
        self.category_log_odds_ = self._odds(categories, groups, y)
        return np.concatenate([X[:, : self.n_passthrough], found], axis=1)

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
        return np.concatenate(
            [self.shown(block, self.tables_, self.category_log_odds_) for block in blocks_of(X)]
            or [np.empty((0, self.n_passthrough + self.n_scores), np.float32)]
        )

    def shown(self, rows: Rows, tables: list[Table], odds: Table) -> Rows:
        """Return what `transform` does, by these tables and odds of categories."""
        tokens = tokens_of(rows, self.sections)
        found = self._scores(tokens, tables, self.categories_of(rows), odds)
        return np.concatenate([rows[:, : self.n_passthrough], found], axis=1)

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
        return np.concatenate([of_categories, scores(tokens, tables, self.bayes_places)], axis=1)

    def categories_of(self, X: Rows) -> Numbers:
        """Return the category ids of rows."""
        first, stop, _ = self.categories or (0, 0, 0)
        return np.asarray(X[:, first:stop]).astype(np.int32)

    def _odds(self, categories: Numbers, groups: Rows, y: Labels) -> Table:
        if self.categories is None:
            return np.zeros(0, np.int8)
        return target_log_odds(categories, groups, y, self.categories[2])

    def _tables(self, tokens: list[csr_matrix], y: Labels) -> list[Table]:
        # One matrix after the other: they are the most of what a fit holds.
        fitted = [
            self.linear(place).fit(self.joined(place, tokens), y).coef_[0]
            for place in range(self.n_models)
        ]
        bayes = [naive_bayes(part, y) for part in tokens[: self.n_scored]]
        return self.tables_of(fitted, bayes)

    @property
    def n_models(self) -> int:
        """Number of linear models: of each scored section, of all of them, and the standalone."""
        return self.n_scored + 2

    def joined(self, place: int, tokens: list[csr_matrix]) -> csr_matrix:
        """Return the input of a linear model."""
        if place < self.n_scored:
            return scaled(tokens[place])
        if place == self.n_scored:
            return scaled(hstack(tokens[: self.n_scored], format="csr"))
        parts = zip(tokens, self.weights, strict=True)
        return hstack([scaled(part) * np.float32(weight) for part, weight in parts], format="csr")

    def linear(self, place: int) -> SGDClassifier:
        """Return an unfitted logistic regression without intercept, fitted by averaged SGD."""
        is_standalone = place > self.n_scored
        return SGDClassifier(
            loss="log_loss",
            alpha=self.standalone_alpha if is_standalone else self.alpha,
            fit_intercept=False,
            max_iter=EPOCHS,
            tol=None,
            average=True,
            learning_rate="constant",
            eta0=4.0 if is_standalone else 2.0,
            random_state=self.seed,
        )

    def tables_of(
        self, fitted: Sequence[Weights], bayes: Sequence[tuple[Weights, npt.NDArray[np.bool_]]]
    ) -> list[Table]:
        """Return the tables of each section.

        Parameters
        ----------
        fitted : sequence of ndarray
            The weights of each linear model.
        bayes : sequence of (ndarray, ndarray)
            What `naive_bayes` returned of each scored section.
        """
        n_ids = [below for _, _, below in self.sections]
        joint = split(fitted[self.n_scored], n_ids[: self.n_scored])
        alone = zip(split(fitted[-1], n_ids), self.weights, strict=True)
        standalone = [each * weight for each, weight in alone]
        columns = zip(
            *(fitted[: self.n_scored], joint, *zip(*bayes, strict=True)),
            standalone[: self.n_scored],
            strict=True,
        )
        return [
            *(table(*each) for each in columns),
            *(table(each) for each in standalone[self.n_scored :]),
        ]
