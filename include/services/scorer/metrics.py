"""What Prometheus may know of the service; one registry per application."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily, Metric

from include.contract.manifest import Manifest
from include.registry.follow import Outcome
from include.services.scorer.catalogue import Catalogue

_LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)


class Metrics:
    """Counters that all workers of a machine share, by files when there are several workers.

    Parameters
    ----------
    shared : bool
        Whether ``PROMETHEUS_MULTIPROC_DIR`` was set before this module was imported.
    """

    def __init__(self, *, shared: bool) -> None:
        self._shared = shared
        self._registry = CollectorRegistry()
        self._request = _request_counters(self._registry)
        predictions = Counter(
            "nightcatch_predictions",
            "Predictions by pipeline and label.",
            ("pipeline", "label"),
            registry=self._registry,
        )
        self._polls = Counter(
            "nightcatch_polls",
            "Looks at the approved pointer, in S3 and once on disk, by outcome.",
            ("pipeline", "outcome"),
            registry=self._registry,
        )
        self._failures = Counter(
            "nightcatch_poll_failures",
            "Looks that failed and kept the old model, by error.",
            ("pipeline", "kind"),
            registry=self._registry,
        )
        self._answered_at = Gauge(
            "nightcatch_store_answered_timestamp_seconds",
            "When S3 last answered the worker that waits longest.",
            ("pipeline",),
            registry=self._registry,
            multiprocess_mode="livemin",
        )

        self._prediction = cache(predictions.labels)

    def count_poll(self, outcome: Outcome) -> None:
        """Count what a poll came to."""
        self._polls.labels(outcome.pipeline, outcome.kind).inc()
        if outcome.failure:
            self._failures.labels(outcome.pipeline, outcome.failure).inc()
        if not outcome.is_unreachable:
            self._answered_at.labels(outcome.pipeline).set_to_current_time()

    def count_predictions(self, pipeline: str, by_label: Mapping[str, int]) -> None:
        """Count predictions by label."""
        for label, count in by_label.items():
            self._prediction(pipeline, label).inc(count)

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        requests, latency = self._request(route, method, status)
        requests.inc()
        latency.observe(seconds)

    def exposition(self, catalogue: Catalogue, now: datetime) -> bytes:
        """Return all metrics as text: shared counters, and the models of the answering worker."""
        registry = self._registry
        if self._shared:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        models = CollectorRegistry()
        models.register(_ModelsInForce(catalogue, now))
        return generate_latest(registry) + generate_latest(models)


def _request_counters(
    registry: CollectorRegistry,
) -> Callable[[str, str, int], tuple[Counter, Histogram]]:
    """Return what counts requests of a route, method and status: kept, as `labels` is slow."""
    requests = Counter(
        "nightcatch_requests",
        "Requests by route, method and status.",
        ("route", "method", "status"),
        registry=registry,
    )
    latency = Histogram(
        "nightcatch_request_seconds",
        "Seconds from the first byte read to the answer begun.",
        ("route",),
        buckets=_LATENCY_BUCKETS_S,
        registry=registry,
    )
    return cache(
        lambda route, method, status: (
            requests.labels(route, method, status),
            latency.labels(route),
        )
    )


class _ModelsInForce:
    def __init__(self, catalogue: Catalogue, now: datetime) -> None:
        self._catalogue = catalogue
        self._now = now

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily(
            "nightcatch_model_info", "1 for the version in force.", labels=["pipeline", "version"]
        )
        serial = GaugeMetricFamily(
            "nightcatch_model_serial", "Serial of the approval in force.", labels=["pipeline"]
        )
        age = GaugeMetricFamily(
            "nightcatch_model_age_seconds",
            "Seconds since the version in force was trained.",
            labels=["pipeline"],
        )
        for entry in self._catalogue.in_force():
            pipeline = entry.pointer.pipeline
            info.add_metric([pipeline, entry.pointer.version], 1)
            serial.add_metric([pipeline], entry.pointer.serial)
            trained_at = _trained_at(entry.manifest)
            if trained_at is not None:
                age.add_metric([pipeline], (self._now - trained_at).total_seconds())
        yield from (info, serial, age)


def _trained_at(manifest: Manifest) -> datetime | None:
    try:
        trained_at = datetime.fromisoformat(manifest.created_at)
    except ValueError:
        return None
    return trained_at if trained_at.tzinfo else trained_at.replace(tzinfo=UTC)
