"""Drift of records against the champion's training records: effect sizes by column.

Significance is not tested: at thousands of rows every difference is significant.
"""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from include.contract import keys
from include.errors import DataRejectedError
from include.validation.categories import Shares, categorise, shares
from include.validation.data_docs.build import DRIFT_PAGE, DRIFT_SUFFIX, build_docs
from include.validation.data_docs.pages import drift_page
from include.validation.project import Results, open_project, run_suite

_IDS = uuid.UUID("2a2b3c1e-51a5-4d5c-9a52-6f1c8c0f3d55")


@dataclass(frozen=True)
class DriftLimits:
    """Divergence limits of warning and blocking.

    Attributes
    ----------
    warn_kl, block_kl : float
        Kullback-Leibler divergence in nats of the current from the reference shares; about half
        the population stability index, whose customary limits are 0.1 and 0.25.
    """

    warn_kl: float = 0.05
    block_kl: float = 0.25


@dataclass(frozen=True)
class ColumnDrift:
    """Drift of one column.

    Attributes
    ----------
    column : str
    kl, psi : float
        Kullback-Leibler divergence, in nats, and population stability index; 0 is no change.
    """

    column: str
    kl: float
    psi: float


@dataclass(frozen=True)
class DriftOutcome:
    """Drift of a frame against a reference.

    Attributes
    ----------
    reference : str or None
        What the frame was compared with; None when there is no champion yet.
    columns : tuple of ColumnDrift
        The most moved first; empty without a reference.
    limits : DriftLimits
    sentences : tuple of str
        For people; never empty.
    docs_dir : Path or None
        The run's Data Docs, the drift among them; None without a reference, or if none
        were requested.
    """

    reference: str | None
    columns: tuple[ColumnDrift, ...]
    limits: DriftLimits
    sentences: tuple[str, ...]
    docs_dir: Path | None

    @property
    def max_kl(self) -> float:
        """The largest divergence of a column; 0 without a reference."""
        return max((each.kl for each in self.columns), default=0.0)

    @property
    def max_psi(self) -> float:
        """The largest population stability index of a column; 0 without a reference."""
        return max((each.psi for each in self.columns), default=0.0)

    @property
    def warned(self) -> tuple[str, ...]:
        """Columns beyond the warning limit, those beyond the blocking limit among them."""
        return tuple(each.column for each in self.columns if each.kl > self.limits.warn_kl)

    @property
    def blocked(self) -> tuple[str, ...]:
        """Columns beyond the blocking limit."""
        return tuple(each.column for each in self.columns if each.kl > self.limits.block_kl)

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as JSON values."""
        return {
            "reference": self.reference,
            "columns": [asdict(each) for each in self.columns],
            "limits": asdict(self.limits),
            "max_kl": self.max_kl,
            "max_psi": self.max_psi,
            "warned": list(self.warned),
            "blocked": list(self.blocked),
            "sentences": list(self.sentences),
        }


def no_reference(pipeline: str, limits: DriftLimits | None = None) -> DriftOutcome:
    """Return the outcome without a champion: nothing to compare with, nothing moved."""
    sentence = f"{pipeline}: no champion is in production yet, so there is nothing to compare with"
    return DriftOutcome(None, (), limits or DriftLimits(), (sentence,), None)


def measure_drift(
    frame: pd.DataFrame,
    reference: pd.DataFrame,
    columns: Sequence[str],
    *,
    pipeline: str,
    reference_name: str,
    gx_root: Path,
    run_id: str,
    work_dir: Path,
    limits: DriftLimits | None = None,
    with_docs: bool = True,
) -> DriftOutcome:
    """Return the drift of `frame` against `reference`, and add it to the run's Data Docs.

    Parameters
    ----------
    frame, reference : DataFrame of shape (n_rows, n_columns)
        The accepted rows of this run, and those that the champion was trained on; NaN is missing
        and counts as a value of its own.
    columns : sequence of str
        Inputs and label; one that the reference lacks is named and not compared.
    pipeline : str
    reference_name : str
        What to call the reference: the champion's version, for instance.
    gx_root : Path
        The repository's ``gx`` folder; only read.
    run_id : str
    work_dir : Path
        A folder of this run alone. When validation worked in it, or
        `data_docs.build.fetch_source` filled it, its findings stand in the same docs.
    limits : DriftLimits or None
    with_docs : bool
        Whether Data Docs are built, which takes longest.

    Raises
    ------
    DataRejectedError
        If either frame has no rows, or none of the columns is in the reference.
    ValidationBrokenError
        If Great Expectations cannot evaluate a comparison.
    """
    limits = limits or DriftLimits()
    compared = [column for column in columns if column in reference]
    if frame.empty or reference.empty or not compared:
        raise DataRejectedError(f"{pipeline}: no rows or columns to compare with {reference_name}")
    categories = {column: categorise(frame[column], reference[column]) for column in compared}
    both = {column: shares(now, then) for column, (now, then) in categories.items()}
    current = pd.DataFrame({"_id": frame["_id"]} | {c: now for c, (now, _) in categories.items()})
    suite = _suite(pipeline, reference_name, both, limits)
    with open_project(gx_root, work_dir) as project:
        results = run_suite(project, suite, current, run_id=run_id)
        moved = _ranked(results, both)
        sentences = _sentences(moved, reference_name, limits) + tuple(
            f"{column} is new since {reference_name} and was not compared"
            for column in columns
            if column not in compared
        )
        page = drift_page(
            title=f"Records of {pipeline}, run {run_id}, against {reference_name}",
            sentences=sentences,
            rows=[(each.column, each.kl, each.psi, _verdict(each, limits)) for each in moved],
        )
        pages = {DRIFT_PAGE: page}
        docs_dir = build_docs(project, pipeline, run_id, pages) if with_docs else None
    return DriftOutcome(reference_name, moved, limits, sentences, docs_dir)


def _suite(
    pipeline: str, reference_name: str, compared: dict[str, Shares], limits: DriftLimits
) -> dict[str, Any]:
    name = f"{keys.pipeline_name(pipeline)}{DRIFT_SUFFIX}"
    rules = [
        {
            "id": str(uuid.uuid5(_IDS, f"{name}/{column}")),
            "type": "expect_column_kl_divergence_to_be_less_than",
            "kwargs": {
                "column": column,
                "partition_object": {
                    "values": list(each.names),
                    "weights": each.reference.tolist(),
                },
                "threshold": limits.warn_kl,
            },
            "severity": "warning",
            "meta": {"level": "dataset", "psi": round(each.psi, 6)},
            "notes": f"Population stability index {each.psi:.4f}.",
        }
        for column, each in compared.items()
    ]
    notes = f"Shares of values in the records of this run against those of {reference_name}."
    return {
        "name": name,
        "id": str(uuid.uuid5(_IDS, name)),
        "notes": notes,
        "meta": {"reference": reference_name},
        "expectations": rules,
    }


def _ranked(results: Results, compared: dict[str, Shares]) -> tuple[ColumnDrift, ...]:
    moved = []
    for each in results:
        column = each["expectation_config"]["kwargs"]["column"]
        kl = float(each["result"]["observed_value"])
        moved.append(ColumnDrift(column, kl, compared[column].psi))
    return tuple(sorted(moved, key=lambda drift: (-drift.kl, drift.column)))


def _verdict(moved: ColumnDrift, limits: DriftLimits) -> str:
    if moved.kl > limits.block_kl:
        return "moved far"
    return "moved" if moved.kl > limits.warn_kl else "as before"


def _sentences(
    moved: Sequence[ColumnDrift], reference_name: str, limits: DriftLimits
) -> tuple[str, ...]:
    said = [
        f"{each.column} has {_verdict(each, limits)} from {reference_name}: "
        f"divergence {each.kl:.3f}, stability index {each.psi:.3f}"
        for each in moved
        if each.kl > limits.warn_kl
    ]
    if said:
        return tuple(said)
    return (f"no column has moved from {reference_name} by more than {limits.warn_kl:g}",)
