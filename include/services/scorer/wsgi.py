"""The edge: read the environment, open S3, follow the pipelines, and return the application.

Run by `include.services.scorer.__main__` in each worker.
"""

import gc
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from multiprocessing.util import Finalize
from pathlib import Path

from flask import Flask
from prometheus_client import multiprocess

from include.contract.signature import Approvers, PublicKeys, load_public_key
from include.inference.listed import ListLookup
from include.inference.model import OnnxModel
from include.inference.redaction import redact_text
from include.inference.traffic_record import TrafficRecord
from include.registry.follow import (
    Follower,
    LastGood,
    ListFollower,
    Outcome,
    Poller,
    Report,
    TrustedKeys,
)
from include.services.scorer.app import create_app
from include.services.scorer.auth.access import Access
from include.services.scorer.auth.api_keys import ApiKeys
from include.services.scorer.auth.rate_limit import RateLimiter
from include.services.scorer.desk.links import ResultLinks
from include.services.scorer.serving.bucket import open_bucket
from include.services.scorer.serving.catalogue import Catalogue
from include.services.scorer.serving.model_loader import Loader
from include.services.scorer.serving.state import Scorer
from include.services.scorer.settings import Settings, read_settings
from include.services.scorer.telemetry.delivery_queue import DeliveryQueue
from include.services.scorer.telemetry.log_lines import LogLines
from include.services.scorer.telemetry.metrics import Metrics, forget_dead_workers
from include.services.scorer.telemetry.sender import Sender
from include.services.scorer.telemetry.traffic_log import TrafficLog
from include.stores.objects import ObjectStore

_SLOWEST_POLL_FACTOR = 4
_STDOUT = 1
_SETTLED_EVERY_S = 0.1
# In the cache folder; no pipeline can have these names, because of the hyphen.
_OUTBOX = "traffic-outbox"
_LIMITS = "rate-limits"
_SITES = "list.json"


