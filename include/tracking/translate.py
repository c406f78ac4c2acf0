"""A run's documents as MLflow takes them: names, parameters, figures, files. No I/O."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

from include.contract import keys
from include.contract.dag_ids import train_dag
from include.contract.gate_verdicts import GATE
from include.tracking.record import RunRecord
from include.tracking.run_outcome import Ending

_SECONDS = ".seconds.json"
_CANDIDATES = "candidates/"
_NOT_SHOWN = ("digest", "schema_version")
# Figures of one name mean different things: the prefix says on which rows they were measured.
_PREFIXES = (
    ("evaluation.json", "test", "test_"),
    ("evaluation.json", "random_split", "random_split_"),
    ("evaluation.json", "champion_on_same_rows", "champion_"),
    ("evaluation.json", "rows", "rows_"),
    ("infra_validation.json", None, "served_"),
    ("validation.json", None, "rows_"),
    ("drift.json", None, "drift_"),
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
    """The snapshot a run was trained on.

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
        A rejected run is not green.
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
    ending, documents = record.ending, record.documents
    chosen = documents.get("chosen.json", {})
    families = [name for name in documents if name.startswith(_CANDIDATES)]
    children = tuple(
        _candidate(ending, documents, name, chosen.get("family"))
        for name in sorted(families)
        if not name.endswith(_SECONDS)
    )
    cross_validated = [
        figure
        for child in children
        if child.tags["chosen"] == "true"
        for figure in child.figures
        if figure.name.endswith("_mean")
    ]
    return TrackedRun(
        name=ending.run_id,
        status="FINISHED" if ending.outcome in ("approved", "superseded") else "FAILED",
        started_ms=ending.started_ms,
        ended_ms=ending.ended_ms,
        tags=_tags(record),
        params=_params(ending, chosen),
        figures=(*cross_validated, *_figures(documents)),
        artifacts=_artifacts(record),
        children=children,
        dataset=_dataset(record),
    )


def _tags(record: RunRecord) -> dict[str, str]:
    ending, documents = record.ending, record.documents
    verdicts = documents.get(GATE, {}).get("verdicts", [])
    answer = documents.get("approval.json", {})
    tags = {
        "pipeline": ending.pipeline,
        "dag_run_id": ending.run_id,
        "outcome": ending.outcome,
        "failed_tasks": ", ".join(ending.failed_tasks),
        "version": record.version,
        "manifest_sha256": documents.get("version.json", {}).get("manifest_sha256"),
        "snapshot_digest": documents.get("snapshot.json", {}).get("digest"),
        "answered_by": answer.get("by"),
        "answer_reason": answer.get("reason"),
        "code_commit": ending.code_commit,
        "airflow_run": ending.link,
        "mlflow.source.name": train_dag(ending.pipeline),
        "mlflow.source.type": "JOB",
        "mlflow.source.git.commit": ending.code_commit,
        "mlflow.note.content": "\n".join(
            f"- {'passed' if verdict['passed'] else '**REJECTED**'}: {verdict['sentence']}"
            for verdict in verdicts
        ),
    }
    return {name: str(value) for name, value in tags.items() if value}


def _params(ending: Ending, chosen: Mapping[str, Any]) -> dict[str, str]:
    picked = {
        **{f"order_{name}": value for name, value in ending.order.items()},
        **{name: chosen[name] for name in ("family", "threshold") if name in chosen},
        **chosen.get("params", {}),
    }
    return _spelled(picked)


def _figures(documents: Mapping[str, Any]) -> Iterator[Figure]:
    for document, part, prefix in _PREFIXES:
        found = documents.get(document, {})
        yield from _numbers(found if part is None else found.get(part), prefix)
    evaluation = documents.get("evaluation.json", {})
    if "ceiling" in evaluation:
        yield Figure("test_accuracy_ceiling", float(evaluation["ceiling"]))
    if "fpr_interval" in evaluation:
        low, high = evaluation["fpr_interval"]
        yield from (Figure("test_fpr_low", low), Figure("test_fpr_high", high))


def _numbers(found: Any, prefix: str) -> Iterator[Figure]:
    """Yield the numbers directly in a document; what is nested is in the artifacts."""
    for name, value in (found or {}).items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and name != "schema_version":
            yield Figure(f"{prefix}{name}", float(value))


def _candidate(
    ending: Ending, documents: Mapping[str, Any], name: str, chosen: str | None
) -> TrackedRun:
    entry = documents[name]
    seconds = documents.get(name.removesuffix(".json") + _SECONDS, {})
    seconds = {name: value for name, value in seconds.items() if name != "schema_version"}
    took_ms = round(1_000 * sum(seconds.values()))
    family = entry["family"]
    return TrackedRun(
        name=family,
        status="FINISHED",
        started_ms=ending.started_ms,
        ended_ms=ending.started_ms + took_ms,
        tags={
            "pipeline": ending.pipeline,
            "family": family,
            "chosen": str(family == chosen).lower(),
        },
        params=_spelled({"family": family, **entry["params"]}),
        figures=(
            *_fold_figures(entry["scores"]),
            *(Figure(f"{name}_seconds", float(value)) for name, value in seconds.items()),
        ),
    )


def _fold_figures(scores: Mapping[str, list[float]]) -> Iterator[Figure]:
    for metric, folds in scores.items():
        for step, value in enumerate(folds):
            yield Figure(f"cv_{metric}", value, step)
        yield Figure(f"cv_{metric}_mean", fmean(folds))
        if len(folds) > 1:
            yield Figure(f"cv_{metric}_std", stdev(folds))


def _artifacts(record: RunRecord) -> dict[str, bytes]:
    documents = {
        f"documents/{name}": json.dumps(content, indent=1, sort_keys=True).encode()
        for name, content in record.documents.items()
    }
    return documents | {f"version/{name}": body for name, body in record.version_files.items()}


def _dataset(record: RunRecord) -> DataSet | None:
    snapshot = record.documents.get("snapshot.json")
    if snapshot is None:
        return None
    folder = keys.snapshot_prefix(record.ending.pipeline, snapshot["digest"])
    source = f"s3://{record.bucket}/{folder}"
    profile = {name: value for name, value in snapshot.items() if name not in _NOT_SHOWN}
    return DataSet(record.ending.pipeline, snapshot["digest"], source, profile)


def _spelled(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value, default=str)
        for name, value in values.items()
    }
