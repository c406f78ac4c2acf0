"""Confidence intervals of rates and means for rows that come in groups."""

from typing import Any

import numpy as np
import numpy.typing as npt

_RESAMPLES = 2_000


def rate_interval(
    hits: npt.NDArray[np.bool_], groups: npt.NDArray[Any], *, confidence: float, seed: int
) -> tuple[float, float]:
    """Return the wider, on each side, of an exact binomial and a cluster bootstrap interval.

    A binomial interval assumes independent rows, which duplicates are not; a bootstrap is
    degenerate at rates of 0 and 1.

    Parameters
    ----------
    hits : ndarray of shape (n_rows,)
        Whether each row counts.
    groups : ndarray of shape (n_rows,)
        Group of each row.
    confidence : float
        Two-sided, e.g. 0.95.
    seed : int

    Returns
    -------
    low, high : float
        (0, 1) without rows.
    """
    low, high = clopper_pearson(int(hits.sum()), len(hits), confidence)
    if len(hits) == 0:
        return low, high
    group_low, group_high = mean_interval(hits, groups, confidence=confidence, seed=seed)
    return min(low, group_low), max(high, group_high)


def clopper_pearson(hits: int, n_rows: int, confidence: float) -> tuple[float, float]:
    """Return the exact binomial interval of a rate (Clopper & Pearson 1934); (0, 1) without rows.

    Parameters
    ----------
    hits, n_rows : int
        How many of the rows count.
    confidence : float
        Two-sided; each bound alone holds with half the error.
    """
    from scipy.stats import binomtest

    if n_rows == 0:
        return 0.0, 1.0
    interval = binomtest(hits, n_rows).proportion_ci(confidence)
    return float(interval.low), float(interval.high)


def mean_interval(
    values: npt.NDArray[Any], groups: npt.NDArray[Any], *, confidence: float, seed: int
) -> tuple[float, float]:
    """Return the interval of a mean, by resampling groups and not rows.

    Parameters
    ----------
    values : ndarray of shape (n_rows,), bool or number
        At least one.
    groups : ndarray of shape (n_rows,)
        Group of each row.
    confidence : float
        Two-sided.
    seed : int

    Returns
    -------
    low, high : float
        Percentiles of the cluster bootstrap (Davison & Hinkley 1997, section 3.8).

    Notes
    -----
    Groups of equal size and sum are counted instead of drawn one by one: the same distribution,
    at the cost of the few kinds of groups there are.
    """
    _, cluster = np.unique(groups, return_inverse=True)
    kinds = np.stack([np.bincount(cluster, weights=values), np.bincount(cluster)])
    (sums, sizes), count = np.unique(kinds, axis=1, return_counts=True)
    n_groups = int(count.sum())
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n_groups, count / n_groups, size=_RESAMPLES)
    tail = (1 - confidence) / 2
    low, high = np.quantile((drawn @ sums) / (drawn @ sizes), [tail, 1 - tail])
    return float(low), float(high)
