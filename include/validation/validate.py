"""Records against their suite: which may be trained on, which go to quarantine, or none at all."""

import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from include.errors import DataRejectedError
from include.validation.data_docs import build
from include.validation.data_docs.distributions import distributions
from include.validation.data_docs.pages import quarantine_page
from include.validation.findings import (
    Finding,
    RowReason,
    dataset_findings,
    listed,
    row_findings,
    row_reasons,
)
from include.validation.project import Results, load_suite, open_project, run_suite
from include.validation.statistics import frame_statistics
from include.validation.type_errors import NO_TYPE_ERRORS, type_findings, type_reasons

logger = logging.getLogger(__name__)

MAX_SENTENCES_NAMED = 10
MAX_REASONS_COUNTED = 50


@dataclass(frozen=True)
class ValidationOutcome:
    """The outcome of validating one frame.

    Attributes
    ----------
    accepted : DataFrame of shape (n_accepted, n_columns)
        The rows that break no row-level rule, as they came.
    quarantined : DataFrame of shape (n_quarantined, n_columns + 1)
        The others, with the column ``reasons``: sentences joined by ``; ``.
    failures : tuple of str
        Why the frame as a whole may not be trained on; empty when it may.
    warnings : tuple of str
        What a person should look at.
    statistics : dict
        Counts and shares as JSON values.
    docs_dir : Path
        The run's Data Docs, browsable offline from ``index.html``.
    """

    suite_name: str
    accepted: pd.DataFrame
    quarantined: pd.DataFrame
    failures: tuple[str, ...]
    warnings: tuple[str, ...]
    statistics: dict[str, Any]
    docs_dir: Path

    def raise_if_rejected(self) -> None:
        """Return when the accepted rows may be trained on.

        Raises
        ------
        DataRejectedError
            If a dataset-level rule is broken; the message holds each reason.
        """
        if not self.failures:
            return
        named = "; ".join(self.failures[:MAX_SENTENCES_NAMED])
        rest = len(self.failures) - MAX_SENTENCES_NAMED
        more = f"; and {rest} more, see the Data Docs" if rest > 0 else ""
        raise DataRejectedError(f"{self.suite_name}: {named}{more}")


def validate(
    frame: pd.DataFrame,
    *,
    suite_name: str,
    gx_root: Path,
    run_id: str,
    max_quarantined_share: float,
    work_dir: Path,
    type_errors: pd.DataFrame | None = None,
    computed: pd.DataFrame | None = None,
) -> ValidationOutcome:
    """Return the rows of `frame` that pass, and write the run's Data Docs.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        ``_id`` as text, each value once, and the record's columns; NaN is missing.
    suite_name : str
        The pipeline; its suite is ``<gx_root>/expectations/<suite_name>.json``.
    gx_root : Path
        The repository's ``gx`` folder; only read.
    run_id : str
        Unique name of the run.
    max_quarantined_share : float
        Share of rows, 0 to 1, that may be rejected before the frame as a whole is.
    work_dir : Path
        A folder of this run alone.
    type_errors : DataFrame of shape (n_errors, 4) or None
        ``_id``, ``column``, ``value`` and ``bson_type`` of values that their column cannot
        hold; they are missing in `frame`.
    computed : DataFrame of shape (n_rows, n_computed) or None
        Further columns of the same rows that the suite validates; they are not stored.

    Raises
    ------
    ValidationBrokenError
        If a rule could not be evaluated: the suite or the code is at fault.
    """
    suite = load_suite(gx_root, suite_name)
    wrong = NO_TYPE_ERRORS if type_errors is None else type_errors
    evaluated = frame if computed is None else frame.join(computed)
    with open_project(gx_root, work_dir) as project:
        rules = _applicable(suite, evaluated)
        results = run_suite(project, rules, evaluated, run_id=run_id)
        docs_dir = build.site_dir(work_dir, suite_name, run_id)
        outcome = _decide(suite, frame, evaluated, results, wrong, max_quarantined_share, docs_dir)
        page = quarantine_page(
            title=f"Records of {suite_name}, run {run_id}",
            failures=outcome.failures,
            warnings=outcome.warnings,
            statistics=outcome.statistics,
            quarantined=outcome.quarantined,
            legend=str(suite.get("meta", {}).get("legend", "")),
            charts=_charts(suite, frame, evaluated),
        )
        build.build_docs(project, suite_name, run_id, {build.QUARANTINE_PAGE: page})
    logger.info(
        "%s: %d of %d records accepted, %d rules of the whole set broken",
        *(suite_name, len(outcome.accepted), len(frame), len(outcome.failures)),
    )
    return outcome


