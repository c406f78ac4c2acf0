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

from include.estimators.target_encoding import ODDS_GRID, target_log_odds

OWN, WHOLE, BAYES, NEW, FINE = range(5)
"""Columns of a table: weights of a linear model of one kind of piece, of one of all scored kinds,
of naive Bayes; 1 for a piece never met; weights of the model that is to be right by itself."""
GRIDS = (16.0, 16.0, 8.0, 1.0, 8.0)
"""Weights are whole numbers below 128, divided by these: any order of float32 sums is exact."""
_EPOCHS = 8

Rows = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int8]
Weights = npt.NDArray[np.float64]
Table = npt.NDArray[np.int8]
Numbers = npt.NDArray[np.int32]


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
    n_scored : int
        The first sections have scores of their own; the others serve the fine model alone.
    weights : sequence of float
        How much each kind of piece counts in the fine model.
    odds_of : sequence of int, optional
        Places of the scored sections whose naive Bayes and new pieces are passed on; all, unless
        given.
    alpha, fine_alpha : float
        L2 penalty of the linear models, and of the fine one.
    n_folds : int
        Of the cross-fitting.
    seed : int
        Shuffles rows and folds.
    peers : (int, int, int), optional
        First column of the peers, the one behind the last, and what their numbers are below. Each
        is replaced by the odds of class 1 among the groups that hold it.

    Attributes
    ----------
    tables_ : list of ndarray of shape (n_numbers, 5), int8
        Each section's weights times `GRIDS`, in the columns `OWN`, `WHOLE`, `BAYES`, `NEW`, `FINE`;
        `FINE` alone, in one column, for a section without scores of its own.
    odds_ : ndarray of shape (n_peer_numbers,), int8
        The odds of each peer's number times `ODDS_GRID`.
    """

    def __init__(
        self,
        n_figures: int,
        sections: Sequence[tuple[int, int, int]],
        n_scored: int,
        weights: Sequence[float],
        odds_of: Sequence[int] | None = None,
        alpha: float = 1e-6,
        fine_alpha: float = 1e-7,
        n_folds: int = 4,
        seed: int = 0,
        peers: tuple[int, int, int] | None = None,
    ) -> None:
        self.n_figures = n_figures
        self.sections = sections
        self.n_scored = n_scored
        self.weights = weights
        self.odds_of = odds_of
        self.alpha = alpha
        self.fine_alpha = fine_alpha
        self.n_folds = n_folds
        self.seed = seed
        self.peers = peers

    def fit(self, X: Rows, y: Labels) -> Self:
        """Return self, its models fitted on all rows.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns), float32
        y : ndarray of shape (n_rows,)
            0 or 1.
        """
        self.tables_ = self._tables(self._pieces(X), y)
        self.odds_ = self._odds(self._peers(X), X[:, self.n_figures], y)
        return self

    def fit_transform(self, X: Rows, y: Labels) -> Rows:
        """Return figures and cross-fitted scores of the rows that self is now fitted on.

        Parameters
        ----------
        X, y
            As for `fit`.
        """
        pieces, peers, groups = self._pieces(X), self._peers(X), X[:, self.n_figures]
        scores = np.empty((len(X), self.n_scores), np.float32)
        folds = GroupKFold(self.n_folds, shuffle=True, random_state=self.seed)
        for fitted_on, held_out in folds.split(X, y, groups):
            tables = self._tables([part[fitted_on] for part in pieces], y[fitted_on])
            odds = self._odds(peers[fitted_on], groups[fitted_on], y[fitted_on])
            held = [part[held_out] for part in pieces]
            scores[held_out] = self._scores(held, tables, peers[held_out], odds)
        self.tables_ = self._tables(pieces, y)
        self.odds_ = self._odds(peers, groups, y)
        return np.concatenate([X[:, : self.n_figures], scores], axis=1)

    def transform(self, X: Rows) -> Rows:
        """Return an array of shape (n_rows, n_figures + n_scores), float32.

        Behind the figures stand the odds of the peers, each scored section's own score, the score
        of them all, the naive Bayes and the number of new pieces of those in `odds_of`, and last
        the fine score.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns), float32
        """
        check_is_fitted(self)
        scores = self._scores(self._pieces(X), self.tables_, self._peers(X), self.odds_)
        return np.concatenate([X[:, : self.n_figures], scores], axis=1)

    @property
    def passed_on(self) -> tuple[int, ...]:
        """Places of the sections whose naive Bayes and new pieces are passed on."""
        return tuple(range(self.n_scored)) if self.odds_of is None else tuple(self.odds_of)

    @property
    def n_scores(self) -> int:
        """How many scores stand behind the figures."""
        return self.n_peers + self.n_scored + 2 * len(self.passed_on) + 2

    @property
    def n_peers(self) -> int:
        """How many peers a row has."""
        return 0 if self.peers is None else self.peers[1] - self.peers[0]

    def _scores(
        self, pieces: list[csr_matrix], tables: list[Table], peers: Numbers, odds: Table
    ) -> Rows:
        of_peers = odds[peers] / np.float32(ODDS_GRID)
        return np.concatenate([of_peers, _scores(pieces, tables, self.passed_on)], axis=1)

    def _peers(self, X: Rows) -> Numbers:
        first, stop, _ = self.peers or (0, 0, 0)
        return X[:, first:stop].astype(np.int32)

    def _odds(self, peers: Numbers, groups: Rows, y: Labels) -> Table:
        if self.peers is None:
            return np.zeros(0, np.int8)
        return target_log_odds(peers, groups, y, self.peers[2])

    def _pieces(self, X: Rows) -> list[csr_matrix]:
        return [_counted(X[:, first:stop], below) for first, stop, below in self.sections]

    def _tables(self, pieces: list[csr_matrix], y: Labels) -> list[Table]:
        scored, scaled = pieces[: self.n_scored], [_scaled(part) for part in pieces]
        own = [self._linear(part, y, self.alpha, 2.0) for part in scaled[: self.n_scored]]
        whole = _split(
            self._linear(_scaled(hstack(scored, format="csr")), y, self.alpha, 2.0), scored
        )
        bayes = [_naive_bayes(part, y) for part in scored]
        weighted = [
            part * np.float32(weight) for part, weight in zip(scaled, self.weights, strict=True)
        ]
        fine = _split(self._linear(hstack(weighted, format="csr"), y, self.fine_alpha, 4.0), pieces)
        fine = [each * weight for each, weight in zip(fine, self.weights, strict=True)]
        columns = zip(own, whole, *zip(*bayes, strict=True), fine[: self.n_scored], strict=True)
        return [
            *(_table(*each) for each in columns),
            *(_table(each) for each in fine[self.n_scored :]),
        ]

    def _linear(self, scaled: csr_matrix, y: Labels, alpha: float, step: float) -> Weights:
        """Fit a logistic regression without intercept by averaged gradient steps."""
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


def _scaled(part: csr_matrix) -> csr_matrix:
    """Return counts over the root of their rows' sums."""
    data = part.data * np.repeat(_scales(part), np.diff(part.indptr))
    return csr_matrix((data, part.indices, part.indptr), part.shape)


