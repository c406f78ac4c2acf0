"""Translate a run's documents to MLflow's parameters, metrics, tags and files. No I/O."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean, stdev
from typing import Any

from include.contract import keys
from include.contract.dag_ids import train_dag
from include.contract.run_documents import (
    CandidateResult,
    ChosenModel,
    DriftSummary,
    Evaluation,
    GateVerdicts,
    PackagedVersion,
    SearchTime,
    ServingFigures,
    SnapshotSummary,
    ValidationSummary,
)
from include.tracking.record import RunRecord
from include.tracking.run_outcome import RunOutcome

_SECONDS = ".seconds.json"
_CANDIDATES = "candidates/"
_SUMMARIES: tuple[tuple[type[Any], str], ...] = (
    (ServingFigures, "served_"),
    (ValidationSummary, "rows_"),
    (DriftSummary, "drift_"),
)


@dataclass(frozen=True)
class Figure:
    """One value of a metric.

    Attributes
    ----------
    name : str
    value : float
    step : int
        The fold, where there is one.
    """

    name: str
    value: float
    step: int = 0


@dataclass(frozen=True)
class DataSet:
    """The snapshot that a run was trained on.

    Attributes
    ----------
    name, digest, source : str
    profile : mapping
        Its size.
    """

    name: str
    digest: str
    source: str
    profile: Mapping[str, Any]


@dataclass(frozen=True)
class TrackedRun:
    """One run as MLflow shows it.

    Attributes
    ----------
    name : str
    status : {"FINISHED", "FAILED"}
        FAILED for a rejected run.
    started_ms, ended_ms : int
        Milliseconds since 1970.
    tags, params : mapping of str to str
    figures : tuple of Figure
    artifacts : mapping of str to bytes
        Files by their path.
    children : tuple of TrackedRun
    dataset : DataSet or None
    """

    name: str
    status: str
    started_ms: int
    ended_ms: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    figures: tuple[Figure, ...]
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    children: "tuple[TrackedRun, ...]" = ()
    dataset: DataSet | None = None


def translate(record: RunRecord) -> TrackedRun:
    """Return the run with a child for each candidate."""
    ended, chosen = record.outcome, record.read(ChosenModel)
    families = [name for name in record.documents if name.startswith(_CANDIDATES)]
    children = tuple(
        _candidate(record, name, chosen) for name in sorted(families) if not name.endswith(_SECONDS)
    )
    cross_validated = [
        figure
        for child in children
        if child.tags["chosen"] == "true"
        for figure in child.figures
        if figure.name.endswith("_mean")
    ]
    return TrackedRun(
        name=ended.run_id,
        status="FINISHED" if ended.outcome in ("approved", "proposed", "superseded") else "FAILED",
        started_ms=ended.started_ms,
        ended_ms=ended.ended_ms,
        tags=_tags(record),
        params=_params(ended, chosen),
        figures=(*cross_validated, *_figures(record)),
        artifacts=_artifacts(record),
        children=children,
        dataset=_dataset(record),
    )


def _tags(record: RunRecord) -> dict[str, str]:
    ended, gate, response = record.outcome, record.read(GateVerdicts), record.response
    packaged, snapshot = record.read(PackagedVersion), record.read(SnapshotSummary)
    tags = {
        "pipeline": ended.pipeline,
        "dag_run_id": ended.run_id,
        "outcome": ended.outcome,
        "failed_tasks": ", ".join(ended.failed_tasks),
        "version": packaged and packaged.version,
        "manifest_sha256": packaged and packaged.manifest_sha256,
        "snapshot_digest": snapshot and snapshot.digest,
        "decided_by": response and response.by,
        "decision_reason": response and response.reason,
        "code_commit": ended.code_commit,
        "airflow_run": ended.link,
        "mlflow.source.name": train_dag(ended.pipeline),
        "mlflow.source.type": "JOB",
        "mlflow.source.git.commit": ended.code_commit,
        "mlflow.note.content": "\n".join(
            f"- {'passed' if verdict.passed else '**REJECTED**'}: {verdict.sentence}"
            for verdict in (gate.verdicts if gate else ())
        ),
    }
    return {name: str(value) for name, value in tags.items() if value}


def _params(ended: RunOutcome, chosen: ChosenModel | None) -> dict[str, str]:
    params: dict[str, Any] = {f"order_{name}": value for name, value in ended.order.items()}
    if chosen:
        params |= {"family": chosen.family, **chosen.params}
        params |= {f"{name}_threshold": at for name, at in vars(chosen.thresholds).items()}
    return _serialised(params)


def _figures(record: RunRecord) -> Iterator[Figure]:
    """Yield the metrics of a run; the prefix names the rows that they were measured on."""
    if evaluation := record.read(Evaluation):
        yield from _numbers(evaluation.test, "test_")
        yield from _numbers(evaluation.random_split, "random_split_")
        yield from _numbers(evaluation.champion_on_same_rows, "champion_")
        yield from _numbers(evaluation.rows, "rows_")
        low, high = evaluation.fpr_interval
        intervals = {"accuracy_ceiling": evaluation.ceiling, "fpr_low": low, "fpr_high": high}
        yield from _numbers(intervals, "test_")
        yield from _numbers(evaluation.known_pages, "known_pages_")
        for edit in evaluation.edits:
            yield from _numbers(edit, f"edit_{edit['name'].replace(' ', '_')}_")
    for kind, prefix in _SUMMARIES:
        if summary := record.read(kind):
            yield from _numbers(asdict(summary), prefix)


def _numbers(values: Mapping[str, Any] | None, prefix: str) -> Iterator[Figure]:
    """Yield the numbers directly in a mapping; nested ones are in the artifacts."""
    for name, value in (values or {}).items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield Figure(f"{prefix}{name}", float(value))


def _candidate(record: RunRecord, name: str, chosen: ChosenModel | None) -> TrackedRun:
    found = record.read(CandidateResult, name)
    assert found is not None, "the name is one of the record's"
    took = record.read(SearchTime, name.removesuffix(".json") + _SECONDS)
    seconds = asdict(took) if took else {}
    started_ms = record.outcome.started_ms
    return TrackedRun(
        name=found.family,
        status="FINISHED",
        started_ms=started_ms,
        ended_ms=started_ms + round(1_000 * sum(seconds.values())),
        tags={
            "pipeline": record.outcome.pipeline,
            "family": found.family,
            "chosen": str(chosen is not None and found.family == chosen.family).lower(),
        },
        params=_serialised({"family": found.family, **found.params}),
        figures=(
            *_fold_figures(found.scores),
            *(Figure(f"{name}_seconds", float(value)) for name, value in seconds.items()),
        ),
    )


def _fold_figures(scores: Mapping[str, Sequence[float]]) -> Iterator[Figure]:
    for metric, folds in scores.items():
        for step, value in enumerate(folds):
            yield Figure(f"cv_{metric}", value, step)
        yield Figure(f"cv_{metric}_mean", fmean(folds))
        if len(folds) > 1:
            yield Figure(f"cv_{metric}_std", stdev(folds))


def _artifacts(record: RunRecord) -> dict[str, bytes]:
    documents = {f"documents/{name}": body for name, body in record.documents.items()}
    return documents | {f"version/{name}": body for name, body in record.version_files.items()}


def _dataset(record: RunRecord) -> DataSet | None:
    snapshot = record.read(SnapshotSummary)
    if snapshot is None:
        return None
    pipeline, profile = record.outcome.pipeline, asdict(snapshot)
    digest = profile.pop("digest")
    source = f"s3://{record.bucket}/{keys.snapshot_prefix(pipeline, digest)}"
    return DataSet(pipeline, digest, source, profile)


def _serialised(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value, default=str)
        for name, value in values.items()
    }
