"""### Delete what is older than each pipeline's `retention.toml`.

Every Sunday at 04:00 UTC, and whenever somebody triggers it; without *apply* it only lists.

**What goes**: versions that were never approved, runs, quarantined rows, Data Docs, snapshots that
no kept version needs, and old days of traffic and feedback. **What stays**, whatever its age: every
version that was ever approved, its snapshot, and what its run found out; the newest versions; and
all that is younger than two days, which a run under way or a waiting approval may need. A version that
is being approved meanwhile stays; one that is being deleted cannot be approved.

**Run it again** whenever you like. Killed anywhere, it leaves nothing that looks whole and is not:
a version loses its signature first, a snapshot its profile. The next run takes the rest.

**When it fails**, the log names the approval that cannot be read: then nothing is deleted.

**Owner**: the NightCatch team.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable, Param, dag, get_current_context, task

from dags.support.callbacks import notify_failed_run
from dags.support.connections import DEFAULT_ARGS, open_store
from dags.support.notes import note
from include import pipelines

WEEKLY = CronTriggerTimetable("0 4 * * 0", timezone="UTC", run_immediately=timedelta(0))


@dag(
    schedule=WEEKLY,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    params={
        "apply": Param(
            True,
            type="boolean",
            title="Apply",
            description="Delete; without it, the log lists what would go.",
        )
    },
    doc_md=__doc__,
    description="Delete versions, runs, snapshots and traffic that need not be kept any more",
    tags=["nightcatch", "housekeeping"],
    default_args=DEFAULT_ARGS,
    on_failure_callback=notify_failed_run,
)
def retain() -> None:
    """Declare one task for each pipeline."""

    @task(map_index_template="{{ pipeline_name }}")
    def tidy(pipeline_name: str) -> dict[str, Any]:
        import logging

        from include.registry.retention.plan import plan_retention
        from include.registry.retention.sweep import sweep

        context = get_current_context()
        context["pipeline_name"] = pipeline_name  # type: ignore[typeddict-unknown-key]
        store, pipeline = open_store(), pipelines.get(pipeline_name)
        expired = plan_retention(store, pipeline_name, pipeline.retention, datetime.now(UTC))
        for each in expired:
            logging.getLogger(__name__).info(
                "%s %s: %d bytes", each.kind, each.name, each.size_bytes
            )
        if context["params"]["apply"]:
            expired = sweep(store, pipeline_name, expired)
        n_objects = sum(len(each.entries) for each in expired)
        size_bytes, applied = sum(each.size_bytes for each in expired), context["params"]["apply"]
        done = "deleted" if applied else "would be deleted"
        note(f"{pipeline_name}: {n_objects:,} objects, {size_bytes / 1e6:,.1f} MB {done}")
        return {"deleted": applied, "objects": n_objects, "size_bytes": size_bytes}

    tidy.expand(pipeline_name=list(pipelines.names()))


retain()
