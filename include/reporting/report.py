"""A version's report: one self-contained page, readable offline, that names no other host."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from include.contract.manifest import Manifest
from include.reporting.evidence import Evidence
from include.reporting.figures import BY_NAME, NOT_MEASURED, figure_rows, interval_text
from include.reporting.limits import LIMITS, RISKS, TRADEOFF, USE_CASES, by_prevalence
from include.reporting.plots import plots
from include.reporting.rows import candidate_rows, drift_rows, importance_rows, slice_rows
from include.reporting.summary import summarise
from include.reporting.swarm import swarm_rows

_TILES = ("accuracy", "recall", "fpr", "roc_auc")


def render_report(manifest: Manifest, evidence: Evidence) -> str:
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
            evidence=evidence,
            summary=summarise(manifest, evidence),
            figures=figure_rows(manifest, evidence),
            tiles=[row for row in figure_rows(manifest, evidence) if row.figure.name in _TILES],
            plots=plots(manifest, evidence.curves),
            slices=slice_rows(evidence),
            candidates=candidate_rows(manifest, evidence),
            importance=importance_rows(evidence),
            swarm=swarm_rows(evidence),
            drift=drift_rows(evidence),
            prevalence=by_prevalence(manifest),
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
