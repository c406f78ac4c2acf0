"""Exact bounds of the rates of each verdict, and its precision where phishing is rare."""

from typing import Any

import numpy as np
import numpy.typing as npt

from include.contract.verdicts import Thresholds, at_least
from include.evaluation.intervals import clopper_pearson
from include.evaluation.metrics import recall_at_fpr

BASE_RATES = (100, 1_000, 10_000)
"""One item in so many is phishing."""
LOW_RATES = (0.01, 0.001, 0.0001)
"""False-positive rates at which the recall is stated, if the rows suffice."""
CONFIDENCE = 0.95
_LEAST_FALSE = 3

Probabilities = npt.NDArray[np.float64]


def verdict_figures(
    y: npt.NDArray[np.int8], probability: Probabilities, thresholds: Thresholds
) -> dict[str, Any]:
    """Return the rates of each verdict on rows that nothing was trained on or set by.

    Parameters
    ----------
    y, probability : ndarray of shape (n_rows,)
        1 = phishing, 0 = legitimate, of both classes; P(phishing).
    thresholds : Thresholds

    Returns
    -------
    dict
        ``confidence`` of all intervals (two-sided; Clopper & Pearson 1934); ``given``: of each
        verdict the ``threshold``, ``n_phishing`` and ``n_legitimate`` rows with it, and the share
        of rows of each class that have it or a stronger one, ``recall`` and ``fpr``, with
        intervals, and ``precision`` by base rate: of one in ``one_in`` the ``value``, and ``low``
        from the worst ends of both intervals; ``legitimate`` is what is neither; ``low_rates``:
        the ``recall`` at each ``fpr``, None where ``n_legitimate`` is less than ``n_needed``.
    """
    phishing, legitimate = probability[y == 1], probability[y == 0]
    given, n_before = [], (0, 0)
    for verdict, threshold in at_least(thresholds).items():
        n_caught, n_false = (int((rows >= threshold).sum()) for rows in (phishing, legitimate))
        recall = clopper_pearson(n_caught, len(phishing), CONFIDENCE)
        fpr = clopper_pearson(n_false, len(legitimate), CONFIDENCE)
        rates = n_caught / len(phishing), n_false / len(legitimate)
        given.append(
            {
                "verdict": verdict,
                "threshold": threshold,
                "n_phishing": n_caught - n_before[0],
                "n_legitimate": n_false - n_before[1],
                "recall": rates[0],
                "recall_interval": recall,
                "fpr": rates[1],
                "fpr_interval": fpr,
                "precision": [
                    {
                        "one_in": one_in,
                        "value": precision(*rates, one_in),
                        "low": precision(recall[0], fpr[1], one_in),
                    }
                    for one_in in BASE_RATES
                ],
            }
        )
        n_before = n_caught, n_false
    rest = len(phishing) - n_before[0], len(legitimate) - n_before[1]
    return {
        "confidence": CONFIDENCE,
        "given": given,
        "legitimate": {"n_phishing": rest[0], "n_legitimate": rest[1]},
        "low_rates": [_low_rate(y, probability, fpr) for fpr in LOW_RATES],
    }


def precision(recall: float, fpr: float, one_in: int) -> float | None:
    """Return the share of flagged items that are phishing, where one in so many is.

    None where nothing is flagged.
    """
    caught, false = recall / one_in, fpr * (1 - 1 / one_in)
    return caught / (caught + false) if caught + false else None


def _low_rate(y: npt.NDArray[np.int8], probability: Probabilities, fpr: float) -> dict[str, Any]:
    """Return the recall at a rate, if it allows a few of the legitimate rows and not just one."""
    n_legitimate, n_phishing = int((y == 0).sum()), int((y == 1).sum())
    n_needed = round(_LEAST_FALSE / fpr)
    entry = {"fpr": fpr, "n_legitimate": n_legitimate, "n_needed": n_needed}
    if n_legitimate < n_needed:
        return {**entry, "recall": None, "recall_interval": None}
    recall = recall_at_fpr(y, probability, fpr)
    interval = clopper_pearson(round(recall * n_phishing), n_phishing, CONFIDENCE)
    return {**entry, "recall": recall, "recall_interval": interval}
