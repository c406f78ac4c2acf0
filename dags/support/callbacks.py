"""Callbacks of DAGs: send alerts of failed and late runs.

A failure callback runs in the DAG processor, and a deadline's in the triggerer: no run waits for
either. The DAG `watch_models` retries what could not be sent.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import (  # type: ignore[attr-defined]  # Airflow 3.3.2 lacks them in its stub
    AsyncCallback,
    DeadlineAlert,
    DeadlineReference,
)

from dags.support.connections import open_store, run_link, trusted_keys
from dags.support.failures import reasons
from include import pipelines
from include.notify.settings import AlertSettings, late_after, read_alert_settings

if TYPE_CHECKING:
    from include.notify.events import EventReceiver
    from include.notify.kinds import Cause, RunFailed
    from include.stores.objects import ObjectStore

_log = logging.getLogger(__name__)


def notify_failed_run(context: Any) -> None:
    """Send an alert of a failed run, once per run."""
    failed = _failed(context)
    _notify(_short_timeout_store(), failed, failed.run_id)


def notify_failed_runs_daily(context: Any) -> None:
    """Send an alert of failed runs, once per day, for DAGs that run often."""
    _notify(_short_timeout_store(), _failed(context), f"{datetime.now(UTC):%Y-%m-%d}")


def notify_failed_training(pipeline_name: str) -> Callable[[Any], None]:
    """Return the callback that sends each cause of a failed training run once."""

    def notify(context: Any) -> None:
        from include.notify.failed_run import causes_of_failure

        failed, store = _failed(context), _short_timeout_store()
        for cause in causes_of_failure(store, pipelines.get(pipeline_name), failed):
            _notify(store, cause, failed.run_id)
        if {"gate", "approve"} & failed.reasons.keys():
            _send_rejection(store, pipeline_name, failed.run_id)

    return notify


def send_alert(cause: "Cause", occasion: str) -> None:
    """Send an alert, once for its occasion."""
    _notify(_short_timeout_store(), cause, occasion)


def run_deadline(pipeline_name: str) -> DeadlineAlert:
    """Return the deadline of a run: an alert is sent once, and the run goes on."""
    callback = AsyncCallback(notify_late_run, kwargs={"pipeline_name": pipeline_name})
    return DeadlineAlert(
        # Not the logical date: a backfilled run would be late at once.
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=late_after(os.environ),
        callback=callback,
        name="run_late",
    )


async def notify_late_run(pipeline_name: str, context: dict[str, Any]) -> None:
    """Send an alert of a late run."""
    await asyncio.to_thread(_notify_late_run, pipeline_name, context["dag_run"])


def event_receiver(settings: AlertSettings) -> "EventReceiver | None":
    """Return the receiver of decisions, if one is configured."""
    from include.notify.events import EventReceiver

    return EventReceiver(settings.events_url) if settings.events_url else None


def _notify_late_run(pipeline_name: str, dag_run: dict[str, Any]) -> None:
    from include.notify.failed_run import late_run

    if dag_run["state"] in ("success", "failed"):
        return  # a failed run keeps its deadline
    dag_id, run_id = dag_run["dag_id"], dag_run["dag_run_id"]
    queued_at = datetime.fromisoformat(dag_run["queued_at"])
    store, link = _short_timeout_store(), run_link(dag_id, run_id)
    now = datetime.now(UTC)
    _notify(store, late_run(store, pipeline_name, dag_id, run_id, queued_at, now, link), run_id)


def _failed(context: Any) -> "RunFailed":
    from include.notify.kinds import RunFailed

    dag_id, run_id = context["dag"].dag_id, context["run_id"]
    return RunFailed(dag_id, run_id, reasons(context), run_link(dag_id, run_id))


def _notify(store: "ObjectStore", cause: "Cause", occasion: str) -> None:
    from include.notify.delivery.receivers import alert_receivers
    from include.notify.open_alerts import notify_once

    settings, now = read_alert_settings(os.environ), datetime.now(UTC)
    url = settings.runbook_url
    notify_once(store, alert_receivers(settings), cause, occasion, runbook_url=url, at=now)


def _send_rejection(store: "ObjectStore", pipeline_name: str, run_id: str) -> None:
    from include.errors import StoreUnavailableError
    from include.notify.decisions import send_rejection

    receiver = event_receiver(read_alert_settings(os.environ))
    if receiver is None:
        return
    try:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        send_rejection(store, receiver, pipeline_name, run_id, now, trusted_keys().approvers)
    except StoreUnavailableError as err:
        _log.error("the rejection of run %s could not be sent: %s", run_id, err)


def _short_timeout_store() -> "ObjectStore":
    """Open the bucket with short timeouts: reporting a fault must not wait for another one."""
    return open_store(short_timeouts=True)
