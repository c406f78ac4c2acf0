"""Why a task failed, kept where the callback of the whole run can read it."""

from contextlib import suppress
from typing import Any

from airflow.sdk.exceptions import AirflowRuntimeError

from include.errors import NightCatchError

_KEY = "why_it_failed"
_LONGEST = 400


def keep_reason(context: Any) -> None:
    """Return when the reason is an XCom of the task that failed.

    Of our own errors the words: they hold no secret. Of others the kind alone.
    """
    err = context.get("exception")
    words = type(err).__name__ if isinstance(err, BaseException) else ""
    if isinstance(err, NightCatchError):
        words = f"{words}: {err}".partition("\n")[0]
    if words:
        context["ti"].xcom_push(key=_KEY, value=words[:_LONGEST])


def reasons(context: Any) -> dict[str, str]:
    """Return why each failed task of a run failed, by name; empty words where nobody knows."""
    ti, run_id = context.get("ti"), context["run_id"]
    if ti is None:
        return {}
    found = {ti.task_id: ""}
    with suppress(AirflowRuntimeError):
        states = ti.get_task_states(dag_id=context["dag"].dag_id, run_ids=[run_id])
        failed = sorted(name for name, state in states[run_id].items() if state == "failed")
        found = {name: _reason(context, name) for name in failed} or found
    return found


def _reason(context: Any, name: str) -> str:
    """Read the reason of a task, or of one of its copies: ``search_3`` is copy 3 of ``search``."""
    task_id, _, index = name.rpartition("_")
    if context["dag"].has_task(name):
        task_id, index = name, "-1"
    ti = context["ti"]
    said = ti.xcom_pull(
        task_ids=task_id, key=_KEY, map_indexes=int(index), run_id=context["run_id"]
    )
    return str(said or "")
