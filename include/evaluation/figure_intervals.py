"""How far chance could have moved every figure of a report: a bootstrap of groups, not of rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from include.evaluation.intervals import rate_interval

_RESAMPLES = 400
_BINS = 10

Weights = npt.NDArray[np.float64]


def figure_intervals(
    y: npt.NDArray[np.int8],
    probability: npt.NDArray[np.float64],
    groups: npt.NDArray[Any],
    *,
    threshold: float,
    fpr_budget: float,
    confidence: float,
    seed: int,
) -> dict[str, tuple[float, float]]:
    """Return the interval of each figure of `include.evaluation.metrics.evaluate`.

    Rows of a group are judged alike, so whole groups are drawn again, with replacement.

    Parameters
    ----------
    y, probability : ndarray of shape (n_rows,)
        1 = phishing, 0 = legitimate, of both classes; P(phishing).
    groups : ndarray of shape (n_rows,)
        Group of each row.
    threshold, fpr_budget : float
        As `evaluate` takes them.
    confidence : float
        Two-sided, e.g. 0.95.
    seed : int

    Returns
    -------
    dict of str to (float, float)
        Percentiles of the cluster bootstrap (Davison & Hinkley 1997, section 3.8); for the rates
        of the shipped threshold those of `rate_interval`, which no rate of 0 or 1 misleads.
    """
    ranked = _Ranked.of(y, probability)
    _, cluster = np.unique(groups, return_inverse=True)
    n_clusters = int(cluster.max()) + 1
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {}
    for _ in range(_RESAMPLES):
        counts = rng.multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters))
        weights = counts[cluster].astype(np.float64)
        if weights[y == 1].any() and weights[y == 0].any():
            for name, figure in ranked.figures(weights, threshold, fpr_budget).items():
                drawn.setdefault(name, []).append(figure)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    found = {
        name: (float(low), float(high))
        for name, (low, high) in ((name, np.quantile(drawn[name], tails)) for name in drawn)
    }
    flagged = probability >= threshold
    for name, rows in (("recall", y == 1), ("fpr", y == 0)):
        found[name] = rate_interval(flagged[rows], groups[rows], confidence=confidence, seed=seed)
    return found


@dataclass(frozen=True)
class _Ranked:
    """Rows from the highest probability to the lowest, sorted once for all resamples."""

    order: npt.NDArray[np.intp]
    y: Weights
    probability: Weights
    ends: npt.NDArray[np.intp]

    @classmethod
    def of(cls, y: npt.NDArray[np.int8], probability: npt.NDArray[np.float64]) -> "_Ranked":
        order = np.argsort(-probability, kind="stable")
        falling = probability[order]
        ends = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
        return cls(order, y[order].astype(np.float64), falling, ends)

    def figures(self, weights: Weights, threshold: float, budget: float) -> dict[str, float]:
        """Return the figures of the rows, each counted as often as its weight says."""
        w = weights[self.order]
        caught = np.append(0, np.cumsum(w * self.y)[self.ends])
        alarms = np.append(0, np.cumsum(w * (1 - self.y))[self.ends])
        phishing, legitimate = caught[-1], alarms[-1]
        flagged = np.maximum(caught + alarms, 1)
        levels = self.probability[self.ends]
        likely = int(np.sum(levels >= 0.5))
        shipped = int(np.sum(levels >= threshold))
        in_budget = int(np.searchsorted(alarms, budget * legitimate + 1e-9, "right")) - 1
        gap = np.bincount(self._bins(), weights=w * (self.y - self.probability), minlength=_BINS)
        return {
            "accuracy": (caught[likely] + legitimate - alarms[likely]) / w.sum(),
            "f1": 2 * caught[likely] / (phishing + caught[likely] + alarms[likely]),
            "roc_auc": np.trapezoid(caught, alarms) / (phishing * legitimate),
            "average_precision": np.sum(np.diff(caught) * (caught / flagged)[1:]) / phishing,
            "recall_at_fpr": caught[in_budget] / phishing,
            "brier": np.sum(w * (self.y - self.probability) ** 2) / w.sum(),
            "ece": np.abs(gap).sum() / w.sum(),
            "precision": caught[shipped] / flagged[shipped],
        }

    def _bins(self) -> npt.NDArray[np.intp]:
        return np.minimum((self.probability * _BINS).astype(np.intp), _BINS - 1)
