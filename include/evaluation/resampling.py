"""Cluster bootstrap: whole groups are resampled, and metrics are computed for each resample.

Rows of a group have equal scores, so rows drawn one by one would make every interval narrower than
it is (cluster bootstrap, Davison & Hinkley 1997, section 3.8).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_AT_ONCE = 50  # resamples held in memory together

Floats = npt.NDArray[np.floating[Any]]


def resamples(
    y: npt.NDArray[np.int8], groups: npt.NDArray[Any], n_resamples: int, seed: int
) -> Iterator[Floats]:
    """Yield how often each row is drawn, some resamples at a time.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        1 = phishing; both classes occur.
    groups : ndarray of shape (n_rows,)
        Group of each row.
    n_resamples : int
        A multiple of 50; those that hold one class only are left out.
    seed : int

    Yields
    ------
    ndarray of shape (n, n_rows)
    """
    rng = np.random.default_rng(seed)
    _, codes = np.unique(groups, return_inverse=True)
    n_groups = int(codes.max()) + 1
    for _ in range(0, n_resamples, _AT_ONCE):
        drawn = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=_AT_ONCE)
        weights = drawn[:, codes].astype(np.float64)
        positives = weights @ y
        yield weights[(positives > 0) & (positives < weights.sum(axis=1))]


@dataclass(frozen=True)
class Counted:
    """Rows flagged at each threshold level in each resample, from none of its rows to all.

    Attributes
    ----------
    levels : ndarray of shape (n_levels,)
        The probabilities that occur, falling.
    caught, alarms : ndarray of shape (n, n_levels + 1)
        Phishing rows and legitimate rows with at least that probability; 0 first.
    """

    levels: Floats
    caught: Floats
    alarms: Floats

    @property
    def phishing(self) -> Floats:
        """Rows of phishing, of shape (n,)."""
        return self.caught[:, -1]

    @property
    def legitimate(self) -> Floats:
        """Legitimate rows, of shape (n,)."""
        return self.alarms[:, -1]

    def accuracy(self) -> Floats:
        """Return the accuracy at 0.5, of shape (n,)."""
        caught, alarms = self._at(0.5)
        return (caught + self.legitimate - alarms) / (self.phishing + self.legitimate)

    def f1(self) -> Floats:
        """Return F1 at 0.5, of shape (n,)."""
        caught, alarms = self._at(0.5)
        return 2 * caught / (self.phishing + caught + alarms)

    def precision(self, threshold: float) -> Floats:
        """Return the precision at a threshold, of shape (n,); 0 where nothing is flagged."""
        caught, alarms = self._at(threshold)
        return caught / np.maximum(caught + alarms, 1)

    def roc_auc(self) -> Floats:
        """Return the area under the ROC curve, of shape (n,)."""
        area = np.trapezoid(self.caught, self.alarms, axis=1)
        return np.asarray(area / (self.phishing * self.legitimate))

    def average_precision(self) -> Floats:
        """Return the average precision, of shape (n,)."""
        precision = self.caught / np.maximum(self.caught + self.alarms, 1)
        return np.asarray(np.sum(np.diff(self.caught) * precision[:, 1:], axis=1) / self.phishing)

    def recall_at_fpr(self, budget: float) -> Floats:
        """Return the highest recall within a false-positive budget, of shape (n,)."""
        within = self.alarms <= budget * self.legitimate[:, np.newaxis] + 1e-9
        return np.asarray(np.where(within, self.caught, 0).max(axis=1) / self.phishing)

    def _at(self, threshold: float) -> tuple[Floats, Floats]:
        place = int(np.sum(self.levels >= threshold))
        return self.caught[:, place], self.alarms[:, place]


@dataclass(frozen=True)
class Ranked:
    """A model's rows from the highest probability to the lowest, sorted once for all resamples."""

    order: npt.NDArray[np.intp]
    is_phishing: npt.NDArray[np.bool_]
    levels: Floats
    ends: npt.NDArray[np.intp]

    @classmethod
    def of(cls, y: npt.NDArray[np.int8], probability: Floats) -> "Ranked":
        """Return the rows sorted; those of equal probability share a level."""
        order = np.argsort(-probability, kind="stable")
        falling = probability[order]
        ends = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
        return cls(order, y[order] == 1, falling[ends], ends)

    def counted(self, weights: Floats) -> Counted:
        """Return the counts of resamples of shape (n, n_rows)."""
        drawn = weights[:, self.order]
        return Counted(
            self.levels,
            self._from_the_top(drawn * self.is_phishing),
            self._from_the_top(drawn * ~self.is_phishing),
        )

    def _from_the_top(self, counts: Floats) -> Floats:
        return np.pad(counts.cumsum(axis=1)[:, self.ends], ((0, 0), (1, 0)))