def _charts(suite: dict[str, Any], frame: pd.DataFrame, evaluated: pd.DataFrame) -> str:
    """Return how the record's own columns, and those that the suite names, are spread."""
    meta = suite.get("meta", {})
    drawn = [name for name in meta.get("drawn", []) if name in evaluated.columns]
    return distributions(evaluated[[*frame.columns, *drawn]], meta.get("label"))


def _decide(
    suite: dict[str, Any],
    frame: pd.DataFrame,
    evaluated: pd.DataFrame,
    results: Results,
    wrong: pd.DataFrame,
    max_share: float,
    docs_dir: Path,
) -> ValidationOutcome:
    reasons = [*type_reasons(frame, wrong), *row_reasons(results)]
    accepted, quarantined = _separate(frame, reasons)
    findings = [
        *dataset_findings(results),
        *row_findings(results),
        *_absent_columns(suite, evaluated),
        *type_findings(frame, wrong, max_share),
        *_excess(frame, quarantined, reasons, max_share),
    ]
    return ValidationOutcome(
        suite_name=suite["name"],
        accepted=accepted,
        quarantined=quarantined,
        failures=_sentences(findings, "critical"),
        warnings=_sentences(findings, "warning"),
        statistics=_statistics(suite, frame, evaluated, quarantined, reasons, results),
        docs_dir=docs_dir,
    )


def _applicable(suite: dict[str, Any], frame: pd.DataFrame) -> dict[str, Any]:
    """Return the suite without the rules of columns that this frame does not have."""
    known = set(frame.columns) if len(frame) else set()
    kept = [rule for rule in suite["expectations"] if _columns(rule) <= known]
    return {**suite, "expectations": kept}


def _columns(rule: dict[str, Any]) -> set[str]:
    kwargs = rule["kwargs"]
    single = {kwargs[name] for name in ("column", "column_A", "column_B") if name in kwargs}
    return single | set(kwargs.get("column_list", ()))


def _absent_columns(suite: dict[str, Any], frame: pd.DataFrame) -> list[Finding]:
    required = [
        _columns(rule) for rule in suite["expectations"] if rule.get("severity") == "critical"
    ]
    absent = sorted(set().union(*required) - set(frame.columns))
    return (
        [Finding("critical", f"columns missing from the records: {listed(absent)}")]
        if absent
        else []
    )


def _separate(frame: pd.DataFrame, reasons: list[RowReason]) -> tuple[pd.DataFrame, pd.DataFrame]:
    by_row: dict[str, list[str]] = {}
    for each in reasons:
        by_row.setdefault(each.row_id, []).append(each.reason)
    bad = frame["_id"].isin(by_row)
    quarantined = frame[bad].reset_index(drop=True)
    texts = ["; ".join(by_row[row_id]) for row_id in quarantined["_id"]]
    quarantined["reasons"] = pd.Series(texts, dtype="str")
    return frame[~bad].reset_index(drop=True), quarantined


def _excess(
    frame: pd.DataFrame, quarantined: pd.DataFrame, reasons: list[RowReason], max_share: float
) -> list[Finding]:
    if len(quarantined) <= max_share * len(frame):
        return []
    ((reason, count),) = Counter(each.reason for each in reasons).most_common(1)
    sentence = (
        f"{len(quarantined)} of {len(frame)} records ({len(quarantined) / len(frame):.2%}) "
        f"break a rule and at most {max_share:.2%} may; most often ({count}) {reason}"
    )
    return [Finding("critical", sentence)]


def _statistics(
    suite: dict[str, Any],
    frame: pd.DataFrame,
    evaluated: pd.DataFrame,
    quarantined: pd.DataFrame,
    reasons: list[RowReason],
    results: Results,
) -> dict[str, Any]:
    meta = suite.get("meta", {})
    inputs = [name for name in meta.get("inputs", []) if name in evaluated.columns]
    shown = evaluated[list(dict.fromkeys([*frame.columns, *inputs]))]
    counts = Counter(each.reason for each in reasons)
    return {
        "rows": len(frame),
        "quarantined": len(quarantined),
        "accepted": len(frame) - len(quarantined),
        "reasons": dict(counts.most_common(MAX_REASONS_COUNTED)),
        "expectations": len(results),
        "expectations_failed": sum(not each["success"] for each in results),
        **frame_statistics(shown, inputs=inputs, label=meta.get("label")),
    }


def _sentences(findings: list[Finding], severity: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.sentence for each in findings if each.severity == severity))
