"""Data of a report's plots on held-out rows; every value is JSON-serialisable."""

from typing import Any

import numpy as np
import numpy.typing as npt

from include.evaluation.intervals import clopper_pearson

_FIRST_POINTS, _OTHER_POINTS = 150, 200
_DIGITS = 6


def sweep(y: npt.NDArray[np.int8], probability: npt.NDArray[np.float64]) -> dict[str, list[float]]:
    """Return recall, false-positive rate and precision at thresholds from high to low.

    Parameters
    ----------
    y, probability : ndarray of shape (n_rows,)
        1 = phishing, 0 = legitimate, of both classes; P(phishing).

    Returns
    -------
    dict of str to list of float
        ``threshold``, ``recall``, ``fpr``, ``precision``: at most 350 points, dense where the
        false-positive rate is low. Rows at or above a threshold are flagged.
    """
    order = np.argsort(-probability, kind="stable")
    falling, truth = probability[order], y[order]
    last_of_equals = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1)
    caught = np.cumsum(truth)[last_of_equals]
    flagged = last_of_equals + 1
    kept = _thinned(len(last_of_equals))
    points = {
        "threshold": falling[last_of_equals],
        "recall": caught / truth.sum(),
        "fpr": (flagged - caught) / (len(truth) - truth.sum()),
        "precision": caught / flagged,
    }
    return {name: values[kept].round(_DIGITS).tolist() for name, values in points.items()}


def reliability(
    y: npt.NDArray[np.int8], probability: npt.NDArray[np.float64], n_bins: int = 10
) -> list[dict[str, float]]:
    """Return observed phishing shares for equal-width bins of the predicted probability.

    Parameters
    ----------
    y, probability : ndarray of shape (n_rows,)
        1 = phishing, 0 = legitimate; P(phishing).
    n_bins : int

    Returns
    -------
    list of dict
        ``n_rows``, ``stated`` (mean probability), ``observed`` (share of phishing) and its 95 %
        interval ``low``, ``high`` (Clopper & Pearson 1934); ranges without rows are left out.
    """
    bins = np.minimum((probability * n_bins).astype(int), n_bins - 1)
    found = []
    for index in np.unique(bins):
        inside = bins == index
        n_rows, n_phishing = int(inside.sum()), int(y[inside].sum())
        low, high = clopper_pearson(n_phishing, n_rows, 0.95)
        found.append(
            {
                "n_rows": n_rows,
                "stated": round(float(probability[inside].mean()), _DIGITS),
                "observed": round(n_phishing / n_rows, _DIGITS),
                "low": round(low, _DIGITS),
                "high": round(high, _DIGITS),
            }
        )
    return found


def histogram(
    y: npt.NDArray[np.int8], probability: npt.NDArray[np.float64], n_bins: int = 25
) -> dict[str, list[Any]]:
    """Return how many rows of each class fall in equal ranges of the probability.

    Parameters
    ----------
    y, probability : ndarray of shape (n_rows,)
        1 = phishing, 0 = legitimate; P(phishing).
    n_bins : int

    Returns
    -------
    dict of str to list
        ``edges`` (n_bins + 1), ``phishing`` and ``legitimate`` (n_bins counts each).
    """
    edges = np.linspace(0, 1, n_bins + 1)
    return {
        "edges": edges.round(_DIGITS).tolist(),
        "phishing": np.histogram(probability[y == 1], edges)[0].tolist(),
        "legitimate": np.histogram(probability[y == 0], edges)[0].tolist(),
    }


def _thinned(n_points: int) -> npt.NDArray[np.intp]:
    """Keep the first points, where few rows are flagged, and evenly spaced others."""
    first = np.arange(min(n_points, _FIRST_POINTS))
    others = np.linspace(len(first), n_points - 1, _OTHER_POINTS).round().astype(np.intp)
    return np.unique(np.concatenate([first, others[others < n_points]]))
