"""### Monitor traffic: drift of inputs and scores, and quality by known labels.

Daily at 01:00 UTC for the day before, and by hand for any day that is over.

| task | what it does | where to look |
|---|---|---|
| `look` | inputs against the records of the version in production, with the measures of the training run; scores against earlier days and the test side; recall and false-positive rate by the labels of four weeks; a random sample to label | **Traffic**, under *Details* of the task |
| `notify` | alerts: *Traffic drifted*, *Quality below baseline*; when they begin, once a week while they last, and when they end | log |
| `retrain` | triggers `train_<pipeline>` once for a day beyond its limits, if that is allowed | log |

One task of each per pipeline. Limits, and whether a day may retrain, are in the pipeline's
`monitoring.toml`; the form can allow it for one run. `retrain` is skipped while a run of the training DAG is
queued or running, and while that DAG is paused. A pipeline of which nothing was scored is skipped.

**Run it again** at any time: the same day gives the same figures, and its page is replaced. Only the newest
day sends alerts and retrains. For missed days, trigger it with their date.

**If it fails**, S3 was unavailable (it is retried), an approval could not be verified, or a limit is invalid:
see the log's last line. Unreadable lines of traffic fail nothing: the page lists them.
What to do about an alert: `docs/runbook.md`.

**Owner**: the NightCatch team.
"""

import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import CronTriggerTimetable, Param, dag, get_current_context, task, task_group
from airflow.sdk.exceptions import AirflowSkipException, DagRunTriggerException

from dags.support.callbacks import notify_failed_run
from dags.support.connections import DEFAULT_ARGS, POOL, open_store, page_link, trusted_keys
from dags.support.links import TrafficLink, with_links
from dags.support.notes import note
from include import pipelines
from include.contract.dag_ids import train_dag

ROOT = Path(__file__).resolve().parents[1]
_log = logging.getLogger(__name__)
_ALL = "all"
# After the scorers sent the day's last batch, and before the training runs begin.
DAILY = CronTriggerTimetable("0 1 * * *", timezone="UTC", run_immediately=timedelta(0))
_HEAVY: dict[str, Any] = {
    "pool": POOL,
    "pool_slots": max(pipelines.get(name).memory_gb for name in pipelines.names()),
}
_PARAMS = {
    "pipeline": Param(
        _ALL,
        type="string",
        enum=[_ALL, *pipelines.names()],
        title="Pipeline",
        description="Whose traffic.",
    ),
    "day": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Day",
        description="In UTC, and over; yesterday if it is left empty.",
    ),
    "retrain": Param(
        False,
        type="boolean",
        title="Retrain",
        description="Start a training run if the day is beyond its limits, although the pipeline's "
        "monitoring.toml does not allow it.",
    ),
}


@dag(
    schedule=DAILY,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    params=_PARAMS,
    doc_md=__doc__,
    description="Drift and quality of a day of traffic; alert, and retrain if allowed",
    tags=["nightcatch", "monitoring"],
    default_args=DEFAULT_ARGS,
    on_failure_callback=notify_failed_run,
)
def watch_traffic() -> None:
    """Declare three tasks, for each pipeline its own."""

    @task_group(prefix_group_id=False)
    def of_pipeline(pipeline_name: str) -> None:
        looked = look(pipeline_name)
        with_links(TrafficLink(), looked)
        notify(looked) >> retrain(looked)

    of_pipeline.expand(pipeline_name=list(pipelines.names()))


@task(map_index_template="{{ pipeline_name }}", **_HEAVY)
def look(pipeline_name: str) -> dict[str, Any]:
    """Write the day's figures and page to the bucket; skip a day without traffic."""
    from include.monitoring.day import watch_day
    from include.monitoring.findings_store import day_to_watch

    context = get_current_context()
    context["pipeline_name"] = pipeline_name  # type: ignore[typeddict-unknown-key]
    if context["params"]["pipeline"] not in (_ALL, pipeline_name):
        raise AirflowSkipException(f"{pipeline_name} was not selected")
    day = day_to_watch(context["params"]["day"], context["dag_run"].run_after)
    found = watch_day(open_store(), pipelines.get(pipeline_name), day, trusted_keys(), ROOT / "gx")
    if found is None:
        raise AirflowSkipException(f"{pipeline_name}: nothing was scored on {day}")
    TrafficLink.show(context["task"], pipeline_name, day)
    findings, n_items = found["findings"], found["traffic"]["items"]
    limits = "beyond its limits" if findings["is_beyond"] else "within its limits"
    note(f"{pipeline_name}, {day}: {n_items:,} scored, {limits}")
    return {
        "pipeline": pipeline_name,
        "day": day,
        "items": n_items,
        "is_beyond": findings["is_beyond"],
        "may_retrain": findings["may_retrain"],
        "sentences": findings["sentences"],
    }


@task
def notify(looked: dict[str, Any]) -> list[str]:
    """Send what changed, and return the open alerts as sentences."""
    from include.monitoring.findings_store import is_newest, read_findings
    from include.notify.delivery.receivers import alert_receivers
    from include.notify.settings import read_alert_settings
    from include.notify.traffic_day import notify_day

    name, day, store = looked["pipeline"], looked["day"], open_store()
    found = read_findings(store, name, day)
    if found is None or not is_newest(store, name, day):
        raise AirflowSkipException(f"{name}: a later day than {day} was evaluated")
    settings, now = read_alert_settings(os.environ), datetime.now(UTC)
    link = page_link(TrafficLink.path(name, day))
    receivers, url = alert_receivers(settings), settings.runbook_url
    still_open = notify_day(store, receivers, found, link, runbook_url=url, now=now)
    return [each.last.sentence for each in still_open.values()]


@task
def retrain(looked: dict[str, Any]) -> None:
    """Start the training of the pipeline, once for the day, if it is beyond its limits and allowed."""
    context, name, day = get_current_context(), looked["pipeline"], looked["day"]
    dag_id, ti = train_dag(name), context["ti"]
    if not looked["is_beyond"]:
        raise AirflowSkipException(f"{name}: {day} is not beyond its limits")
    if not looked["may_retrain"] and not context["params"]["retrain"]:
        raise AirflowSkipException(
            f"{name}: {day} may not start a training run: see monitoring.toml"
        )
    if ti.get_dag(dag_id).is_paused:
        raise AirflowSkipException(f"{dag_id} is paused")
    if ti.get_dr_count(dag_id, states=["queued", "running"]):
        raise AirflowSkipException(f"{dag_id} is running or queued")
    _log.info("%s: %s is beyond its limits, %s is started", name, day, dag_id)
    raise DagRunTriggerException(
        trigger_dag_id=dag_id,
        dag_run_id=f"traffic__{day}",
        conf={},
        reset_dag_run=False,
        skip_when_already_exists=True,
        wait_for_completion=False,
        allowed_states=[],
        failed_states=[],
        poke_interval=60,
        deferrable=False,
    )


watch_traffic()
