"""What a report recommends, and why: the few sentences that stand first."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from include.contract.manifest import Manifest
from include.reporting.figures import BY_NAME, Figure
from include.reporting.report_inputs import ReportInputs

Kind = Literal["approve", "reject", "practice", "unjudged"]
_COMPARED = ("recall", "fpr", "review_recall", "review_fpr", "roc_auc")
_ENOUGH_EVIDENCE = 0.05


@dataclass(frozen=True)
class Summary:
    """The recommendation.

    Attributes
    ----------
    kind : {"approve", "reject", "practice", "unjudged"}
        Practice: it passed the gate, on made-up records.
    headline : str
    reasons : tuple of str
        Sentences, the weightiest first.
    practice : str
        What it catches and flags, in counts; empty when that was not measured.
    changes : tuple of str
        Against the version in production; empty when there is none.
    n_passed, n_evaluated, n_not_evaluated : int
        Rules of the gate.
    """

    kind: Kind
    headline: str
    reasons: tuple[str, ...]
    practice: str
    changes: tuple[str, ...]
    n_passed: int
    n_evaluated: int
    n_not_evaluated: int


def summarise(manifest: Manifest, report_inputs: ReportInputs) -> Summary:
    """Return what a person who approves should know before reading on."""
    evaluated = [each for each in report_inputs.verdicts or () if each.get("evaluated", True)]
    failed = [each for each in evaluated if not each["passed"]]
    kind = _kind(manifest, report_inputs, n_failed=len(failed))
    headlines: Mapping[Kind, str] = {
        "approve": "Approve",
        "reject": "Do not approve",
        "practice": "For practice only",
        "unjudged": "Not judged",
    }
    reasons = {
        "approve": _why_approve(report_inputs),
        "reject": tuple(each["sentence"] for each in failed),
        "practice": (
            "It passed the gate, but its records are synthetic. None holds for real sites.",
        ),
        "unjudged": ("No verdict of the gate is known: read the figures before deciding.",),
    }
    return Summary(
        kind=kind,
        headline=headlines[kind],
        reasons=reasons[kind],
        practice=_in_practice(manifest, report_inputs),
        changes=_changes(manifest, report_inputs),
        n_passed=len(evaluated) - len(failed),
        n_evaluated=len(evaluated),
        n_not_evaluated=len(report_inputs.verdicts or ()) - len(evaluated),
    )


def _kind(manifest: Manifest, report_inputs: ReportInputs, n_failed: int) -> Kind:
    if n_failed:
        return "reject"
    if not report_inputs.verdicts:
        return "unjudged"
    return "practice" if manifest.snapshot.get("simulated") else "approve"


def _why_approve(report_inputs: ReportInputs) -> tuple[str, ...]:
    comparison = report_inputs.evaluation.get("champion")
    if not comparison:
        return (
            "Every rule of the gate was passed. No production version to compare with: limits "
            "of the policy alone decided.",
        )
    return (
        "Every rule of the gate was passed, the comparison with the version in production too.",
    )


def _in_practice(manifest: Manifest, report_inputs: ReportInputs) -> str:
    """Say recall and false-positive rate in counts, which are read faster and misread less."""
    test = manifest.metrics.get("test") or {}
    if test.get("recall") is None or test.get("fpr") is None:
        return ""
    _, highest = (report_inputs.intervals or {}).get("fpr") or (None, None)
    surely = "" if highest is None else f", at most {math.ceil(1000 * highest)} (95 % confidence)"
    caught, flagged = round(1000 * test["recall"]), round(1000 * test["fpr"])
    doubted = round(1000 * test["review_recall"]) - caught
    alarmed = round(1000 * test["review_fpr"]) - flagged
    return (
        f"Of 1,000 phishing rows it calls about {caught:,} Phishing, {doubted:,} Suspicious and "
        f"misses {1000 - caught - doubted:,}; of 1,000 legitimate rows it calls about {flagged:,} "
        f"Phishing{surely} and {alarmed:,} Suspicious."
    )


def _changes(manifest: Manifest, report_inputs: ReportInputs) -> tuple[str, ...]:
    before = manifest.metrics.get("champion_on_same_rows")
    if not before:
        return ()
    now = manifest.metrics["test"]
    differences = (report_inputs.evaluation.get("champion") or {}).get("differences", {})
    moved = [
        f"{figure.title} {figure.text(now[name])}, was {figure.text(before[name])}"
        f"{_likely(figure, differences.get(name))}"
        for name, figure in ((name, BY_NAME[name]) for name in _COMPARED)
        if name in now and name in before
    ]
    return (
        *([f"On the same test rows: {'; '.join(moved)}."] if moved else ()),
        *_head_to_head(report_inputs.evaluation.get("champion")),
        *_other_model(manifest, report_inputs.champion),
    )


def _likely(figure: Figure, difference: Mapping[str, float] | None) -> str:
    """Say between which differences the true one lies."""
    if difference is None:
        return ""
    low, high = (figure.change(difference[end], 0.0) for end in ("low", "high"))
    return f" (a change of {low} to {high})"


def _head_to_head(comparison: Mapping[str, Any] | None) -> tuple[str, ...]:
    if not comparison or "only_candidate_right" not in comparison:
        return ()
    wins, losses = comparison["only_candidate_right"], comparison["only_champion_right"]
    if wins == losses == 0:
        return ("It is right and wrong on the very same rows.",)
    if wins == losses:
        sure = "a draw"
    elif min(comparison["p_champion_better"], _p_better(comparison)) < _ENOUGH_EVIDENCE:
        sure = "more than chance explains"
    else:
        sure = "which chance alone may explain"
    return (f"Right where the other is wrong: {wins} rows, against {losses} rows; {sure}.",)


def _p_better(comparison: Mapping[str, Any]) -> float:
    """Return how likely so many rows for the candidate are if both are equally good."""
    from scipy.stats import binomtest

    wins, losses = comparison["only_candidate_right"], comparison["only_champion_right"]
    return float(binomtest(wins, wins + losses, alternative="greater").pvalue)


def _other_model(manifest: Manifest, champion: Mapping[str, Any] | None) -> tuple[str, ...]:
    if not champion:
        return ()
    said = []
    if champion.get("family") not in (None, manifest.model["family"]):
        said.append(f"The family is {manifest.model['family']}, was {champion['family']}.")
    if "thresholds" in champion:
        now, then = manifest.thresholds, champion["thresholds"]
        said.append(
            f"Phishing from {now.block:.4f} on, was {then.block:.4f}; Suspicious from "
            f"{now.review:.4f} on, was {then.review:.4f}."
        )
    if champion.get("digest") == manifest.snapshot.get("digest"):
        said.append("It was trained on the same snapshot of records.")
    elif rows := champion.get("rows"):
        n_now, n_then = sum(manifest.snapshot["rows"].values()), sum(rows.values())
        said.append(f"There are {n_now:,} rows, there were {n_then:,}.")
    return tuple(said)
