"""The last task of every training run: note its result, and queue its outcome for MLflow."""

import logging
import os
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context, task, teardown

from dags.support.connections import (
    finished_runs,
    mlflow_url,
    open_store,
    run_link,
    trusted_keys,
)
from dags.support.handover import run_after
from dags.support.notes import note

if TYPE_CHECKING:
    from include.stores.objects import ObjectStore
    from include.tracking.run_outcome import Outcome

_log = logging.getLogger(__name__)


# A teardown runs after failures too, and does not count for the state of the run: a failed run
# stays failed although this succeeds.
@teardown
@task(outlets=[finished_runs()])
def track(pipeline_name: str) -> dict[str, Any]:
    """Note the result, queue the outcome, which `send_tracking` sends, and return a summary."""
    from include.errors import StoreUnavailableError
    from include.run.summary import summarise
    from include.tracking import delivery_queue
    from include.tracking.record import was_rejected
    from include.tracking.run_outcome import RunOutcome, outcome_of

    context, store, is_tracked = get_current_context(), open_store(), bool(mlflow_url())
    seconds = {"seconds": _seconds(context)}
    run_id, states, dag_run = context["run_id"], _states(context), context["dag_run"]
    try:
        rejected = was_rejected(store, pipeline_name, run_id, trusted_keys().approvers)
        outcome = outcome_of(states, rejected)
        _note(store, pipeline_name, run_id, outcome)
    except StoreUnavailableError as err:
        if is_tracked:
            raise
        _log.warning("the run is not noted: %s", err)
    if not is_tracked:
        _log.info("runs are not tracked: NIGHTCATCH_MLFLOW_URL is empty")
        return seconds
    ended = RunOutcome(
        pipeline=pipeline_name,
        run_id=run_id,
        outcome=outcome,
        failed_tasks=tuple(sorted(name for name, state in states.items() if state == "failed")),
        started_at=(dag_run.start_date or dag_run.run_after).isoformat(timespec="seconds"),
        ended_at=datetime.now(UTC).isoformat(timespec="seconds"),
        order=dict(context["params"]),
        code_commit=os.environ.get("NIGHTCATCH_CODE_COMMIT", ""),
        link=run_link(context["dag"].dag_id, run_id),
    )
    delivery_queue.enqueue(store, ended)
    _log.info("%s: the run was %s; queued for MLflow", pipeline_name, ended.outcome)
    summary = {"outcome": ended.outcome, **summarise(run_after(pipeline_name)), **seconds}
    for name, value in summary.items():
        _log.info("%s: %s", name, value)
    return summary


def _note(store: "ObjectStore", pipeline_name: str, run_id: str, outcome: "Outcome") -> None:
    """Note how good the version is, and what came of it; why a run failed is noted elsewhere."""
    from include.status.runs import accuracy_of, success_of

    if outcome in ("approved", "superseded"):
        note(success_of(store, trusted_keys().approvers, pipeline_name, run_id))
    else:
        note(accuracy_of(store, pipeline_name, run_id).removesuffix(", "))


def _states(context: Any) -> dict[str, str]:
    dag_id, run_id = context["dag"].dag_id, context["run_id"]
    found = context["ti"].get_task_states(dag_id=dag_id, run_ids=[run_id])
    return {name: str(state) for name, state in found.get(run_id, {}).items()}


def _seconds(context: Any) -> dict[str, float]:
    """Return how long each task took; of a mapped one, all its parts together."""
    ti, total = context["ti"], defaultdict[str, float](float)
    for each in ti.get_task_breadcrumbs(dag_id=context["dag"].dag_id, run_id=context["run_id"]):
        total[each["task_id"]] += each["duration"] or 0.0
    return {name: round(seconds, 1) for name, seconds in total.items() if seconds}
