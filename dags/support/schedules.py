"""When pipelines are trained: every night, and besides by new labels where `feeds.toml` says so."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable

from dags.support.connections import labels

if TYPE_CHECKING:
    from include.pipelines import Pipeline

NIGHTLY_HOUR = 2


def training_schedule(
    pipeline: "Pipeline", nightly: CronTriggerTimetable
) -> CronTriggerTimetable | AssetOrTimeSchedule:
    """Return the nightly schedule, with the asset of new labels where the pipeline follows it."""
    if pipeline.feeds.retrain_after_h is None:
        return nightly
    return AssetOrTimeSchedule(timetable=nightly, assets=[labels(pipeline.name)])


def trained_at(now: datetime) -> datetime:
    """Return when the last nightly run was due."""
    shift = timedelta(hours=NIGHTLY_HOUR)
    return (now - shift).replace(hour=0, minute=0, second=0, microsecond=0) + shift
