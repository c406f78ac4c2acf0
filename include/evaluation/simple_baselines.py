"""Simple baselines that the chosen model must beat to justify its complexity."""

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from include.contract.verdicts import Thresholds
from include.evaluation.bootstrap import paired_differences
from include.evaluation.metrics import evaluate

_SHOWN = ("accuracy", "f1", "roc_auc", "average_precision", "recall_at_fpr", "brier", "ece")


def simpler_figures(
    y: npt.NDArray[np.int8],
    probability: npt.NDArray[np.floating[Any]],
    simplest: npt.NDArray[np.floating[Any]],
    groups: npt.NDArray[Any],
    *,
    fpr_budget: float,
    confidence: float,
    seed: int,
) -> dict[str, Any]:
    """Return the metrics of a simpler model beside the chosen one's, on the same rows.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        1 = phishing.
    probability, simplest : ndarray of shape (n_rows,)
        P(phishing) of the chosen model and of the simpler one.
    groups : ndarray of shape (n_rows,)
        Group of each row.
    fpr_budget, confidence, seed
        As `include.evaluation.bootstrap.paired_differences` takes them.

    Returns
    -------
    dict
        Threshold-free figures, and ``lead``: how far the chosen model's ROC AUC lies above.
    """
    figures = evaluate(y, simplest, Thresholds(0.5, 0.5), fpr_budget)
    differences = paired_differences(
        y, probability, simplest, groups, fpr_budget=fpr_budget, confidence=confidence, seed=seed
    )
    return {**{name: figures[name] for name in _SHOWN}, "lead": asdict(differences["roc_auc"])}