def create() -> Flask:
    """Return the application, following its pipelines in background threads of this process.

    A last good model on disk serves from the first request on, whether S3 is up or not. At the end
    of the process, after its last response, the threads are stopped and the traffic log is sent.

    Raises
    ------
    SettingMissingError
        If an environment variable is absent or cannot be read; the message names it.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = read_settings()
    at_exit = ExitStack()
    # A worker is a process of `multiprocessing`, which before Python 3.13 ends without `atexit`.
    Finalize(None, at_exit.close, exitpriority=0)
    metrics = _metrics(at_exit)
    loader = Loader()
    bucket = open_bucket(settings.s3_bucket, settings.s3_endpoint, settings.s3_timeout_s)
    followers = {name: _follower(settings, bucket, name, loader) for name in settings.pipelines}
    reports = {name: Report(bucket, name) for name in followers}
    lists = {name: _list_follower(settings, bucket, each) for name, each in followers.items()}
    for name, follower in followers.items():
        _start(follower, reports[name], lists[name], metrics, settings.poll_interval_s, at_exit)
    loader.is_serving = True
    catalogue = Catalogue(followers, loader.under_way)
    access = _access(settings, at_exit)
    outbox = DeliveryQueue(settings.cache_dir / _OUTBOX, settings.traffic.max_bytes)
    note = _keep_traffic(settings, bucket, outbox, metrics, at_exit)
    scorer = Scorer(
        catalogue,
        metrics,
        settings.limits,
        settings.build,
        _now,
        access,
        note,
        outbox,
        reports,
        lists,
        redact_text if settings.traffic_log == "redacted" else str,
        links=ResultLinks(settings.link_secret) if settings.link_secret else None,
    )
    scorer.slow_bodies.start()
    at_exit.callback(scorer.slow_bodies.stop)
    app = create_app(scorer)
    gc.collect()
    gc.freeze()  # what was loaded stays; to look through it would stop all requests
    return app


def _start(
    follower: Follower[OnnxModel],
    report: Report,
    sites: ListFollower[ListLookup],
    metrics: Metrics,
    poll_interval_s: float,
    at_exit: ExitStack,
) -> None:
    """Serve what is on disk, or else in S3, and go on looking at S3 in a thread."""
    note_poll = partial(_note_poll, metrics, follower)
    sites.restore()
    note_poll(follower.restore())
    if follower.in_production is None:  # nothing to serve: the first poll is worth waiting for
        note_poll(follower.poll_once())
        sites.poll_once()
    poller = Poller(
        f"follow-{follower.pipeline}",
        partial(_poll, follower, report, sites),
        note_poll,
        interval_s=poll_interval_s,
        max_interval_s=poll_interval_s * _SLOWEST_POLL_FACTOR,
        rng=random.Random(),
    )
    poller.start()
    at_exit.callback(poller.stop)


def _poll(
    follower: Follower[OnnxModel], report: Report, sites: ListFollower[ListLookup]
) -> Outcome:
    """Look at S3 once: for a version, the list of sites, and the report of that in production."""
    outcome = follower.poll_once()
    sites.poll_once()
    report.catch_up(follower.in_production)
    return outcome


def _note_poll(metrics: Metrics, follower: Follower[OnnxModel], outcome: Outcome) -> None:
    """Count a poll, and share which serial this worker serves after it."""
    metrics.count_poll(outcome)
    served = follower.in_production
    metrics.note_serial(follower.pipeline, served.pointer.serial if served else 0)
    if follower.freshness is not None:
        metrics.note_confirmed(follower.pipeline, follower.freshness.confirmed_at)


def _metrics(at_exit: ExitStack) -> Metrics:
    """Return the counters, which a thread brings to what all workers share."""
    shared = "PROMETHEUS_MULTIPROC_DIR" in os.environ
    if shared:
        forget_dead_workers(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
        at_exit.callback(multiprocess.mark_process_dead, os.getpid())
    metrics = Metrics(shared=shared)
    stopped = threading.Event()

    def settle() -> None:
        while not stopped.wait(_SETTLED_EVERY_S):
            metrics.settle()

    threading.Thread(target=settle, name="metrics", daemon=True).start()
    at_exit.callback(metrics.settle)
    at_exit.callback(stopped.set)  # runs first: the last comes first
    return metrics


def _keep_traffic(
    settings: Settings,
    bucket: ObjectStore,
    outbox: DeliveryQueue,
    metrics: Metrics,
    at_exit: ExitStack,
) -> Callable[[TrafficRecord], None]:
    """Return what records responses; two threads bring the records to disk and from there to S3."""
    traffic = TrafficLog(outbox, metrics, settings.traffic)
    sender = Sender(outbox, bucket, metrics, settings.traffic.interval_s)
    traffic.start()
    sender.start()
    at_exit.callback(sender.stop)
    at_exit.callback(traffic.stop)  # runs before the sender's: the last comes first
    return traffic.note


def _access(settings: Settings, at_exit: ExitStack) -> Access:
    path, limit = settings.api_keys_file, settings.rate_limit
    return Access(
        ApiKeys(path) if path else None,
        RateLimiter(settings.cache_dir / _LIMITS, limit, time.monotonic) if limit else None,
        frozenset(settings.cors_origins),
        _access_log(at_exit) if settings.access_log else None,
        settings.metrics_private,
    )


def _access_log(at_exit: ExitStack) -> Callable[[bytes], object]:
    lines = LogLines(_STDOUT)
    lines.start()
    at_exit.callback(lines.stop)
    return lines.add


def _follower(
    settings: Settings, bucket: ObjectStore, pipeline: str, loader: Loader
) -> Follower[OnnxModel]:
    return Follower(
        bucket,
        pipeline,
        TrustedKeys(
            approvers=Approvers(_public_keys(settings.approver_keys), settings.approvers_needed),
            trainers=_public_keys(settings.trainer_keys),
            max_model_bytes=settings.max_model_bytes,
            watchers=_public_keys(settings.watcher_keys),
        ),
        LastGood(settings.cache_dir / pipeline, settings.max_model_bytes),
        loader.load,
        now=_now,
    )


def _list_follower(
    settings: Settings, bucket: ObjectStore, follower: Follower[OnnxModel]
) -> ListFollower[ListLookup]:
    return ListFollower(
        bucket,
        follower.pipeline,
        _public_keys(settings.list_keys or settings.approver_keys),
        settings.cache_dir / follower.pipeline / _SITES,
        ListLookup,
        follower.freshness,
    )


def _public_keys(paths: Iterable[Path]) -> PublicKeys:
    return [load_public_key(path.read_bytes()) for path in paths]


def _now() -> datetime:
    return datetime.now(UTC)
