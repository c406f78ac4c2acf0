"""Say why a task failed: first in its log, and where the callback of the run can read it."""

import functools
import logging
from typing import Any

from airflow.sdk.exceptions import AirflowRuntimeError

from include.errors import NightCatchError, ReceiverUnavailableError
from include.notify.delivery.timeout import within

KEY = "why_it_failed"
_log = logging.getLogger(__name__)
_LONGEST = 400
# The first callback of a DAG processor starts its API; Airflow ends a processor after 50 s.
_TIMEOUT_S = 25.0


def remedy_first(context: Any) -> None:
    """Have the task log the message of NightCatch's own errors before Airflow logs the stack.

    Runs before the task does: Airflow logs the stack before it calls anything of ours.
    """
    task = context["task"]
    if (function := getattr(task, "python_callable", None)) is None:
        return

    @functools.wraps(function)
    def explained(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except NightCatchError as err:
            _log.error("%s", err)
            raise

    task.python_callable = explained


def keep_reason(context: Any) -> None:
    """Push the reason as an XCom of the failed task.

    The message of NightCatch's own errors, which hold no secret; only the type of others.
    """
    err = context.get("exception")
    reason = type(err).__name__ if isinstance(err, BaseException) else ""
    if isinstance(err, NightCatchError):
        reason = f"{reason}: {err}".partition("\n")[0]
    if reason:
        context["ti"].xcom_push(key=KEY, value=reason[:_LONGEST])


def reasons(context: Any) -> dict[str, str]:
    """Return the reason of each failed task of a run, by name; empty if unknown.

    If Airflow's API is slow, only the task that failed last is named.
    """
    ti = context.get("ti")
    if ti is None:
        return {}
    try:
        return within(_TIMEOUT_S, lambda: _reasons(context))
    except (AirflowRuntimeError, ReceiverUnavailableError, NameError):
        # NameError: in a run of `dag.test` a callback has no supervisor.
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
    reason = ti.xcom_pull(
        task_ids=task_id, key=KEY, map_indexes=int(index), run_id=context["run_id"]
    )
    return str(reason or "")
