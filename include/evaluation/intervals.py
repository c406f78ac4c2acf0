"""How far chance could have moved a figure, when rows come in groups of twins."""

from typing import Any

import numpy as np
import numpy.typing as npt

_RESAMPLES = 2_000


def false_positive_interval(
    y: npt.NDArray[np.int8],
    flagged: npt.NDArray[np.bool_],
    groups: npt.NDArray[Any],
    *,
    confidence: float,
    seed: int,
) -> tuple[float, float]:
    """Return the interval of the false-positive rate, by resampling groups and not rows.

    Twins are flagged together, so rows are not independent and a binomial interval is too narrow.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        1 = phishing.
    flagged : ndarray of shape (n_rows,)
        Whether the model called the row phishing.
    groups : ndarray of shape (n_rows,)
        Group of each row.
    confidence : float
        Two-sided, e.g. 0.95.
    seed : int

    Returns
    -------
    low, high : float
        Percentiles of the cluster bootstrap (Davison & Hinkley 1997, section 3.8); (0, 1) without
        legitimate rows.
    """
    legitimate = y == 0
    _, cluster = np.unique(groups[legitimate], return_inverse=True)
    if cluster.size == 0:
        return 0.0, 1.0
    sizes = np.bincount(cluster)
    alarms = np.bincount(cluster, weights=flagged[legitimate])
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=_RESAMPLES)
    rates = (counts @ alarms) / np.maximum(counts @ sizes, 1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(rates, [tail, 1 - tail])
    return float(low), float(high)
