"""Evidence on alerts that may be looked at as often as one likes.

A confidence interval that is computed every 15 minutes is wrong at some look far more often than
it states; a test martingale is not (Ville 1939).
"""

from functools import cache

import numpy as np
import numpy.typing as npt

_NODES = 200
_HALVINGS = 50
_RATIOS = (1e-3, 1e3)


def log_evidence(both: int, new: int, gone: int, ratio: float = 1.0) -> float:
    """Return the log of a test martingale against "at most `ratio` times the alerts".

    Each request that a version alerts on is a bet: won where only the new version does, lost where
    only the old one does (or, for a ratio above 1, both do). If the new version raises at most
    `ratio` times the old one's alerts, the capital exceeds 1 / a at any look with probability a at
    most.

    Parameters
    ----------
    both, new, gone : int
        Requests that both versions alert on, only the new one, and only the old one.
    ratio : float
        Positive.

    Notes
    -----
    Betting on a bounded mean (Waudby-Smith & Ramdas, JRSS-B 2024), with the stake mixed uniformly
    (Robbins 1970). For a ratio of 1 this is the beta-binomial mixture over the share of new alerts
    among the discordant ones (Howard et al., Annals of Statistics 2021), one-sided.
    """
    stakes, weights = _mixture()
    logs = (
        new * np.log1p(stakes / ratio)
        + gone * np.log1p(-stakes)
        + both * np.log1p(stakes / ratio - stakes)
        + np.log(weights)
    )
    return float(np.logaddexp.reduce(logs))


def ratio_at_least(both: int, new: int, gone: int, error: float) -> float:
    """Return the lower bound of the new version's alerts as a multiple of the old one's.

    With probability 1 - `error` it is below the true ratio at every look.

    Parameters
    ----------
    both, new, gone
        As in `log_evidence`.
    error : float

    Returns
    -------
    float
        Within 0.001 and 1,000; 0 while nothing is shown.
    """
    needed = -np.log(error)
    low, high = np.log(_RATIOS)
    if log_evidence(both, new, gone, _RATIOS[0]) < needed:
        return 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if log_evidence(both, new, gone, float(np.exp(middle))) < needed:
            high = middle
        else:
            low = middle
    return float(np.exp(low))


@cache
def _mixture() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return stakes within 0 and 1, and their weights; a discrete mixture is exact as well."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return (nodes + 1) / 2, weights / 2
