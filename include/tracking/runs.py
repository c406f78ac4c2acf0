"""Write one MLflow run per DAG run, with a nested run per candidate; idempotent."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_PARENT_RUN_ID

from include.tracking.experiment import TAGS, experiment_name
from include.tracking.translate import DataSet, Figure, TrackedRun

_log = logging.getLogger(__name__)
# Set last: a run without it was interrupted.
_COMPLETE = "content_sha256"
_MAX_CHILDREN = 1_000


def send_run(client: MlflowClient, tracked: TrackedRun, content_sha256: str) -> str:
    """Return the id of the only MLflow run of this DAG run, complete and with this content.

    Parameters
    ----------
    client : MlflowClient
    tracked : TrackedRun
    content_sha256 : str
        Of the record. A run with other content, or an interrupted one, is replaced.

    Raises
    ------
    MlflowException
        If the server is unavailable or rejects a request; sending again is safe.
    """
    experiment_id = _experiment(client, experiment_name(tracked.tags["pipeline"]))
    query = f"tags.dag_run_id = '{tracked.tags['dag_run_id']}'"
    kept: str | None = None
    for run in client.search_runs([experiment_id], query):
        if kept is None and run.data.tags.get(_COMPLETE) == content_sha256:
            kept = run.info.run_id
        else:
            _delete(client, experiment_id, run)
    if kept is not None:
        return kept
    run_id = _write(client, experiment_id, tracked, {})
    for child in tracked.children:
        _write(client, experiment_id, child, {MLFLOW_PARENT_RUN_ID: run_id})
    client.set_tag(run_id, _COMPLETE, content_sha256)
    _log.info("%s: run %s is in MLflow", tracked.tags["pipeline"], tracked.name)
    return run_id


def _experiment(client: MlflowClient, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is None:
        return str(client.create_experiment(name, tags=TAGS))
    for tag, value in TAGS.items() - found.tags.items():
        client.set_experiment_tag(found.experiment_id, tag, value)
    return str(found.experiment_id)


def _write(
    client: MlflowClient, experiment_id: str, tracked: TrackedRun, more_tags: dict[str, str]
) -> str:
    tags = {**tracked.tags, **more_tags}
    run = client.create_run(experiment_id, tracked.started_ms, tags, tracked.name)
    run_id = str(run.info.run_id)
    client.log_batch(
        run_id,
        metrics=[_metric(figure, tracked.ended_ms) for figure in tracked.figures],
        params=[Param(name, value) for name, value in tracked.params.items()],
    )
    if tracked.dataset is not None:
        client.log_inputs(run_id, [_input(tracked.dataset)])
    if tracked.artifacts:
        _log_artifacts(client, run_id, tracked.artifacts)
    client.set_terminated(run_id, tracked.status, tracked.ended_ms)
    return run_id


def _delete(client: MlflowClient, experiment_id: str, run: Run) -> None:
    run_id = run.info.run_id
    query = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{run_id}'"
    for child in client.search_runs([experiment_id], query, max_results=_MAX_CHILDREN):
        client.delete_run(child.info.run_id)
    client.delete_run(run_id)


def _metric(figure: Figure, timestamp_ms: int) -> Metric:
    return Metric(figure.name, figure.value, timestamp_ms, figure.step)


def _input(dataset: DataSet) -> DatasetInput:
    described = Dataset(
        name=dataset.name,
        digest=dataset.digest,
        source_type="s3",
        source=json.dumps({"uri": dataset.source}),
        profile=json.dumps(dataset.profile),
    )
    return DatasetInput(described, [InputTag(MLFLOW_DATASET_CONTEXT, "training")])


def _log_artifacts(client: MlflowClient, run_id: str, artifacts: Mapping[str, bytes]) -> None:
    with TemporaryDirectory(prefix="nightcatch-tracking-") as folder:
        for name, body in artifacts.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        client.log_artifacts(run_id, folder)
