"""Metrics of a model on rows it was not trained on; every value is JSON-serialisable."""

from collections import Counter

import numpy as np
import numpy.typing as npt
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    log_loss,
    roc_auc_score,
)

from include.contract.verdicts import Thresholds
from include.errors import EvaluationError

Figures = dict[str, float | int]


def evaluate(
    y: npt.ArrayLike, probability: npt.ArrayLike, thresholds: Thresholds, fpr_budget: float
) -> Figures:
    """Return how well the probabilities tell phishing from legitimate rows.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        1 = phishing, 0 = legitimate.
    probability : array-like of shape (n_rows,)
        Calibrated P(phishing).
    thresholds : Thresholds
        The published ones: a row is called phishing when its probability is at least the first,
        and at least suspicious from the second on.
    fpr_budget : float
        Of ``recall_at_fpr``, e.g. 0.01.

    Returns
    -------
    dict of str to float or int
        ``accuracy`` and ``f1`` are at 0.5; ``recall_at_fpr`` is the recall that the best threshold
        for these rows would have; ``recall``, ``fpr``, ``precision`` and the four counts are of
        rows called phishing; ``review_recall``, ``review_fpr`` and ``review_precision`` of rows
        that are at least suspicious.

    Raises
    ------
    EvaluationError
        If the rows are not of both classes or a probability is not within 0 and 1.
    """
    truth, p = _checked(y, probability)
    tn, fp, fn, tp = _counts(truth, p, thresholds.block)
    review_tn, review_fp, review_fn, review_tp = _counts(truth, p, thresholds.review)
    likely = (p >= 0.5).astype(np.int8)
    return {
        "n_rows": len(truth),
        "n_phishing": int(truth.sum()),
        "accuracy": float((likely == truth).mean()),
        "f1": float(f1_score(truth, likely)),
        "roc_auc": float(roc_auc_score(truth, p)),
        "average_precision": float(average_precision_score(truth, p)),
        "recall_at_fpr": recall_at_fpr(truth, p, fpr_budget),
        "brier": float(brier_score_loss(truth, p)),
        "log_loss": float(log_loss(truth, p)),
        "ece": expected_calibration_error(truth, p),
        "block_threshold": thresholds.block,
        "review_threshold": thresholds.review,
        "recall": tp / (tp + fn),
        "fpr": fp / (fp + tn),
        "precision": tp / max(tp + fp, 1),
        "true_positives": tp,
        "false_positives": fp,
        "true_negatives": tn,
        "false_negatives": fn,
        "review_recall": review_tp / (review_tp + review_fn),
        "review_fpr": review_fp / (review_fp + review_tn),
        "review_precision": review_tp / max(review_tp + review_fp, 1),
    }


def _counts(
    truth: npt.NDArray[np.int8], probability: npt.NDArray[np.float64], threshold: float
) -> tuple[int, int, int, int]:
    """Return true negatives, false positives, false negatives and true positives."""
    flagged = (probability >= threshold).astype(np.int8)
    tn, fp, fn, tp = confusion_matrix(truth, flagged, labels=[0, 1]).ravel().tolist()
    return tn, fp, fn, tp


def recall_at_fpr(y: npt.ArrayLike, probability: npt.ArrayLike, fpr_budget: float) -> float:
    """Return the largest recall any threshold reaches within the false-positive budget.

    Parameters
    ----------
    y, probability : array-like of shape (n_rows,)
        1 = phishing, 0 = legitimate; P(phishing).
    fpr_budget : float
        Allowed share of false alarms among legitimate rows.

    Returns
    -------
    float
        0 to 1: a point of the ROC curve, not interpolated.
    """
    truth, p = _checked(y, probability)
    return float((p[truth == 1] > highest_excluded(truth, p, fpr_budget)).mean())


def highest_excluded(
    y: npt.NDArray[np.int8], probability: npt.NDArray[np.float64], fpr_budget: float
) -> float:
    """Return the legitimate row's probability that a threshold within the budget must exceed.

    Parameters
    ----------
    y, probability : ndarray of shape (n_rows,)
        1 = phishing, 0 = legitimate; P(phishing).
    fpr_budget : float
        Allowed share of false alarms among legitimate rows.

    Returns
    -------
    float
        Flagging exactly the rows above it gives the largest recall within the budget;
        -1 when the budget allows to flag every row.
    """
    legitimate = np.sort(probability[y == 0])[::-1]
    allowed = int(fpr_budget * len(legitimate) + 1e-9)
    return float(legitimate[allowed]) if allowed < len(legitimate) else -1.0


def expected_calibration_error(
    y: npt.ArrayLike, probability: npt.ArrayLike, n_bins: int = 10
) -> float:
    """Return the mean gap between stated probability and observed share, over equal-width bins.

    Parameters
    ----------
    y, probability : array-like of shape (n_rows,)
        1 = phishing, 0 = legitimate; P(phishing).
    n_bins : int
        Number of bins between 0 and 1; each counts by its rows (Naeini et al., AAAI 2015).

    Returns
    -------
    float
        0 = perfectly calibrated.
    """
    truth, p = _checked(y, probability)
    bins = np.minimum((p * n_bins).astype(int), n_bins - 1)
    gaps = np.bincount(bins, weights=truth - p, minlength=n_bins)
    return float(np.abs(gaps).sum() / len(truth))


def ceiling(keys: npt.NDArray[np.object_], y: npt.ArrayLike) -> float:
    """Return the best accuracy possible when equal inputs carry contradictory labels.

    Parameters
    ----------
    keys : ndarray of shape (n_rows,), object
        Equal exactly where the inputs are equal, as ``training.split.group_keys`` returns.
    y : array-like of shape (n_rows,)
        1 = phishing, 0 = legitimate.

    Returns
    -------
    float
        Share of the rows that agree with the majority label of their key.
    """
    truth = np.asarray(y).tolist()
    if not truth:
        raise EvaluationError("ceiling: no rows")
    majority: dict[object, int] = {}
    for (key, _), count in Counter(zip(keys.tolist(), truth, strict=True)).items():
        majority[key] = max(majority.get(key, 0), count)
    return sum(majority.values()) / len(truth)


def _checked(
    y: npt.ArrayLike, probability: npt.ArrayLike
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float64]]:
    truth, p = np.asarray(y, dtype=np.int8), np.asarray(probability, dtype=np.float64)
    if not {0, 1} == set(truth.tolist()):
        raise EvaluationError(f"{len(truth)} rows: both phishing and legitimate rows are needed")
    if not ((p >= 0) & (p <= 1)).all():
        raise EvaluationError("a probability is missing or not within 0 and 1")
    return truth, p
