"""The edge: reads the environment, opens S3, starts following, and hands over the application.

granian --interface wsgi include.services.scorer.wsgi:create
"""

import atexit
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from flask import Flask

from include.contract.signature import PublicKeys, load_public_key
from include.inference.model import OnnxModel
from include.inference.traffic_record import Scored
from include.registry.follow import Follower, LastGood, Outcome, Poller, Report, TrustedKeys
from include.services.scorer.app import create_app
from include.services.scorer.auth.access import Access
from include.services.scorer.auth.api_keys import ApiKeys
from include.services.scorer.auth.rate_limit import RateLimiter
from include.services.scorer.serving.bucket import open_bucket
from include.services.scorer.serving.catalogue import Catalogue
from include.services.scorer.serving.model_loader import Loader
from include.services.scorer.serving.state import Scorer
from include.services.scorer.settings import Settings, read_settings
from include.services.scorer.telemetry.delivery_queue import Outbox
from include.services.scorer.telemetry.log_lines import LogLines
from include.services.scorer.telemetry.metrics import Metrics
from include.services.scorer.telemetry.sender import Sender
from include.services.scorer.telemetry.traffic_log import TrafficLog
from include.stores.objects import ObjectStore

_SLOWEST_POLL_FACTOR = 4
_STDOUT = 1
_SETTLED_EVERY_S = 0.1
# No pipeline can have their names, because of the hyphen.
_OUTBOX = "traffic-outbox"
_LIMITS = "rate-limits"


def create() -> Flask:
    """Return the application, following its pipelines in background threads of this process.

    A last good model on disk answers from the first request on, whether S3 is up or not.

    Raises
    ------
    SettingMissingError
        If an environment variable is absent or cannot be read; the message names it.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = read_settings(os.environ)
    metrics = Metrics(shared="PROMETHEUS_MULTIPROC_DIR" in os.environ)
    loader, bucket = Loader(), open_bucket(settings)
    followers = {name: _follower(settings, bucket, name, loader) for name in settings.pipelines}
    reports = {name: Report(bucket, name) for name in followers}
    for name, follower in followers.items():
        metrics.count_poll(follower.restore())
        if (
            follower.in_production is None
        ):  # nothing to answer with: the first poll is worth waiting for
            metrics.count_poll(follower.poll_once())
        poller = Poller(
            f"follow-{name}",
            partial(_poll, follower, reports[name]),
            metrics.count_poll,
            interval_s=settings.poll_interval_s,
            max_interval_s=settings.poll_interval_s * _SLOWEST_POLL_FACTOR,
            rng=random.Random(),
        )
        poller.start()
        atexit.register(poller.stop)
    loader.is_serving = True
    _settle_from_now_on(metrics)
    catalogue = Catalogue(followers, loader.under_way)
    access = _access(settings)
    outbox = Outbox(settings.cache_dir / _OUTBOX, settings.traffic.max_bytes)
    note = _keep_traffic(settings, bucket, outbox, metrics)
    return create_app(
        Scorer(
            catalogue, metrics, settings.limits, settings.build, _now, access, note, outbox, reports
        )
    )


def _poll(follower: Follower[OnnxModel], report: Report) -> Outcome:
    """Look at S3 once: for a version first, and for the words about it when it is in production."""
    outcome = follower.poll_once()
    report.catch_up(follower.in_production)
    return outcome


def _settle_from_now_on(metrics: Metrics) -> None:
    stopped = threading.Event()

    def settle() -> None:
        while not stopped.wait(_SETTLED_EVERY_S):
            metrics.settle()

    threading.Thread(target=settle, name="metrics", daemon=True).start()
    atexit.register(metrics.settle)
    atexit.register(stopped.set)  # runs first: the last comes first


def _keep_traffic(
    settings: Settings, bucket: ObjectStore, outbox: Outbox, metrics: Metrics
) -> Callable[[Scored], None]:
    """Return what takes notes of answers; two threads bring them to disk and from there to S3."""
    traffic = TrafficLog(outbox, metrics, settings.traffic)
    sender = Sender(outbox, bucket, metrics, settings.traffic.interval_s)
    traffic.start()
    sender.start()
    atexit.register(sender.stop)
    atexit.register(traffic.stop)  # runs before the sender's: the last comes first
    return traffic.note


def _access(settings: Settings) -> Access:
    path, limit = settings.api_keys_file, settings.rate_limit
    return Access(
        ApiKeys(path) if path else None,
        RateLimiter(settings.cache_dir / _LIMITS, limit, time.time) if limit else None,
        frozenset(settings.cors_origins),
        _access_log() if settings.access_log else None,
    )


def _access_log() -> Callable[[bytes], object]:
    lines = LogLines(_STDOUT)
    lines.start()
    atexit.register(lines.stop)
    return lines.add


def _follower(
    settings: Settings, bucket: ObjectStore, pipeline: str, loader: Loader
) -> Follower[OnnxModel]:
    return Follower(
        bucket,
        pipeline,
        TrustedKeys(
            approvers=_public_keys(settings.approver_keys),
            trainers=_public_keys(settings.trainer_keys),
            max_model_bytes=settings.max_model_bytes,
        ),
        LastGood(settings.cache_dir / pipeline, settings.max_model_bytes),
        loader.load,
        now=_now,
    )


def _public_keys(paths: Iterable[Path]) -> PublicKeys:
    return [load_public_key(path.read_bytes()) for path in paths]


def _now() -> datetime:
    return datetime.now(UTC)
