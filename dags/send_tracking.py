"""### Send finished runs and the production version to MLflow.

Triggered when a training run has ended or a version was approved, and hourly for
what could not be sent before.

**If it fails**, MLflow was unavailable or rejected a run; see the log's last line. Nothing is
lost: unsent runs are queued under `tracking/outbox/` in the bucket and sent, in order, by the next run
that reaches MLflow. Training, approval and scoring never wait for MLflow.

**Owner**: the NightCatch team.
"""

from datetime import timedelta

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from dags.support.callbacks import notify_failed_runs_daily
from dags.support.connections import (
    DEFAULT_ARGS,
    finished_runs,
    mlflow_client,
    mlflow_url,
    open_store,
    trusted_keys,
)
from include import pipelines

_HOURLY = CronTriggerTimetable("17 * * * *", timezone="UTC", run_immediately=timedelta(0))


@dag(
    schedule=AssetOrTimeSchedule(timetable=_HOURLY, assets=[finished_runs()])
    if mlflow_url()
    else None,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    doc_md=__doc__,
    description="Send finished runs and the production version to MLflow",
    tags=["nightcatch", "tracking"],
    default_args=DEFAULT_ARGS,
    on_failure_callback=notify_failed_runs_daily,
)
def send_tracking() -> None:
    """Declare one task for each pipeline."""

    @task(map_index_template="{{ pipeline_name }}", execution_timeout=timedelta(minutes=10))
    def send(pipeline_name: str) -> None:
        from include.registry.approve import production_pointer
        from include.tracking.delivery_queue import has_unsent

        store = open_store()
        approvers = trusted_keys().approvers
        pointer = production_pointer(store, pipeline_name, approvers)
        if has_unsent(store, pipeline_name, pointer):
            from include.tracking.send import send_unsent

            send_unsent(store, mlflow_client(), pipeline_name, pointer, approvers)

    send.expand(pipeline_name=list(pipelines.names()))


send_tracking()
