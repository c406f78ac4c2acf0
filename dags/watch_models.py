"""### Check production versions and the scorers that serve them; send queued messages.

Every 15 minutes, and as soon as a training run has ended or a version was approved.

| task | what it does | where to look |
|---|---|---|
| `confirm` | verifies that the history of approvals only grew, and signs which one is the latest (`timestamp.json`): scorers that see no new one for a day stop being ready. Needs `NIGHTCATCH_WATCHER_KEY` | log |
| `look` | alerts when a production version is older than `NIGHTCATCH_ALERTS_MODEL_AGE_DAYS`, or a scorer of `NIGHTCATCH_ALERTS_SCORER_URLS` does not respond or serves an older serial | log, XCom |
| `send` | CloudEvents of approvals and rollbacks to `NIGHTCATCH_EVENTS_URL`; alerts and events whose receiver was unavailable | log |

An alert is sent when it begins, once a day while it lasts, and when it ends: to the log, and to
`NIGHTCATCH_ALERTS_WEBHOOK_URL` and `NIGHTCATCH_ALERTS_SMTP_URL` where they are set.
What each alert means and what to do: `docs/runbook.md`.

**If it fails**, S3 was unavailable (it is retried, and runs again 15 minutes later), a pointer could
not be verified, or a variable is invalid: see the log's last line. A receiver that is unavailable
fails no task: its messages are queued under `alerts/unsent/` for a week.

**Owner**: the NightCatch team.
"""

import os
from datetime import UTC, datetime, timedelta

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from dags.support.callbacks import event_receiver, notify_failed_runs_daily
from dags.support.connections import (
    DEFAULT_ARGS,
    dag_link,
    finished_runs,
    open_store,
    private_key,
    trusted_keys,
)
from dags.support.notes import note
from include import pipelines
from include.contract.dag_ids import train_dag
from include.notify.settings import read_alert_settings

_OFTEN = CronTriggerTimetable("*/15 * * * *", timezone="UTC", run_immediately=timedelta(0))
_LONGEST = timedelta(minutes=10)


@dag(
    schedule=AssetOrTimeSchedule(timetable=_OFTEN, assets=[finished_runs()]),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    doc_md=__doc__,
    description="Alert when a model is old or a scorer stale; send events and what could not be sent",
    tags=["nightcatch", "alerts"],
    default_args=DEFAULT_ARGS,
    on_failure_callback=notify_failed_runs_daily,
)
def watch_models() -> None:
    """Declare three tasks: confirm the bucket; check, then send."""

    @task(execution_timeout=_LONGEST)
    def confirm() -> dict[str, int]:
        """Return the serial that was confirmed for each pipeline."""
        from include.registry.witness import sign_timestamp

        if not os.environ.get("NIGHTCATCH_WATCHER_KEY"):
            return {}
        key, store, now = private_key("NIGHTCATCH_WATCHER_KEY"), open_store(), datetime.now(UTC)
        approvers = trusted_keys().approvers
        signed = [sign_timestamp(store, name, key, approvers, now) for name in pipelines.names()]
        return {each.pipeline: each.serial for each in signed if each}

    @task(execution_timeout=_LONGEST)
    def look() -> list[str]:
        """Send what changed, and return the open alerts as sentences."""
        from include.notify import checks
        from include.notify.delivery.receivers import alert_receivers
        from include.notify.open_alerts import forget_old, notify_changes, read_open_alerts

        settings, store, now = read_alert_settings(os.environ), open_store(), datetime.now(UTC)
        links = {name: dag_link(train_dag(name)) for name in pipelines.names()}
        pointers = checks.production_pointers(store, links, trusted_keys())
        days, known = settings.max_model_age_days, read_open_alerts(store)
        old = checks.old_models(store, pointers, trusted_keys(), days, now, links)
        stale, unseen = checks.check_scorers(
            settings.scorer_urls, pointers, grace_s=settings.scorer_grace_s, known=known, now=now
        )
        still_open = notify_changes(
            store,
            alert_receivers(settings),
            [*old, *stale],
            runbook_url=settings.runbook_url,
            now=now,
            unseen=unseen,
        )
        forget_old(store, now)
        note("; ".join(each.last.title for each in still_open.values()))
        return [each.last.sentence for each in still_open.values()]

    @task(execution_timeout=_LONGEST, trigger_rule="all_done")
    def send() -> dict[str, int]:
        """Return the number of messages sent to each receiver."""
        from include.notify.decisions import send_decisions
        from include.notify.delivery.queue import send_queued
        from include.notify.delivery.receivers import alert_receivers

        settings, store, now = read_alert_settings(os.environ), open_store(), datetime.now(UTC)
        receivers, events = alert_receivers(settings), event_receiver(settings)
        sent = {receiver.name: send_queued(store, receiver, now) for receiver in receivers}
        sent["events"] = send_queued(store, events, now) if events else 0
        for name in pipelines.names():
            sent["events"] += send_decisions(store, events, name, trusted_keys().approvers)
        return sent

    confirm()
    look() >> send()


watch_models()
