"""A version's report: one self-contained page, readable offline, that names no other host."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from include.contract.manifest import Manifest
from include.reporting.beeswarm import beeswarm_rows
from include.reporting.figures import BY_NAME, NOT_MEASURED, figure_rows, interval_text
from include.reporting.limits import LIMITS, RISKS, TRADEOFF, USE_CASES, by_prevalence, low_rates
from include.reporting.plots import plots
from include.reporting.report_inputs import ReportInputs
from include.reporting.rows import candidate_rows, drift_rows, importance_rows, slice_rows
from include.reporting.summary import summarise

_TILES = ("recall", "fpr", "review_recall", "review_fpr", "roc_auc")


def render_report(manifest: Manifest, report_inputs: ReportInputs) -> str:
    """Return the HTML of ``report.html``; equal manifests and evidence give equal pages.

    Parameters
    ----------
    manifest : Manifest
        Its `files` are not shown: the report is one of them.
    evidence : Evidence
        Whatever it does not hold is shown as not measured.
    """
    return (
        _environment()
        .get_template("report.html")
        .render(
            manifest=manifest,
            metrics=manifest.metrics,
            test=manifest.metrics.get("test") or {},
            report_inputs=report_inputs,
            summary=summarise(manifest, report_inputs),
            figures=figure_rows(manifest, report_inputs),
            tiles=[
                row for row in figure_rows(manifest, report_inputs) if row.figure.name in _TILES
            ],
            plots=plots(
                manifest, report_inputs.curves, report_inputs.evaluation.get("later_months")
            ),
            slices=slice_rows(report_inputs),
            candidates=candidate_rows(manifest, report_inputs),
            importance=importance_rows(report_inputs),
            beeswarm=beeswarm_rows(report_inputs),
            drift=drift_rows(report_inputs),
            prevalence=by_prevalence(manifest),
            low_rates=low_rates(manifest),
            limits=LIMITS,
            risks=RISKS,
            tradeoff=TRADEOFF,
            use_cases=USE_CASES,
            by_name=BY_NAME,
            interval_text=interval_text,
            not_measured=NOT_MEASURED,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("include.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["count"] = lambda number: f"{number:,}"
    environment.filters["share"] = _share
    return environment


def _share(value: float | None, digits: int = 1) -> str:
    return NOT_MEASURED if value is None else f"{100 * value:.{digits}f} %"
