"""The result of a run as its note in Airflow, shown with the run in Grid and list.

A task leaves a line with `dags.support.notes.note`, and a failed one its reason. The scheduler
joins them when the run ends, in its own transaction. A note that a person wrote stays as it is.
"""

from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from sqlalchemy.orm import Session

_LONGEST = 1_000  # of Airflow's column


class RunNotes:
    """Hears of runs that end."""

    @hookimpl
    def on_dag_run_success(self, dag_run: Any, msg: str) -> None:
        """Note what the tasks left."""
        write_note(dag_run)

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:
        """Note why it failed, and what the tasks left."""
        write_note(dag_run)


def write_note(dag_run: "DagRun") -> None:
    """Set the run's note to its result, unless a person wrote one or there is nothing to say."""
    from sqlalchemy.orm import object_session

    if (session := object_session(dag_run)) is None:
        return
    kept = dag_run.dag_run_note
    if kept is not None and kept.user_id is not None:
        return
    text = result_of(session, dag_run.dag_id, dag_run.run_id)
    if text or kept is not None:
        dag_run.note = text


def result_of(session: "Session", dag_id: str, run_id: str) -> str:
    """Return why tasks of a run failed and what others left, in one line."""
    from dags.support.notes import KEY

    failures = failures_of(session, dag_id, run_id)
    parts = [f"{task}: {why or 'see its log'}" for task, why in failures.items()]
    left = (text for _, text in _left(session, dag_id, run_id, KEY))
    return "; ".join(dict.fromkeys((*parts, *left)))[:_LONGEST]


def failures_of(session: "Session", dag_id: str, run_id: str) -> dict[str, str]:
    """Return why each failed task of a run failed, as `keep_reason` left it."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.state import TaskInstanceState
    from sqlalchemy import select

    from dags.support.failures import KEY

    task = select(TaskInstance.task_id).where(
        TaskInstance.dag_id == dag_id,
        TaskInstance.run_id == run_id,
        TaskInstance.state == TaskInstanceState.FAILED,
    )
    reasons = dict(_left(session, dag_id, run_id, KEY))
    return {name: reasons.get(name, "") for name in session.scalars(task)}


def _left(session: "Session", dag_id: str, run_id: str, key: str) -> list[tuple[str, str]]:
    """Return task and text of each XCom of that key, in the order of copies."""
    from airflow.models.xcom import XComModel
    from sqlalchemy import select

    pushed = (
        select(XComModel)
        .where(XComModel.dag_id == dag_id, XComModel.run_id == run_id, XComModel.key == key)
        .order_by(XComModel.timestamp)
    )
    return [
        (each.task_id, str(XComModel.deserialize_value(each))) for each in session.scalars(pushed)
    ]


class RunNotesPlugin(AirflowPlugin):
    """Keeps the notes."""

    name = "run_notes"
    listeners = [RunNotes()]  # noqa: RUF012 - Airflow reads a plain list