def _naive_bayes(part: csr_matrix, y: Labels) -> tuple[Weights, npt.NDArray[np.bool_]]:
    """Return each number's log-odds of class 1, and whether no row holds it."""
    ones = np.asarray(part[y == 1].sum(axis=0), np.float64).ravel()
    zeros = np.asarray(part[y == 0].sum(axis=0), np.float64).ravel()
    n_ones = int((y == 1).sum())
    odds = np.log((ones + 0.5) / n_ones) - np.log((zeros + 0.5) / (len(y) - n_ones))
    return odds, ones + zeros == 0


def _split(weights: Weights, parts: list[csr_matrix]) -> list[Weights]:
    """Return the weights of each part's columns."""
    return np.split(weights, np.cumsum([part.shape[1] for part in parts])[:-1])


def _table(*columns: Weights | npt.NDArray[np.bool_]) -> Table:
    table: Weights = np.column_stack(columns) * np.array(GRIDS[-len(columns) :])
    table[0] = 0
    rounded: Table = np.round(table.clip(-127, 127)).astype(np.int8)
    return rounded


def _scores(pieces: list[csr_matrix], tables: list[Table], odds_of: Sequence[int]) -> Rows:
    sums = [
        part @ table.astype(np.float32) / np.array(GRIDS[-table.shape[1] :], np.float32)
        for part, table in zip(pieces, tables, strict=True)
    ]
    scored = [total for total in sums if total.shape[1] > 1]
    scale = [_scales(part) for part in pieces]
    own = [total[:, OWN] * each for total, each in zip(scored, scale, strict=False)]
    whole = sum(total[:, WHOLE] for total in scored)
    whole = whole * _scales(hstack(pieces[: len(scored)], format="csr"))
    plain = [scored[place][:, [BAYES, NEW]] for place in odds_of]
    fine = sum(total[:, -1] * each for total, each in zip(sums, scale, strict=True))
    scores: Rows = np.column_stack([*own, whole, *plain, fine]).astype(np.float32)
    return scores
