"""Paired cluster bootstrap of the metrics of two models on the same rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from include.evaluation.resampling import Counted, Floats, Ranked, resamples

_RESAMPLES = 1_000


@dataclass(frozen=True)
class Difference:
    """Difference of a metric between two models on the same rows.

    Attributes
    ----------
    value : float
        The model's metric minus the other's.
    low, high : float
        One-sided bounds: the true difference is above `low` with the stated confidence, and below
        `high` with the same.
    """

    value: float
    low: float
    high: float


def paired_differences(
    y: npt.NDArray[np.int8],
    probability: Floats,
    other: Floats,
    groups: npt.NDArray[Any],
    *,
    fpr_budget: float,
    confidence: float,
    seed: int,
) -> dict[str, Difference]:
    """Return the differences between the metrics of two models.

    Both are evaluated on the same resamples, so that row difficulty cancels; whole groups are
    drawn, because duplicates are right or wrong together.

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
    Percentiles of the differences over the draws of `include.evaluation.resampling`.
    """
    ours, theirs = Ranked.of(y, probability), Ranked.of(y, other)

    def lead(weights: Floats) -> Floats:
        return _figures(ours.counted(weights), fpr_budget) - _figures(
            theirs.counted(weights), fpr_budget
        )

    values = lead(np.ones((1, len(y))))[:, 0]
    drawn = np.concatenate(
        [lead(weights) for weights in resamples(y, groups, _RESAMPLES, seed)], axis=1
    )
    low, high = np.quantile(drawn, [1 - confidence, confidence], axis=1)
    return {
        name: Difference(float(values[row]), float(low[row]), float(high[row]))
        for row, name in enumerate(("accuracy", "roc_auc", "recall_at_fpr"))
    }


def _figures(counted: Counted, fpr_budget: float) -> Floats:
    return np.stack([counted.accuracy(), counted.roc_auc(), counted.recall_at_fpr(fpr_budget)])
