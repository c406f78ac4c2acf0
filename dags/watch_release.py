"""### Watch a new version on live traffic; take it back if it is worse than the one before.

Every 15 minutes; for the first days after an approval the first requests since then are scored by the version
in production and by the one before it.

| task | what it does | where to look |
|---|---|---|
| `watch` | one for each pipeline: alerts of both versions on the same sites, and flags on sites that people had allowed or reviewed as legitimate; alerts people, or rolls back and alerts people | log, XCom |

`release.toml` of the pipeline has the mode (`off`, `advise`, `act`), the limits, and how often a version that keeps
them is found beyond them, over all looks. A rollback is signed and in the history like a person's; the next
approval is then a person's (**Required Actions**, or the DAG `approve_model`).

**Run it again** at any time: a release is taken back once, whatever is killed. A version that a person approves
again after that, and a person's rollback, stay.

**If it fails**, S3 was unavailable (it is retried, and runs again 15 minutes later), a version or the list could
not be verified, or a limit is invalid: see the log's last line.

**Owner**: the NightCatch team.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import AssetAlias, CronTriggerTimetable, dag, get_current_context, task

from dags.support.callbacks import notify_failed_runs_daily
from dags.support.connections import (
    DEFAULT_ARGS,
    approved_model,
    finished_runs,
    open_store,
    page_link,
    private_key,
    trusted_keys,
)
from dags.support.notes import note
from include import pipelines

_OFTEN = CronTriggerTimetable("*/15 * * * *", timezone="UTC", run_immediately=timedelta(0))
_LONGEST = timedelta(minutes=10)


@dag(
    schedule=_OFTEN,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    doc_md=__doc__,
    description="Take a release back that does worse on live traffic than the version before",
    tags=["nightcatch", "monitoring"],
    default_args=DEFAULT_ARGS,
    on_failure_callback=notify_failed_runs_daily,
)
def watch_release() -> None:
    """Declare one task for each pipeline."""
    watch.expand(pipeline_name=list(pipelines.names()))


@task(
    map_index_template="{{ pipeline_name }}",
    execution_timeout=_LONGEST,
    outlets=[AssetAlias(name="approved_models", group="nightcatch")],
)
def watch(pipeline_name: str) -> dict[str, Any]:
    """Compare, take back where that is allowed, and send what changed."""
    from include.run.release import limits
    from include.run.release import watch as release

    context, store, now = get_current_context(), open_store(), datetime.now(UTC)
    context["pipeline_name"] = pipeline_name  # type: ignore[typeddict-unknown-key]
    allowed, pipeline = limits.release_limits_of(pipeline_name), pipelines.get(pipeline_name)
    key = private_key("NIGHTCATCH_APPROVER_KEY") if allowed.mode == "act" else None
    found = release.watch_release(store, pipeline, allowed, key, trusted_keys(), now)
    if found.was_taken_back:
        (alias,) = context["task"].outlets
        for asset in (approved_model(pipeline_name), finished_runs()):
            context["outlet_events"][alias].add(asset, extra=found.summary())
    taken_back = found.in_production if found.was_taken_back else None
    said = [taken_back.reason] if taken_back else found.broken
    note("; ".join(f"{pipeline_name}: {each}" for each in said))
    _notify(store, pipeline_name, found, now)
    return found.summary()


def _notify(store: Any, pipeline_name: str, found: Any, now: datetime) -> None:
    from include.contract import keys
    from include.notify.delivery.receivers import alert_receivers
    from include.notify.open_alerts import notify_changes
    from include.notify.release_kinds import release_causes
    from include.notify.settings import read_alert_settings

    settings = read_alert_settings(os.environ)
    notify_changes(
        store,
        alert_receivers(settings),
        release_causes(found.in_production, found.broken, page_link(f"/models/{pipeline_name}")),
        runbook_url=settings.runbook_url,
        now=now,
        key=keys.open_release_alerts(pipeline_name),
    )


watch_release()
