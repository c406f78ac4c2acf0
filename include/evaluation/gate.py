"""Whether a model may be approved: each rule gives one sentence with its figure and its limit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Policy:
    """What a pipeline's models must show on rows that took no part in any choice.

    Attributes
    ----------
    min_accuracy, min_roc_auc, min_recall_at_fpr : float
        Floors; the recall is the ROC curve's at the false-positive budget.
    max_ece : float
        Largest expected calibration error.
    max_onnx_difference : float
        Largest difference of a probability between ONNX and scikit-learn, on any test row.
    max_latency_us : float
        Median time of one record in process, in microseconds.
    max_size_bytes : int
        Of all files of the version together.
    confidence : float
        With which a statistical rule must speak before it rejects.
    """

    min_accuracy: float
    min_roc_auc: float
    min_recall_at_fpr: float
    max_ece: float
    max_onnx_difference: float = 1e-5
    max_latency_us: float = 2_000.0
    max_size_bytes: int = 50_000_000
    confidence: float = 0.95


@dataclass(frozen=True)
class Verdict:
    """The outcome of one rule.

    Attributes
    ----------
    rule : str
    passed : bool
    sentence : str
        The figure and the limit, for a person.
    """

    rule: str
    passed: bool
    sentence: str


def judge(evidence: Mapping[str, Any], policy: Policy) -> tuple[Verdict, ...]:
    """Return the verdict of every rule, in the order in which a person would ask.

    Parameters
    ----------
    evidence : mapping
        ``test`` (figures of `include.evaluation.metrics.evaluate`), ``fpr_interval`` (of
        `include.evaluation.intervals.false_positive_interval`), ``champion`` (of
        `compare_with_champion`, or None), ``drift`` (``blocked`` columns and ``sentences``),
        ``accept_drift``, ``fpr_budget``, ``onnx_difference``, ``latency_us``, ``size_bytes``.
    policy : Policy
    """
    test = evidence["test"]
    return (
        _floor("accuracy", test["accuracy"], policy.min_accuracy),
        _floor("roc_auc", test["roc_auc"], policy.min_roc_auc),
        _floor("recall_at_fpr", test["recall_at_fpr"], policy.min_recall_at_fpr),
        _ceiling("calibration_error", test["ece"], policy.max_ece),
        _false_positives(test, evidence["fpr_interval"], evidence["fpr_budget"]),
        _champion(evidence["champion"], policy.confidence),
        _drift(evidence["drift"], evidence["accept_drift"]),
        _ceiling("onnx_difference", evidence["onnx_difference"], policy.max_onnx_difference),
        _ceiling("latency_us", evidence["latency_us"], policy.max_latency_us),
        _ceiling("size_bytes", evidence["size_bytes"], policy.max_size_bytes),
    )


def compare_with_champion(
    y: npt.NDArray[np.int8],
    candidate: npt.NDArray[np.floating[Any]],
    champion: npt.NDArray[np.floating[Any]],
) -> dict[str, float]:
    """Return who is right where the other is wrong, and the exact McNemar p-value.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        1 = phishing.
    candidate, champion : ndarray of shape (n_rows,)
        Their probabilities of phishing, on the same rows.

    Returns
    -------
    dict
        ``only_candidate_right``, ``only_champion_right`` (rows), and ``p_champion_better``: how
        likely so many rows for the champion are if both are equally good.

    Notes
    -----
    McNemar (1947), exact binomial form, doi 10.1007/BF02295996.
    """
    from scipy.stats import binomtest

    candidate_right = (candidate >= 0.5) == y
    champion_right = (champion >= 0.5) == y
    wins = int(np.sum(candidate_right & ~champion_right))
    losses = int(np.sum(champion_right & ~candidate_right))
    p_value = binomtest(losses, wins + losses, alternative="greater").pvalue if losses else 1.0
    return {
        "only_candidate_right": wins,
        "only_champion_right": losses,
        "p_champion_better": float(p_value),
    }


def rejections(verdicts: Sequence[Verdict]) -> list[str]:
    """Return the sentences of the rules that were not passed."""
    return [verdict.sentence for verdict in verdicts if not verdict.passed]


def _floor(rule: str, figure: float, limit: float) -> Verdict:
    passed = bool(figure >= limit)
    sign = ">=" if passed else "<"
    return Verdict(rule, passed, f"{rule} {figure:.4g} {sign} {limit:.4g}")


def _ceiling(rule: str, figure: float, limit: float) -> Verdict:
    passed = bool(figure <= limit)
    sign = "<=" if passed else ">"
    return Verdict(rule, passed, f"{rule} {figure:.4g} {sign} {limit:.4g}")


def _false_positives(test: Mapping[str, Any], interval: Sequence[float], budget: float) -> Verdict:
    """Reject when the test rows contradict the budget, not when chance alone exceeds it."""
    low, high = interval
    passed = bool(low <= budget)
    negatives = test["n_rows"] - test["n_phishing"]
    return Verdict(
        "false_positives",
        passed,
        f"{test['false_positives']} of {negatives} legitimate rows flagged, {low:.2%} to "
        f"{high:.2%} by chance: a budget of {budget:.2%} is {'' if passed else 'not '}believable",
    )


def _champion(comparison: Mapping[str, float] | None, confidence: float) -> Verdict:
    if comparison is None:
        return Verdict("champion", True, "no champion yet: the floors alone decide")
    p_value = comparison["p_champion_better"]
    passed = bool(p_value >= 1 - confidence)
    return Verdict(
        "champion",
        passed,
        f"{'not worse' if passed else 'worse'} than the champion: right alone on "
        f"{comparison['only_candidate_right']} rows, wrong alone on "
        f"{comparison['only_champion_right']} (p = {p_value:.3g})",
    )


def _drift(drift: Mapping[str, Any], accepted: bool) -> Verdict:
    """Reject when a column has moved so far that its source may be broken, unless told not to."""
    if not drift["blocked"]:
        return Verdict("drift", True, "no column has moved beyond the blocking limit")
    moved = f"moved beyond the blocking limit: {', '.join(drift['blocked'])}"
    return Verdict(
        "drift", accepted, f"{moved}{'; accepted by whoever started the run' * accepted}"
    )
