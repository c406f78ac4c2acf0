"""### Watch what is scored: whether it has moved, and whether the answers were right.

Every day at 01:00 UTC for the day before, and whenever somebody triggers it for a day that is over.

| task | what it does | where to look |
|---|---|---|
| `look` | inputs against the records of the version in production, with the nightly step's own measures; scores against earlier days and the test side; recall and false alarms by the labels of four weeks; a random sample to label | **Traffic**, under *Details* of the task |
| `tell` | alerts: *Traffic drifted*, *Quality below baseline*; when it begins, once a week while it lasts, and when it is over | log |
| `retrain` | starts `train_<pipeline>` for a day beyond its limits, once, if that is allowed | log |

One copy of each for each pipeline. Limits, and whether a day may retrain, stand in the pipeline's
`monitoring.toml`; the form can allow it for one run. `retrain` is skipped while a run of the training DAG is
queued or running, and while that DAG is paused. A pipeline of which nothing was scored is skipped.

**Run it again** whenever you like: the same day is found the same and its page replaced. Only the newest day
that was watched tells and retrains. For days that were missed, trigger it with their date.

**If it fails**, S3 was away (it is tried again), an approval is not to be verified, or a limit makes no sense:
the log's last line says which. Lines of traffic that cannot be read fail nothing: the page names them.
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
from include import pipelines
from include.contract.dag_ids import train_dag

ROOT = Path(__file__).resolve().parents[1]
_log = logging.getLogger(__name__)
_ALL = "all"
# Scorers have sent the day's last batch, and no night has begun.
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
    description="Has what is scored moved, and were the answers right? Alert, and retrain if allowed",
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
    """Leave the day's figures and page in the bucket; nothing if nothing was scored."""
    from include.monitoring.day import watch_day
    from include.monitoring.findings_store import day_to_watch

    context = get_current_context()
    context["pipeline_name"] = pipeline_name  # type: ignore[typeddict-unknown-key]
    if context["params"]["pipeline"] not in (_ALL, pipeline_name):
        raise AirflowSkipException(f"{pipeline_name} was not asked for")
    day = day_to_watch(context["params"]["day"], context["dag_run"].run_after)
    found = watch_day(open_store(), pipelines.get(pipeline_name), day, trusted_keys(), ROOT / "gx")
    if found is None:
        raise AirflowSkipException(f"{pipeline_name}: nothing was scored on {day}")
    TrafficLink.show(context["task"], pipeline_name, day)
    findings = found["findings"]
    return {
        "pipeline": pipeline_name,
        "day": day,
        "items": found["traffic"]["items"],
        "is_beyond": findings["is_beyond"],
        "may_retrain": findings["may_retrain"],
        "sentences": findings["sentences"],
    }


@task
def notify(looked: dict[str, Any]) -> list[str]:
    """Return what is wrong with the traffic now, in sentences; people know of it."""
    from include.monitoring.findings_store import is_newest, read_findings
    from include.notify.delivery.receivers import alert_receivers
    from include.notify.settings import read_alert_settings
    from include.notify.traffic_day import notify_day

    name, day, store = looked["pipeline"], looked["day"], open_store()
    found = read_findings(store, name, day)
    if found is None or not is_newest(store, name, day):
        raise AirflowSkipException(f"{name}: a later day than {day} says what is wrong now")
    settings, now = read_alert_settings(os.environ), datetime.now(UTC)
    link = page_link(TrafficLink.path(name, day))
    receivers, url = alert_receivers(settings), settings.runbook_url
    still_open = notify_day(store, receivers, found, link, runbook_url=url, now=now)
    return [each.last.sentence for each in still_open.values()]


@task
def retrain(looked: dict[str, Any]) -> None:
    """Start the training of the pipeline, once for the day, if it is allowed and called for."""
    context, name, day = get_current_context(), looked["pipeline"], looked["day"]
    dag_id, ti = train_dag(name), context["ti"]
    if not looked["is_beyond"]:
        raise AirflowSkipException(f"{name}: {day} is not beyond its limits")
    if not looked["may_retrain"] and not context["params"]["retrain"]:
        raise AirflowSkipException(f"{name}: nobody allowed {day} to start a training run")
    if ti.get_dag(dag_id).is_paused:
        raise AirflowSkipException(f"{dag_id} is paused")
    if ti.get_dr_count(dag_id, states=["queued", "running"]):
        raise AirflowSkipException(f"{dag_id} is running, or about to")
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
