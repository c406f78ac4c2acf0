"""Figures of two models on the same rows, resampled group by group: how sure a difference is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_RESAMPLES = 1_000
_CHUNK = 50  # resamples held in memory at once

Scores = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Difference:
    """How much higher a model's figure is than another's on the same rows.

    Attributes
    ----------
    value : float
        The model's figure less the other's.
    low, high : float
        One-sided bounds: the true difference is above `low` with the stated confidence, and below
        `high` with the same.
    """

    value: float
    low: float
    high: float


def paired_differences(
    y: npt.NDArray[np.int8],
    probability: Scores,
    other: Scores,
    groups: npt.NDArray[Any],
    *,
    fpr_budget: float,
    confidence: float,
    seed: int,
) -> dict[str, Difference]:
    """Return by how much one model's figures exceed another's.

    Both are judged on the same resample each time, so what a hard or an easy row does to both
    cancels; whole groups are drawn, because twins are right or wrong together.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        1 = phishing; both classes occur.
    probability, other : ndarray of shape (n_rows,)
        The two models' probabilities of phishing.
    groups : ndarray of shape (n_rows,)
        Group of each row.
    fpr_budget : float
        For ``recall_at_fpr``.
    confidence : float
        Of each bound, e.g. 0.95.
    seed : int

    Returns
    -------
    dict of str to Difference
        ``accuracy`` (at 0.5), ``roc_auc`` and ``recall_at_fpr``.

    Notes
    -----
    Percentiles of the paired cluster bootstrap (Davison & Hinkley 1997, section 3.8).
    """
    ours, theirs = _Ranked.of(y, probability, fpr_budget), _Ranked.of(y, other, fpr_budget)
    once = np.ones((1, len(y)))
    values = (ours.figures(once) - theirs.figures(once))[:, 0]
    drawn = np.concatenate(
        [
            ours.figures(weights) - theirs.figures(weights)
            for weights in _resamples(y, groups, np.random.default_rng(seed))
        ],
        axis=1,
    )
    low, high = np.quantile(drawn, [1 - confidence, confidence], axis=1)
    return {
        name: Difference(float(values[row]), float(low[row]), float(high[row]))
        for row, name in enumerate(("accuracy", "roc_auc", "recall_at_fpr"))
    }


def _resamples(
    y: npt.NDArray[np.int8], groups: npt.NDArray[Any], rng: np.random.Generator
) -> Iterator[npt.NDArray[np.float64]]:
    """Yield how often each row is drawn, of shape (n_resamples, n_rows); of both classes each."""
    _, codes = np.unique(groups, return_inverse=True)
    n_groups = int(codes.max()) + 1
    for _ in range(0, _RESAMPLES, _CHUNK):
        drawn = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=_CHUNK)
        weights = drawn[:, codes].astype(np.float64)
        positives = weights @ y
        yield weights[(positives > 0) & (positives < weights.sum(axis=1))]


@dataclass(frozen=True)
class _Ranked:
    """A model's rows sorted by falling probability; rows of equal probability are one step."""

    order: npt.NDArray[np.intp]
    starts: npt.NDArray[np.intp]
    y: npt.NDArray[np.int8]
    right: npt.NDArray[np.bool_]
    fpr_budget: float

    @classmethod
    def of(cls, y: npt.NDArray[np.int8], probability: Scores, fpr_budget: float) -> "_Ranked":
        order = np.argsort(-probability, kind="stable")
        steps = np.diff(probability[order], prepend=np.inf) != 0
        right = (probability >= 0.5) == (y == 1)
        return cls(order, np.flatnonzero(steps), y[order], right, fpr_budget)

    def figures(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return accuracy, ROC AUC and recall in budget of each resample, of shape (3, n)."""
        accuracy = weights @ self.right / weights.sum(axis=1)
        ranked = weights[:, self.order]
        positives = np.add.reduceat(ranked * (self.y == 1), self.starts, axis=1)
        negatives = np.add.reduceat(ranked * (self.y == 0), self.starts, axis=1)
        caught, alarms = positives.cumsum(axis=1), negatives.cumsum(axis=1)
        n_positives, n_negatives = caught[:, -1], alarms[:, -1]
        ranked_above = (negatives * (caught - positives / 2)).sum(axis=1)
        within = alarms <= self.fpr_budget * n_negatives[:, np.newaxis] + 1e-9
        recall = np.where(within, caught, 0).max(axis=1) / n_positives
        return np.stack([accuracy, ranked_above / (n_positives * n_negatives), recall])
