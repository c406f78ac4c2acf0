"""Figures of all items of some strata, by labels of a few items of each."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from include.contract.verdicts import LEGITIMATE, PHISHING

_BASIC = ("precision", "recall", "fpr")
FIGURES = (*_BASIC, *(f"review_{name}" for name in _BASIC))
"""Of what was called phishing, and of what was at least suspicious."""
_DRAWS, _SEED = 10_000, 0


class Stratum(NamedTuple):
    """A stratum of items, and the labels of a random sample of it.

    Attributes
    ----------
    verdict : str
        Of all of them.
    n_items, n_labels, n_phishing : int
        `n_phishing` of the labels.
    """

    verdict: str
    n_items: int
    n_labels: int
    n_phishing: int


def weighted_figures(
    strata: Sequence[Stratum], confidence: float
) -> dict[str, dict[str, float | None]]:
    """Return `FIGURES` of all items: ``value`` (None if unknown), ``low``, ``high``.

    Parameters
    ----------
    strata : sequence of Stratum
    confidence : float
        Two-sided.

    Notes
    -----
    A value weighs each stratum's share of phishing by its items (Cochran 1977, chapter 5). An
    interval melds the exact ones of the strata (Fay, Proschan & Brittain 2015): each end is found
    with shares drawn from where the ends of theirs may lie. So it holds at least as often as it
    says, and a stratum whose few labels all say the same is not taken for certain.
    """
    given = np.array([each.verdict for each in strata], dtype=object)
    n_items, n_labels, n_phishing = (
        np.array([each[place] for each in strata], dtype=float) for place in (1, 2, 3)
    )
    with np.errstate(invalid="ignore"):  # a stratum without labels makes the value unknown
        shares = (n_phishing / n_labels)[np.newaxis]
    least, most = _shares(n_labels, n_phishing)
    found = {}
    for prefix, flagged in (("", given == PHISHING), ("review_", given != LEGITIMATE)):
        values = _figures(flagged, n_items, shares)
        best = _figures(flagged, n_items, np.where(flagged, most, least))
        worst = _figures(flagged, n_items, np.where(flagged, least, most))
        for name in _BASIC:
            found[f"{prefix}{name}"] = _figure(values[name][0], best[name], worst[name], confidence)
    return found


def _shares(
    n_labels: npt.NDArray[np.float64], n_phishing: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return draws of the lower and of the upper ends of each stratum's share of phishing."""
    rng, size = np.random.default_rng(_SEED), (_DRAWS, len(n_labels))
    n_others = n_labels - n_phishing
    least = rng.beta(np.maximum(n_phishing, 1), n_others + 1, size)
    most = rng.beta(n_phishing + 1, np.maximum(n_others, 1), size)
    return np.where(n_phishing > 0, least, 0.0), np.where(n_others > 0, most, 1.0)


def _figures(
    flagged: npt.NDArray[np.bool_], n_items: npt.NDArray[np.float64], shares: npt.NDArray[Any]
) -> dict[str, npt.NDArray[Any]]:
    """Return each figure for each row of shares of phishing; no number where it has none."""
    phishing, legitimate = n_items * shares, n_items * (1 - shares)
    caught, alarms = phishing[:, flagged].sum(axis=1), legitimate[:, flagged].sum(axis=1)
    with np.errstate(invalid="ignore"):
        return {
            "precision": caught / (caught + alarms),
            "recall": caught / phishing.sum(axis=1),
            "fpr": alarms / legitimate.sum(axis=1),
        }


def _figure(
    value: float,
    best: npt.NDArray[np.float64],
    worst: npt.NDArray[np.float64],
    confidence: float,
) -> dict[str, float | None]:
    if np.isnan(value):
        return {"value": None, "low": 0.0, "high": 1.0}
    tail = (1 - confidence) / 2
    ends = [np.quantile(drawn, at) for drawn in (best, worst) for at in (tail, 1 - tail)]
    return {
        "value": round(float(value), 6),
        "low": round(float(min(ends)), 6),
        "high": round(float(max(ends)), 6),
    }
