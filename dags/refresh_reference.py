"""### Download what is known of domains: popularity ranks, for the next training of `urls`.

Every Sunday at 03:00 UTC, and whenever somebody triggers it. The sources are declared in
`include/urls/reference/data/sources.toml`; the first that can be read is used. Brands, hosting
platforms and shorteners are lists of this release in the same folder.

The result is an immutable object, `reference/<digest>/reference.bin`, and `reference/current.json`
names it, signed by the trainer. The next training run uses it, and its version carries a copy under its signature: a
scorer downloads nothing, and a rollback brings back what was known then.

**When it fails**, no source could be read; the log's last line names the reason of each. Nothing
changes: the reference data before stay in use, or the small ones of this release. **Run it again**
whenever you like.

**Owner**: the NightCatch team.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import CronTriggerTimetable, dag, task

from dags.support.callbacks import notify_failed_runs_daily
from dags.support.connections import DEFAULT_ARGS, data_dir, open_store, trainer_keys
from dags.support.notes import note

_WEEKLY = CronTriggerTimetable("0 3 * * 0", timezone="UTC", run_immediately=timedelta(0))


@dag(
    schedule=_WEEKLY,
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    description="Download popularity ranks of domains for the next training of urls",
    tags=["nightcatch", "data"],
    default_args=DEFAULT_ARGS,
    on_failure_callback=notify_failed_runs_daily,
)
def refresh_reference() -> None:
    """Declare the only task."""

    @task(execution_timeout=timedelta(minutes=20))
    def refresh() -> dict[str, str]:
        from pathlib import Path
        from tempfile import TemporaryDirectory

        from include.ingest.feeds.settings import read_feeds
        from include.run.refresh_reference import refresh_reference
        from include.urls.reference import SOURCES

        with TemporaryDirectory(prefix="nightcatch-reference-") as work_dir:
            current = refresh_reference(
                open_store(),
                read_feeds(SOURCES),
                Path(work_dir),
                datetime.now(UTC),
                trainer_keys(),
                data_dir=data_dir(),
            )
        note(f"reference data {current.digest[:12]} for the next training")
        return {"digest": current.digest, "refreshed_at": current.refreshed_at}

    refresh()


refresh_reference()
