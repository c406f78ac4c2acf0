"""Fit `CrossFitScores` on more rows than memory holds: the same models, a few rows at a time."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GroupKFold

from include.estimators.cross_fit import EPOCHS, CrossFitScores
from include.estimators.target_encoding import labelled_groups, log_odds
from include.estimators.token_scores import (
    Labels,
    Rows,
    Table,
    blocks_of,
    odds_of_counts,
    tokens_of,
)

_STRIP_ROWS, _STRIPS = 1_024, 16
_MOST_PENDING = 4_000_000

Indices = npt.NDArray[np.intp]


def fit_streamed(
    scores: CrossFitScores, X: Rows, y: Labels, sample: Indices, *, n_epochs: int = EPOCHS
) -> Rows:
    """Fit on all rows, and return cross-fitted scores of some, as `fit_transform` does of all.

    Averaged SGD sees the rows in other orders than in memory: in each epoch batches of strips that
    are drawn from the whole. All else is the same to the last bit. What is held grows with the ids
    of the sections, with the sample and with the folds, and by some bytes a row.

    Parameters
    ----------
    scores : CrossFitScores
        Fitted in place.
    X : ndarray or PackedRows of shape (n_rows, n_columns)
    y : ndarray of shape (n_rows,)
    sample : ndarray of shape (n_sample,)
        Indices of the rows whose scores are returned.
    n_epochs : int
        How often SGD sees each row.

    Returns
    -------
    ndarray of shape (n_sample, n_passthrough + n_scores), float32
    """
    folds = _folds_of(scores, X, y)
    learned = [_Learned(scores) for _ in range(scores.n_folds)]
    models = [_Models(scores) for _ in range(scores.n_folds + 1)]
    rng = np.random.default_rng(scores.seed)
    for epoch in range(n_epochs):
        for rows in _batches(len(y), rng):
            block, labels, held = np.asarray(X[rows]), y[rows], folds[rows]
            tokens = tokens_of(block, scores.sections)
            for number, model in enumerate(models):  # the last one leaves no fold out
                model.learn(*_where(held != number, tokens, labels))
            for number, counts in enumerate(learned) if epoch == 0 else ():
                mine = held == number
                counts.add(block[mine], *_where(mine, tokens, labels))
    shown = np.empty((len(sample), scores.n_passthrough + scores.n_scores), np.float32)
    for number in range(scores.n_folds):
        others = [counts for fold, counts in enumerate(learned) if fold != number]
        tables, odds = models[number].tables(others), _odds(scores, others)
        held_out = np.flatnonzero(folds[sample] == number)
        for start in range(0, len(held_out), _STRIP_ROWS):
            chosen = held_out[start : start + _STRIP_ROWS]
            shown[chosen] = scores.shown(np.asarray(X[sample[chosen]]), tables, odds)
    scores.tables_ = models[-1].tables(learned)
    scores.category_log_odds_ = _odds(scores, learned)
    return shown


class _Models:
    """The linear models of one set of rows."""

    def __init__(self, scores: CrossFitScores) -> None:
        self._scores = scores
        self._linear: list[SGDClassifier] = [scores.linear(at) for at in range(scores.n_models)]

    def learn(self, tokens: list[csr_matrix], y: Labels) -> None:
        if not len(y):
            return
        for place, model in enumerate(self._linear):
            model.partial_fit(self._scores.joined(place, tokens), y, classes=[0, 1])

    def tables(self, learned: Sequence["_Learned"]) -> list[Table]:
        n_ones, n_zeros = (sum(each.n_rows[label] for each in learned) for label in (1, 0))
        bayes = []
        for place in range(self._scores.n_scored):
            zeros, ones = np.sum([each.counts[place] for each in learned], axis=0, dtype=float)
            bayes.append(odds_of_counts(ones, zeros, n_ones, n_zeros))
        return self._scores.tables_of([model.coef_[0] for model in self._linear], bayes)


class _Learned:
    """How often each id and each category is in the rows of a fold, by class."""

    def __init__(self, scores: CrossFitScores) -> None:
        self._scores = scores
        sections = scores.sections[: scores.n_scored]
        self.counts = [np.zeros((2, below), np.int32) for _, _, below in sections]
        self.n_rows = [0, 0]
        self._groups: list[npt.NDArray[np.int64]] = []
        self._pending = 0

    def add(self, rows: Rows, tokens: list[csr_matrix], y: Labels) -> None:
        for label in (0, 1):
            self.n_rows[label] += int(np.sum(y == label))
            for counts, part in zip(self.counts, tokens, strict=False):
                of_label = part[y == label]
                np.add.at(counts[label], of_label.indices, of_label.data.astype(np.int32))
        categories = self._scores.categories_of(rows)
        self._keep(labelled_groups(categories, rows[:, self._scores.n_passthrough], y, self._below))

    @property
    def groups(self) -> npt.NDArray[np.int64]:
        """Distinct keys of category, group and class."""
        return np.unique(np.concatenate([np.zeros(0, np.int64), *self._groups]))

    @property
    def _below(self) -> int:
        return self._scores.categories[2] if self._scores.categories else 1

    def _keep(self, keys: npt.NDArray[np.int64]) -> None:
        """Add keys; equal ones are dropped each time that they have doubled."""
        self._groups.append(keys)
        self._pending += len(keys)
        if self._pending > max(_MOST_PENDING, len(self._groups[0])):
            self._groups, self._pending = [self.groups], 0


def _folds_of(scores: CrossFitScores, X: Rows, y: Labels) -> npt.NDArray[np.int8]:
    """Return the number of the fold that holds each row out."""
    groups = np.concatenate([block[:, scores.n_passthrough] for block in blocks_of(X)])
    folds = np.empty(len(y), np.int8)
    split = GroupKFold(scores.n_folds, shuffle=True, random_state=scores.seed)
    for number, (_, held_out) in enumerate(split.split(groups, y, groups)):
        folds[held_out] = number
    return folds


def _batches(n_rows: int, rng: np.random.Generator) -> Iterator[Indices]:
    """Yield each row once: strips of consecutive rows, some drawn from anywhere at a time."""
    starts = rng.permutation(np.arange(0, n_rows, _STRIP_ROWS))
    for at in range(0, len(starts), _STRIPS):
        strips = np.sort(starts[at : at + _STRIPS])
        ends = np.minimum(strips + _STRIP_ROWS, n_rows)
        yield np.concatenate([np.arange(*each) for each in zip(strips, ends, strict=True)])


def _where(
    mask: npt.NDArray[np.bool_], tokens: list[csr_matrix], y: Labels
) -> tuple[list[csr_matrix], Labels]:
    return [part[mask] for part in tokens], y[mask]


def _odds(scores: CrossFitScores, learned: Sequence[_Learned]) -> Table:
    if scores.categories is None:
        return np.zeros(0, np.int8)
    met = np.concatenate([each.groups for each in learned])
    return log_odds(met, scores.categories[2])
