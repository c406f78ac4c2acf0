"""Confidence intervals of every metric of a report."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from include.contract.verdicts import Thresholds
from include.evaluation.intervals import rate_interval
from include.evaluation.resampling import Floats, Ranked, resamples

_RESAMPLES = 400
_BINS = 10


def figure_intervals(
    y: npt.NDArray[np.int8],
    probability: npt.NDArray[np.float64],
    groups: npt.NDArray[Any],
    *,
    thresholds: Thresholds,
    fpr_budget: float,
    confidence: float,
    seed: int,
) -> dict[str, tuple[float, float]]:
    """Return the confidence interval of each metric of `include.evaluation.metrics.evaluate`.

    Parameters
    ----------
    y, probability : ndarray of shape (n_rows,)
        1 = phishing, 0 = legitimate, of both classes; P(phishing).
    groups : ndarray of shape (n_rows,)
        Group of each row.
    thresholds, fpr_budget
        As `evaluate` takes them.
    confidence : float
        Two-sided, e.g. 0.95.
    seed : int

    Returns
    -------
    dict of str to (float, float)
        Percentiles of `include.evaluation.resampling`; `rate_interval` for the rates at the
        published thresholds, since a bootstrap is degenerate at rates of 0 or 1.
    """
    draws = resamples(y, groups, _RESAMPLES, seed)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    found = {}
    for name, drawn in _drawn(y, probability, draws, thresholds, fpr_budget).items():
        low, high = np.quantile(drawn, tails)
        found[name] = float(low), float(high)
    for prefix, threshold in (("", thresholds.block), ("review_", thresholds.review)):
        flagged = probability >= threshold
        for name, rows in (("recall", y == 1), ("fpr", y == 0)):
            found[f"{prefix}{name}"] = rate_interval(
                flagged[rows], groups[rows], confidence=confidence, seed=seed
            )
    return found


def _drawn(
    y: npt.NDArray[np.int8],
    probability: npt.NDArray[np.float64],
    draws: Iterable[Floats],
    thresholds: Thresholds,
    budget: float,
) -> dict[str, Floats]:
    """Return each figure of every draw, rows counted as often as they were drawn."""
    ranked = Ranked.of(y, probability)
    errors = y - probability
    in_bin = np.minimum((probability * _BINS).astype(int), _BINS - 1)[:, np.newaxis]
    gaps = np.where(in_bin == np.arange(_BINS), errors[:, np.newaxis], 0)
    parts = []
    for weights in draws:
        counted, n_rows = ranked.counted(weights), weights.sum(axis=1)
        parts.append(
            {
                "accuracy": counted.accuracy(),
                "f1": counted.f1(),
                "roc_auc": counted.roc_auc(),
                "average_precision": counted.average_precision(),
                "recall_at_fpr": counted.recall_at_fpr(budget),
                "brier": weights @ errors**2 / n_rows,
                "ece": np.abs(weights @ gaps).sum(axis=1) / n_rows,
                "precision": counted.precision(thresholds.block),
                "review_precision": counted.precision(thresholds.review),
            }
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
