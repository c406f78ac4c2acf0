"""The lines of a report's tables, with the places of their bars and points on a scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import Any

from include.contract.manifest import Manifest
from include.reporting.report_inputs import ReportInputs
from include.reporting.svg import Scale

_SELECTED_BY = "average_precision"


@dataclass(frozen=True)
class CandidateRow:
    """A family that was searched.

    Attributes
    ----------
    family : str
    chosen : bool
    folds : tuple of float
        Places of each fold's average precision on the scale.
    at : float
        Place of their mean.
    mean, spread, roc_auc, recall : float
        Means over the folds, and the standard deviation of the first.
    seconds : float or None
        Search and last fit.
    """

    family: str
    chosen: bool
    folds: tuple[float, ...]
    at: float
    mean: float
    spread: float
    roc_auc: float
    recall: float
    seconds: float | None


@dataclass(frozen=True)
class SliceRow:
    """Rows that share a property.

    Attributes
    ----------
    value : str
    n_rows, n_phishing : int
    recall, fpr : Bar or None
        None without such rows.
    review_fpr : float or None
        Share of the legitimate rows that are at least suspicious.
    """

    value: str
    n_rows: int
    n_phishing: int
    recall: "Bar | None"
    fpr: "Bar | None"
    review_fpr: float | None


@dataclass(frozen=True)
class Bar:
    """A value on its scale.

    Attributes
    ----------
    value : float
    at : float
    low, high : float or None
        Places of the ends of its interval.
    text : str
        The interval in words; empty without one.
    judged : bool
        Whether there were rows enough.
    """

    value: float
    at: float
    low: float | None = None
    high: float | None = None
    text: str = ""
    evaluated: bool = True


@dataclass(frozen=True)
class InputRow:
    """An input and what hangs on it.

    Attributes
    ----------
    name, meaning : str
    bar : Bar
    """

    name: str
    meaning: str
    bar: Bar


def candidate_rows(
    manifest: Manifest, report_inputs: ReportInputs
) -> tuple[list[CandidateRow], Scale]:
    """Return the candidates, the best first, and the scale of their points."""
    candidates: Sequence[Mapping[str, Any]] = manifest.metrics.get("candidates") or ()
    scale = Scale.around(fold for each in candidates for fold in each["scores"][_SELECTED_BY])
    rows = [
        CandidateRow(
            family=each["family"],
            chosen=each["family"] == manifest.model["family"],
            folds=tuple(scale.at(fold) for fold in each["scores"][_SELECTED_BY]),
            at=scale.at(fmean(each["scores"][_SELECTED_BY])),
            mean=fmean(each["scores"][_SELECTED_BY]),
            spread=pstdev(each["scores"][_SELECTED_BY]),
            roc_auc=fmean(each["scores"]["roc_auc"]),
            recall=fmean(each["scores"]["recall_at_fpr"]),
            seconds=_seconds(each["family"], report_inputs),
        )
        for each in candidates
    ]
    return sorted(rows, key=lambda row: (-row.mean, row.family)), scale


def slice_rows(report_inputs: ReportInputs) -> dict[str, list[SliceRow]]:
    """Return the lines of each kind of slice, in the order in which they were measured."""
    slices: Sequence[Mapping[str, Any]] = report_inputs.evaluation.get("slices") or ()
    rates = [each["fpr"] for each in slices if each.get("fpr") is not None]
    scale = Scale(0.0, min(1.0, 1.5 * max([0.02, *rates])))
    grouped: dict[str, list[SliceRow]] = {}
    for each in slices:
        row = SliceRow(
            value=str(each["value"]),
            n_rows=each["n"],
            n_phishing=each["n_positive"],
            recall=_bar(each, "recall", Scale(0.0, 1.0)),
            fpr=_bar(each, "fpr", scale),
            review_fpr=each.get("review_fpr"),
        )
        grouped.setdefault(str(each["name"]), []).append(row)
    return grouped


def importance_rows(report_inputs: ReportInputs) -> list[InputRow]:
    """Return the inputs by what is lost when they are shuffled, the largest first."""
    inputs = (report_inputs.importance or {}).get("inputs", ())
    scale = Scale(0.0, max([1e-9, *(drop for each in inputs for drop in each["drops"])]))
    return [
        InputRow(
            each["name"],
            report_inputs.meanings.get(each["name"], ""),
            Bar(
                each["drop"],
                scale.at(each["drop"]),
                scale.at(min(each["drops"])),
                scale.at(max(each["drops"])),
            ),
        )
        for each in inputs
    ]


def drift_rows(report_inputs: ReportInputs) -> tuple[list[InputRow], Scale]:
    """Return the columns by how far they moved, and the scale, which holds both limits."""
    drift = report_inputs.drift or {}
    limits = drift.get("limits") or {"warn_kl": 0.05, "block_kl": 0.25}
    columns = drift.get("columns") or ()
    scale = Scale.around((limits["block_kl"], *(each["kl"] for each in columns)), low=0.0)
    return [
        InputRow(
            each["column"],
            report_inputs.meanings.get(each["column"], ""),
            Bar(each["kl"], scale.at(each["kl"]), text=f"{each['psi']:.3f}"),
        )
        for each in columns
    ], scale


def _bar(document: Mapping[str, Any], name: str, scale: Scale) -> Bar | None:
    value = document.get(name)
    if value is None:
        return None
    evaluated = bool(document.get(f"{name}_evaluated", document.get("evaluated", True)))
    interval = document.get(f"{name}_interval")
    if not interval:
        return Bar(value, scale.at(value), evaluated=evaluated)
    low, high = interval
    text = f"{100 * low:.1f} to {100 * high:.1f} %"
    return Bar(value, scale.at(value), scale.at(low), scale.at(high), text, evaluated)


def _seconds(family: str, report_inputs: ReportInputs) -> float | None:
    times = (report_inputs.seconds or {}).get(family)
    return None if times is None else times["search"] + times["fit"]
