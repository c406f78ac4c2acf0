"""The last task of every training run: queue its outcome for MLflow."""

import logging
import os
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import get_current_context, task, teardown

from dags.support.connections import (
    finished_runs,
    mlflow_url,
    open_store,
    run_link,
    trusted_keys,
)
from dags.support.handover import run_after

_log = logging.getLogger(__name__)


# A teardown runs after failures too, and does not count for the state of the run: a failed run
# stays failed although this succeeds.
@teardown
@task(outlets=[finished_runs()])
def track(pipeline_name: str) -> dict[str, Any]:
    """Return the run's summary, and queue its outcome; `send_tracking` sends it."""
    from include.run.summary import summarise
    from include.tracking import delivery_queue
    from include.tracking.record import was_rejected
    from include.tracking.run_outcome import RunOutcome, outcome_of

    context = get_current_context()
    seconds = {"seconds": _seconds(context)}
    if not mlflow_url():
        _log.info("runs are not tracked: NIGHTCATCH_MLFLOW_URL is empty")
        return seconds
    store = open_store()
    run_id, states, dag_run = context["run_id"], _states(context), context["dag_run"]
    rejected = was_rejected(store, pipeline_name, run_id, trusted_keys().approvers)
    ended = RunOutcome(
        pipeline=pipeline_name,
        run_id=run_id,
        outcome=outcome_of(states, rejected),
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
