"""Why a task failed, kept where the callback of the whole run can read it."""

from typing import Any

from airflow.sdk.exceptions import AirflowRuntimeError

from include.errors import NightCatchError, ReceiverUnavailableError
from include.notify.delivery.timeout import within

_KEY = "why_it_failed"
_LONGEST = 400
_TIMEOUT_S = 10.0


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
    """Return why each failed task of a run failed, by name; empty words where nobody knows.

    Airflow itself may be what is slow: then only the task that failed last is named.
    """
    ti = context.get("ti")
    if ti is None:
        return {}
    try:
        return within(_TIMEOUT_S, lambda: _reasons(context))
    except (AirflowRuntimeError, ReceiverUnavailableError, NameError):
        # NameError: in a run of `dag.test` a callback has no supervisor to ask.
        return {ti.task_id: ""}


def _reasons(context: Any) -> dict[str, str]:
    ti, run_id = context["ti"], context["run_id"]
    states = ti.get_task_states(dag_id=context["dag"].dag_id, run_ids=[run_id])
    failed = sorted(name for name, state in states[run_id].items() if state == "failed")
    return {name: _reason(context, name) for name in failed}


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
