"""Set the thresholds of a version for its false-positive budgets."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from include.contract.verdicts import MOST_REVIEW, REVIEW_BUDGET, Thresholds
from include.errors import ThresholdError
from include.evaluation.intervals import clopper_pearson
from include.evaluation.metrics import highest_excluded

ENOUGH_NEGATIVES = 3000
"""Legitimate rows that set a budget of 1 % to within .18 points (one standard error), and that
can show that one of 0.1 % is kept."""
_ERROR = 0.05


@dataclass(frozen=True)
class Threshold:
    """A threshold and its false-positive rate.

    Attributes
    ----------
    value : float
        A row has at least the verdict when its probability is at least this.
    fpr : float
        False-positive rate on the legitimate rows it was chosen on.
    n_negatives : int
        Number of those rows.
    fpr_upper_bound : float
        The true share is below this with 95 % confidence (one-sided; Clopper & Pearson 1934).
    budget : float
        Share of legitimate rows that it should flag at most.
    used_budget : float
        The share it was set for: more than `budget` where the rows are too few for that.
    """

    value: float
    fpr: float
    n_negatives: int
    fpr_upper_bound: float
    budget: float
    used_budget: float

    @property
    def shortage(self) -> str:
        """What the rows are too few for, and what was done instead; empty if they suffice."""
        if self.used_budget <= self.budget:
            return ""
        return (
            f"{self.n_negatives} legitimate rows are too few to keep a budget of "
            f"{self.budget:.2%}: the threshold was set for {self.used_budget:.2%}, the smallest "
            "budget that so many rows can show to be kept"
        )


@dataclass(frozen=True)
class ChosenThresholds:
    """Both thresholds of a version, set on the same rows.

    Attributes
    ----------
    block, review : Threshold
    """

    block: Threshold
    review: Threshold

    @property
    def values(self) -> Thresholds:
        """The thresholds alone."""
        return Thresholds(self.block.value, self.review.value)

    def document(self) -> dict[str, Any]:
        """Return all that is known of both, as JSON has it."""
        both = {"block": self.block, "review": self.review}
        return {name: {**vars(each), "shortage": each.shortage} for name, each in both.items()}


def choose_thresholds(
    y: npt.ArrayLike, probability: npt.ArrayLike, block_budget: float
) -> ChosenThresholds:
    """Return the threshold for the budget, and the one for review.

    That is the threshold for `REVIEW_BUDGET`, one half, or the other threshold: the lowest. Where
    the rows are so few that not even none flagged would show that a budget is kept, the smallest
    budget that it would show is used instead.

    Parameters are those of `choose_threshold`.
    """
    block, review = (
        _within_reach(y, probability, budget) for budget in (block_budget, REVIEW_BUDGET)
    )
    value = min(review.value, MOST_REVIEW, block.value)
    legitimate = np.asarray(probability, np.float64)[np.asarray(y) == 0]
    return ChosenThresholds(block, _moved(review, value, legitimate))


def _within_reach(y: npt.ArrayLike, probability: npt.ArrayLike, budget: float) -> Threshold:
    """Return the threshold for a budget, or for the smallest one that the rows can show."""
    n_negatives = max(int((np.asarray(y) == 0).sum()), 1)
    used = max(budget, smallest_budget(n_negatives))
    return replace(choose_threshold(y, probability, used), budget=budget)


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
    value = _just_above(highest_excluded(truth, p, fpr_budget), p)
    chosen = Threshold(value, 0.0, n_negatives, 1.0, fpr_budget, fpr_budget)
    return _moved(chosen, value, p[truth == 0])


def smallest_budget(n_negatives: int) -> float:
    """Return the smallest share that so many rows, none of them flagged, show to be kept.

    With 95 % confidence (Clopper & Pearson 1934; about 3 / n, the rule of three).
    """
    return float(1 - _ERROR ** (1 / n_negatives))


def _moved(threshold: Threshold, value: float, legitimate: npt.NDArray[np.float64]) -> Threshold:
    """Return the threshold with another value, measured on its legitimate rows."""
    n_false = int((legitimate >= value).sum())
    # One-sided at 95 %: the upper end of the two-sided 90 % interval.
    upper_bound = clopper_pearson(n_false, len(legitimate), 1 - 2 * _ERROR)[1]
    return replace(
        threshold, value=value, fpr=n_false / len(legitimate), fpr_upper_bound=upper_bound
    )


def _just_above(excluded: float, probability: npt.NDArray[np.float64]) -> float:
    if excluded < 0:
        return 0.0
    flagged = probability[probability > excluded]
    lowest = float(flagged.min()) if len(flagged) else max(1.0, np.nextafter(excluded, 2.0))
    return max((excluded + lowest) / 2, float(np.nextafter(excluded, 2.0)))
