"""### Collect new labels from the feeds that are due.

Hourly; each feed at its own interval, which its `feeds.toml` declares (`docs/feeds.md`).

| task | what it does | where to look |
|---|---|---|
| `due` | lists the enabled feeds that may be requested now | XCom |
| `pull` | one for each: requests it, checks it, lands its records in MongoDB or holds them back | log, XCom |
| `queue_reports` | puts what analysts reported (`POST /feedback`) and the last day's random sample into the review queue; lands those of trusted clients | log, XCom |
| `queue_disagreements` | puts items on which a new version and the one before disagree into the review queue, and keeps what people said of them for *Models* and `watch_release` | log, XCom |
| `announce_<pipeline>` | emits the asset `labels_<pipeline>` once enough is new; skipped otherwise | XCom |
| `report` | alerts of feeds that are dead, held back or standing still | log, XCom |

**Run it again** whenever you like: a feed that is not due is not requested, and a record lands
once however often it is reported. A pull that was killed is completed by the next one.

**When a feed fails**, `pull` is green and says so: the feed is requested again later, and people
are told once it failed for half a day. A task is red only if MongoDB or S3 was away for long, or a
connection that a feed names is missing. `./nightcatch feeds status` shows all feeds.

**Follow it.** Start a DAG with `schedule=Asset(name="labels_urls")`; the event's `extra` has
`pipeline` and `n_new`. With `retrain_after_h` in `feeds.toml`, `train_<pipeline>` follows it, and
events are at least so many hours apart, and after the nightly training.

**Owner**: the NightCatch team.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from dags.support.callbacks import notify_failed_runs_daily
from dags.support.connections import (
    DEFAULT_ARGS,
    dag_link,
    data_dir,
    download_dir,
    labels,
    loader_connection,
    open_store,
    trusted_keys,
)
from dags.support.notes import note
from dags.support.schedules import trained_at
from include import pipelines

if TYPE_CHECKING:
    from airflow.providers.mongo.hooks.mongo import MongoHook

    from include.ingest.feeds.pull import Collector
    from include.monitoring.reports import ReportIntake
    from include.stores.objects import ObjectStore

_LONGEST = timedelta(minutes=90)
_HOURLY = CronTriggerTimetable("10 * * * *", timezone="UTC", run_immediately=timedelta(0))


@dag(
    schedule=_HOURLY,
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    description="Collect labels from feeds into MongoDB; hold back what looks poisoned or broken",
    tags=["nightcatch", "data"],
    default_args=DEFAULT_ARGS,
    on_failure_callback=notify_failed_runs_daily,
)
def collect_labels() -> None:
    """Declare a task for each due feed, one for each pipeline's asset, and one for alerts."""
    pulled, queued = pull.expand(which=due()), queue_reports()
    queued >> queue_disagreements()
    announced = [
        announce.override(task_id=f"announce_{name}", outlets=[labels(name)])(name)
        for name in pipelines.names()
    ]
    pulled >> report()
    for each in announced:
        [pulled, queued] >> each


@task
def due() -> list[dict[str, str]]:
    """List the enabled feeds that may be requested now."""
    now, found = datetime.now(UTC), []
    with _mongo() as hook:
        for name in pipelines.names():
            collector = _collector(hook, name)
            for feed in pipelines.get(name).feeds.feeds:
                if feed.enabled and collector.states.read(feed.name).is_due(now):
                    found.append({"pipeline": name, "feed": feed.name})
    return found


@task(
    map_index_template="{{ feed_name }}",
    execution_timeout=_LONGEST,
    max_active_tis_per_dag=2,
)
def pull(which: dict[str, str]) -> dict[str, Any]:
    """Pull one feed, and return what came of it."""
    from dataclasses import asdict

    from airflow.sdk import BaseHook

    from include.ingest.feeds.fetch import Target

    context, now = get_current_context(), datetime.now(UTC)
    context["feed_name"] = which["feed"]  # type: ignore[typeddict-unknown-key]  # names the task
    feed = pipelines.get(which["pipeline"]).feeds.named(which["feed"])
    login = password = ""
    if feed.connection:
        connection = BaseHook.get_connection(feed.connection)
        login, password = connection.login or "", connection.password or ""
    target = Target.of(feed, now, login, password)
    with _mongo() as hook:
        done = _collector(hook, which["pipeline"]).pull(feed, target, now)
    held = f", {done.n_held:,} held back" if done.n_held else ""
    why = f" ({done.reason})" if done.reason else ""
    note(f"{feed.name} {done.outcome}{why}: {done.n_new:,} new{held}")
    return asdict(done) | {"next_due_at": str(done.next_due_at or "")}


