"""Compare a candidate with the champion on the same rows: McNemar's test and metric differences."""

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from include.evaluation.bootstrap import paired_differences

Scores = npt.NDArray[np.floating[Any]]


def compare_with_champion(
    y: npt.NDArray[np.int8],
    candidate: Scores,
    champion: Scores,
    groups: npt.NDArray[Any],
    *,
    fpr_budget: float,
    confidence: float,
    seed: int,
) -> dict[str, Any]:
    """Return disagreements, their p-value, and differences of the metrics.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        1 = phishing.
    candidate, champion : ndarray of shape (n_rows,)
        Their probabilities of phishing, on the same rows.
    groups : ndarray of shape (n_rows,)
        Group of each row.
    fpr_budget, confidence, seed
        As `include.evaluation.bootstrap.paired_differences` takes them.

    Returns
    -------
    dict
        ``only_candidate_right``, ``only_champion_right`` (rows), ``p_champion_better``: the
        p-value of the champion being better (one-sided);
        ``differences``: ``value``, ``low``, ``high`` of each figure, the candidate's less the
        champion's.

    Notes
    -----
    McNemar (1947), exact binomial form, doi 10.1007/BF02295996, by group: duplicates are right or
    wrong together, and counting rows would overstate significance.
    """
    from scipy.stats import binomtest

    candidate_right = (candidate >= 0.5) == y
    champion_right = (champion >= 0.5) == y
    lead = candidate_right.astype(np.int8) - champion_right
    _, codes = np.unique(groups, return_inverse=True)
    leads = np.bincount(codes, weights=lead)
    wins, losses = int(np.sum(leads > 0)), int(np.sum(leads < 0))
    p_value = binomtest(losses, wins + losses, alternative="greater").pvalue if losses else 1.0
    differences = paired_differences(
        y, candidate, champion, groups, fpr_budget=fpr_budget, confidence=confidence, seed=seed
    )
    return {
        "only_candidate_right": int(np.sum(lead > 0)),
        "only_champion_right": int(np.sum(lead < 0)),
        "p_champion_better": float(p_value),
        "differences": {figure: asdict(found) for figure, found in differences.items()},
    }
