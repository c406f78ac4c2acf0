"""Metrics of the service for Prometheus; one registry per application."""

import os
import threading
from collections import Counter as Multiset
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
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
from include.services.scorer.auth.api_keys import ApiKeys
from include.services.scorer.serving.catalogue import Catalogue
from include.services.scorer.telemetry.delivery_queue import DeliveryQueue

_LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)
_PROBABILITY_BUCKETS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


class Metrics:
    """Counters that all workers of a machine share, by files when there are several workers.

    What requests count waits in a queue until `settle`: a file costs more than a record's check.

    Parameters
    ----------
    shared : bool
        Whether ``PROMETHEUS_MULTIPROC_DIR`` was set before this module was imported.
    """

    def __init__(self, *, shared: bool) -> None:
        self._shared = shared
        self._registry = CollectorRegistry()
        self._settling = threading.Lock()
        self._finished: deque[tuple[str, str, int, float]] = deque()
        self._predicted: deque[tuple[str, Mapping[str, int]]] = deque()
        self._requests = self._counter(
            "requests", "Requests by route, method and status.", "route", "method", "status"
        )
        self._latency = self._tally(
            "request_seconds", "Seconds until the response began.", "route", _LATENCY_BUCKETS_S
        )
        self._predictions = self._counter("predictions", "Predictions.", "pipeline", "verdict")
        self._polls = self._counter(
            "polls", "Looks at the pointer, in S3 and once on disk.", "pipeline", "outcome"
        )
        self._failures = self._counter(
            "poll_failures", "Looks that failed and kept the old model.", "pipeline", "kind"
        )
        self._traffic = self._counter(
            "traffic_rows", "Items for the traffic log, by what became of them.", "outcome"
        )
        self._send_failures = self._counter(
            "traffic_send_failures", "Attempts that left the log on disk.", "kind"
        )
        self._feedback = self._counter(
            "feedback", "Labels that were given later.", "pipeline", "label"
        )
        self._store_seen_at = self._lowest(
            "store_answered_timestamp_seconds",
            "When S3 last responded to the worker that waits longest.",
        )
        self._served_serial = self._lowest(
            "served_serial", "Lowest serial that a worker serves; 0 if one has no model yet."
        )
        self._confirmed_at = self._lowest(
            "confirmed_timestamp_seconds", "When the watcher last confirmed the bucket."
        )
        self._probabilities = self._tally(
            "probability", "Probabilities of predictions.", "pipeline", _PROBABILITY_BUCKETS
        )

    def _counter(self, name: str, description: str, *labels: str) -> Counter:
        return Counter(f"nightcatch_{name}", description, labels, registry=self._registry)

    def _lowest(self, name: str, description: str) -> Gauge:
        """Return a gauge by pipeline that shows the lowest value of all live workers."""
        return Gauge(
            f"nightcatch_{name}",
            description,
            ("pipeline",),
            registry=self._registry,
            multiprocess_mode="livemin",
        )

    def _tally(self, name: str, description: str, label: str, buckets: Sequence[float]) -> "_Tally":
        named = f"nightcatch_{name}"
        return _Tally(named, description, (label,), buckets=buckets, registry=self._registry)

    def count_poll(self, outcome: Outcome) -> None:
        """Count what a poll came to."""
        self._polls.labels(outcome.pipeline, outcome.kind).inc()
        if outcome.failure:
            self._failures.labels(outcome.pipeline, outcome.failure).inc()
        if not outcome.is_unreachable:
            self._store_seen_at.labels(outcome.pipeline).set_to_current_time()

    def note_serial(self, pipeline: str, serial: int) -> None:
        """Share the serial that this worker serves; 0 for no model."""
        self._served_serial.labels(pipeline).set(serial)

    def note_confirmed(self, pipeline: str, at: datetime) -> None:
        """Share when the watcher last confirmed the bucket, as this worker saw it."""
        self._confirmed_at.labels(pipeline).set(at.timestamp())

    def count_predictions(self, pipeline: str, by_verdict: Mapping[str, int]) -> None:
        """Count predictions by verdict, once settled."""
        self._predicted.append((pipeline, by_verdict))

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request, once settled."""
        self._finished.append((route, method, status, seconds))

    def settle(self) -> None:
        """Add what requests counted to what all workers share."""
        with self._settling:
            requests: Multiset[tuple[str, str, int]] = Multiset()
            seconds_by_route: defaultdict[str, list[float]] = defaultdict(list)
            while self._finished:
                route, method, status, seconds = self._finished.popleft()
                requests[route, method, status] += 1
                seconds_by_route[route].append(seconds)
            predictions: Multiset[tuple[str, str]] = Multiset()
            while self._predicted:
                pipeline, by_verdict = self._predicted.popleft()
                for verdict, count in by_verdict.items():
                    predictions[pipeline, verdict] += count
        for request, count in requests.items():
            self._requests.labels(*request).inc(count)
        for route, values in seconds_by_route.items():
            self._latency.labels(route).observe_all(values)
        for prediction, count in predictions.items():
            self._predictions.labels(*prediction).inc(count)

    def count_traffic(self, outcome: str, rows: int) -> None:
        """Count rows that were ``written``, ``sent``, ``refused``, ``skipped`` or ``dropped``."""
        self._traffic.labels(outcome).inc(rows)

    def count_send_failure(self, kind: str) -> None:
        """Count an attempt to send what waits on disk that failed."""
        self._send_failures.labels(kind).inc()

    def count_feedback(self, pipeline: str, label: str) -> None:
        """Count a label that was given later."""
        self._feedback.labels(pipeline, label).inc()

    def count_probabilities(self, pipeline: str, probabilities: Sequence[float]) -> None:
        """Count probabilities, for the histogram."""
        self._probabilities.labels(pipeline).observe_all(probabilities)

    def exposition(
        self,
        catalogue: Catalogue,
        now: datetime,
        outbox: DeliveryQueue | None,
        keys: ApiKeys | None = None,
    ) -> bytes:
        """Return all metrics as text: shared counters, and the models of the answering worker."""
        self.settle()
        registry = self._registry
        if self._shared:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        models = CollectorRegistry()
        models.register(_ProductionModels(catalogue, now))
        if outbox is not None:
            models.register(_Waiting(outbox))
        if keys is not None:
            models.register(_KeyFaults(keys))
        return generate_latest(registry) + generate_latest(models)


def forget_dead_workers(folder: Path) -> None:
    """Remove the gauges of workers that were killed, and so could not do it themselves.

    Parameters
    ----------
    folder : Path
        ``PROMETHEUS_MULTIPROC_DIR``.
    """
    for pid in {int(path.stem.rpartition("_")[2]) for path in folder.glob("gauge_live*_*.db")}:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]


class _Tally(Histogram):
    """A histogram that takes many values at once, as a table has a million."""

    def observe_all(self, values: Sequence[float]) -> None:
        places = np.searchsorted(self._upper_bounds, values)
        for place, count in enumerate(np.bincount(places).tolist()):
            if count:
                self._buckets[place].inc(count)
        self._sum.inc(float(np.sum(values)))


class _Waiting:
    def __init__(self, outbox: DeliveryQueue) -> None:
        self._outbox = outbox

    def collect(self) -> Iterator[Metric]:
        batches = self._outbox.waiting()
        sizes = {
            "rows": ("Items of traffic and feedback", [batch.rows for batch in batches]),
            "bytes": ("Bytes of them", [batch.size_bytes for batch in batches]),
        }
        for unit, (items, counts) in sizes.items():
            yield GaugeMetricFamily(
                f"nightcatch_traffic_waiting_{unit}", f"{items} that wait on disk.", sum(counts)
            )


class _KeyFaults:
    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "nightcatch_api_key_faults",
            "Broken lines of the file of API keys; 1 if it is absent, unreadable or empty.",
            self._keys.faults,
        )


class _ProductionModels:
    def __init__(self, catalogue: Catalogue, now: datetime) -> None:
        self._catalogue = catalogue
        self._now = now

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily(
            "nightcatch_model_info",
            "1 for the version in production.",
            labels=["pipeline", "version"],
        )
        serial = GaugeMetricFamily(
            "nightcatch_model_serial", "Serial of the approval in production.", labels=["pipeline"]
        )
        age = GaugeMetricFamily(
            "nightcatch_model_age_seconds",
            "Seconds since the version in production was trained.",
            labels=["pipeline"],
        )
        for entry in self._catalogue.in_production():
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