@task
def queue_reports() -> dict[str, dict[str, int]]:
    """Put analysts' reports and the last day's random sample into the review queue, each once."""
    from dataclasses import asdict

    store, now, taken = open_store(), datetime.now(UTC), {}
    with _mongo() as hook:
        for name in pipelines.names():
            pipeline = pipelines.get(name)
            intake = _intake(hook, name, store)
            taken[name] = asdict(intake.take(pipeline.feeds.trusted_clients, now))
            if pipeline.feeds.review_sample:
                day = f"{now - timedelta(days=1):%Y-%m-%d}"
                taken[name]["n_reviewed"] = intake.keep_reviews(now)
                taken[name]["n_sampled"] = intake.take_sample(day, now)
    return taken


@task
def queue_disagreements() -> dict[str, dict[str, str]]:
    """Put items on which two versions disagree into the review queue; read what people said."""
    from include.evaluation.label_verdict import label_verdict
    from include.run.release.disagreements import review_disagreements

    store, now, found = open_store(), datetime.now(UTC), {}
    with _mongo() as hook:
        for name in pipelines.names():
            compared = review_disagreements(_intake(hook, name, store), trusted_keys(), now)
            found[name] = {pair.version: str(label_verdict(pair.counted)) for pair in compared}
    return found


@task(trigger_rule="all_done")
def announce(pipeline_name: str) -> dict[str, Any]:
    """Emit the asset of a pipeline's labels once enough is new."""
    feeds, now = pipelines.get(pipeline_name).feeds, datetime.now(UTC)
    quiet_since = None
    if feeds.retrain_after_h is not None:
        quiet_since = now - timedelta(hours=feeds.retrain_after_h)
        if trained_at(now) > quiet_since:
            raise AirflowSkipException("the nightly training was due a short time ago")
    with _mongo() as hook:
        states = _collector(hook, pipeline_name).states
        n_new = states.take_pending(feeds.min_new, now, quiet_since)
    if n_new == 0:
        raise AirflowSkipException(f"fewer than {feeds.min_new} new records wait, or too soon")
    summary = {"pipeline": pipeline_name, "n_new": n_new}
    context = get_current_context()
    for outlet in context["task"].outlets:
        context["outlet_events"][outlet].extra = dict(summary)
    return summary


@task(trigger_rule="all_done")
def report() -> list[str]:
    """Return what is wrong with which feed, in sentences; people know of it."""
    from include.contract import keys
    from include.ingest.feeds.health import read_health
    from include.notify.delivery.receivers import alert_receivers
    from include.notify.feed_kinds import unhealthy_feeds
    from include.notify.open_alerts import notify_changes
    from include.notify.settings import read_alert_settings

    settings, store, now = read_alert_settings(os.environ), open_store(), datetime.now(UTC)
    health = []
    with _mongo() as hook:
        for name in pipelines.names():
            pipeline = pipelines.get(name)
            database = hook.get_collection(pipeline.collection).database
            health += read_health(database, name, pipeline.feeds, now)
    still_open = notify_changes(
        store,
        alert_receivers(settings),
        unhealthy_feeds(health, dag_link("collect_labels")),
        runbook_url=settings.runbook_url,
        now=now,
        key=keys.open_feed_alerts(),
    )
    return [each.last.sentence for each in still_open.values()]


def _mongo() -> "MongoHook":
    from airflow.providers.mongo.hooks.mongo import MongoHook

    return MongoHook(mongo_conn_id=loader_connection())


def _intake(hook: "MongoHook", pipeline_name: str, store: "ObjectStore") -> "ReportIntake":
    from include.ingest.review.context import Context
    from include.ingest.review.decisions import ReviewDesk
    from include.monitoring.reports import ReportIntake

    pipeline = pipelines.get(pipeline_name)
    database = hook.get_collection(pipeline.collection).database
    return ReportIntake(
        store, pipeline, ReviewDesk(database, pipeline), Context(database, pipeline)
    )


def _collector(hook: "MongoHook", pipeline_name: str) -> "Collector":
    from include.ingest.feeds.pull import Collector

    pipeline = pipelines.get(pipeline_name)
    in_bucket = any(feed.address.startswith("s3:") for feed in pipeline.feeds.feeds)
    return Collector(
        hook.get_collection(pipeline.collection).database,
        pipeline,
        download_dir() / "feeds",
        data_dir(),
        open_store() if in_bucket else None,
    )


collect_labels()
