"""Choose the decision threshold for a false-positive budget."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from include.errors import ThresholdError
from include.evaluation.intervals import clopper_pearson
from include.evaluation.metrics import highest_excluded

ENOUGH_NEGATIVES = 3000
"""Legitimate rows that set a budget of 1 % to within .18 points (one standard error)."""


@dataclass(frozen=True)
class Threshold:
    """A threshold and its false-positive rate.

    Attributes
    ----------
    value : float
        A row is called phishing when its probability is at least this.
    fpr : float
        False-positive rate on the legitimate rows it was chosen on.
    n_negatives : int
        Number of those rows.
    fpr_upper_bound : float
        The true share is below this with 95 % confidence (one-sided; Clopper & Pearson 1934).
    """

    value: float
    fpr: float
    n_negatives: int
    fpr_upper_bound: float


def choose_threshold(y: npt.ArrayLike, probability: npt.ArrayLike, fpr_budget: float) -> Threshold:
    """Return the threshold of largest recall whose false-positive rate is within the budget.

    The value lies halfway between the highest probability that must not be flagged and the
    lowest that is, so that float32 rounding changes no verdict.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        1 = phishing, 0 = legitimate; the calibration side.
    probability : array-like of shape (n_rows,)
        Calibrated P(phishing).
    fpr_budget : float
        Allowed false-positive rate, within 0 and 1.

    Raises
    ------
    ThresholdError
        If the budget must be within 0 and 1, or there is no legitimate row.
    """
    truth, p = np.asarray(y, dtype=np.int8), np.asarray(probability, dtype=np.float64)
    n_negatives = int((truth == 0).sum())
    if not 0 <= fpr_budget <= 1:
        raise ThresholdError(f"false-positive budget {fpr_budget} must be within 0 and 1")
    if n_negatives == 0:
        raise ThresholdError(f"{len(truth)} rows, none legitimate: no false-positive rate to keep")
    excluded = highest_excluded(truth, p, fpr_budget)
    value = _just_above(excluded, p)
    n_false = int((p[truth == 0] >= value).sum())
    # One-sided at 95 %: the upper end of the two-sided 90 % interval.
    upper_bound = clopper_pearson(n_false, n_negatives, 0.90)[1]
    return Threshold(value, n_false / n_negatives, n_negatives, upper_bound)


def _just_above(excluded: float, probability: npt.NDArray[np.float64]) -> float:
    if excluded < 0:
        return 0.0
    flagged = probability[probability > excluded]
    lowest = float(flagged.min()) if len(flagged) else max(1.0, np.nextafter(excluded, 2.0))
    return max((excluded + lowest) / 2, float(np.nextafter(excluded, 2.0)))
