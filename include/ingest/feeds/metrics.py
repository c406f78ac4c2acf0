"""How feeds do, in the text format that Prometheus reads."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from include.ingest.feeds.health import FeedHealth

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_NAMES = ("pipeline", "feed")
_MOMENTS = {
    "last_pull_at": ("last_pull_timestamp_seconds", "When it was last requested."),
    "last_success_at": ("last_success_timestamp_seconds", "When it last answered as it should."),
    "next_due_at": ("next_due_timestamp_seconds", "Before when it is not requested again."),
}
_COUNTS = {"new": "n_new", "known": "n_known", "held": "n_held", "bad": "n_bad"}


def feed_metrics(health: Iterable[FeedHealth]) -> bytes:
    """Return the figures of feeds that are on; ages are for Prometheus to compute, as `time() - x`.

    Parameters
    ----------
    health : iterable of FeedHealth
    """
    registry = CollectorRegistry()
    registry.register(_Families([each for each in health if each.status != "off"]))
    return generate_latest(registry)


class _Families:
    """What prometheus_client asks for metrics."""

    def __init__(self, health: list[FeedHealth]) -> None:
        self._health = health

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for attribute, (name, text) in _MOMENTS.items():
            moments = ((each, getattr(each, attribute)) for each in self._health)
            known = ((each, at.timestamp()) for each, at in moments if at is not None)
            yield _gauge(name, text, known)
        yield _gauge(
            "unhealthy",
            "1 if it is dead, held back, standing still or not pulled.",
            ((each, float(each.is_alarming)) for each in self._health),
        )
        failures = ((each, float(each.n_failures)) for each in self._health)
        yield _gauge("failures", "Failed pulls in a row.", failures)
        waiting = ((each, float(each.n_waiting)) for each in self._health)
        yield _gauge("waiting_records", "Records that wait for a review.", waiting)
        yield self._records()

    def _records(self) -> GaugeMetricFamily:
        text = "Records of the last pull that landed, by what became of them."
        family = GaugeMetricFamily("nightcatch_feed_records", text, labels=(*_NAMES, "outcome"))
        for each in self._health:
            for outcome, attribute in _COUNTS.items():
                family.add_metric((each.pipeline, each.feed, outcome), getattr(each, attribute))
        return family


def _gauge(name: str, text: str, values: Iterable[tuple[FeedHealth, float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"nightcatch_feed_{name}", text, labels=_NAMES)
    for each, value in values:
        family.add_metric((each.pipeline, each.feed), value)
    return family
