"""Trigger a training run and follow it on screen."""

from collections.abc import Callable, Mapping
from typing import Any

from include.cli.airflow_api import AirflowApi, TaskState
from include.cli.screen import Screen
from include.errors import DagRunError

_SHOWN_STATES = {
    "running": "runs",
    "success": "done",
    "failed": "FAILED",
    "up_for_retry": "failed, will be retried",
    "skipped": "skipped",
    "upstream_failed": "not run, because an earlier task failed",
    "awaiting_input": "waits for an approval in the Airflow UI",
}


def trigger(api: AirflowApi, dag_id: str, conf: Mapping[str, Any], screen: Screen) -> str:
    """Return the id of a new run of a DAG, which is unpaused first.

    Parameters
    ----------
    api : AirflowApi
    dag_id : str
    conf : mapping
        Parameters of the DAG that differ from their defaults.
    screen : Screen

    Returns
    -------
    str
    """
    api.unpause(dag_id)
    earlier = api.running(dag_id)
    run_id = api.trigger(dag_id, conf)
    screen.say(f"train    {dag_id} is triggered as {run_id}")
    if earlier:
        screen.say(f"train    it waits for the run {earlier[0]}, which is still running")
    return run_id


def follow(
    api: AirflowApi,
    dag_id: str,
    run_id: str,
    screen: Screen,
    on_change: Callable[[TaskState], None] | None = None,
) -> None:
    """Return when the run has succeeded; its tasks are shown as they change.

    Parameters
    ----------
    api : AirflowApi
    dag_id, run_id : str
    screen : Screen
    on_change : callable, optional
        Called with each change of a task's state.

    Raises
    ------
    DagRunError
        If it failed; the message names the first failed task and the error in its log.
    """

    def changed(task: TaskState) -> None:
        _show(task, screen)
        if on_change is not None:
            on_change(task)

    state = api.follow(dag_id, run_id, changed)
    if state == "success":
        return
    failed = [task for task in api.tasks(dag_id, run_id) if task.state == "failed"]
    if not failed:
        raise DagRunError(f"{dag_id}: the run {run_id} failed before a task did")
    reason = api.reason(dag_id, run_id, failed[0])
    raise DagRunError(f"{dag_id}: task {failed[0].name} failed: {reason}")


def _show(task: TaskState, screen: Screen) -> None:
    if task.state not in _SHOWN_STATES:
        return
    took = f" in {task.duration_s:.1f} s" if task.state == "success" and task.duration_s else ""
    screen.say(f"task     {task.name}: {_SHOWN_STATES[task.state]}{took}")
