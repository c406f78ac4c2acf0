"""What routes share: the models in production, the limits, the counters and the clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import cast

from flask import current_app

from include.contract.lists import ListEntry
from include.contract.verdicts import DecidedBy
from include.inference.decisions import decisions
from include.inference.listed import ListLookup
from include.inference.model import OnnxModel
from include.inference.record_schema import Matrix
from include.inference.traffic_record import TrafficRecord
from include.registry.follow import ListFollower, ProductionModel, Report
from include.services.scorer.auth.access import Access
from include.services.scorer.desk.links import ResultLinks
from include.services.scorer.serving.catalogue import Catalogue
from include.services.scorer.serving.held_bytes import HeldBytes
from include.services.scorer.serving.slow_bodies import SlowBodies
from include.services.scorer.settings import Limits
from include.services.scorer.telemetry.delivery_queue import DeliveryQueue
from include.services.scorer.telemetry.metrics import Metrics
from include.urls.reading import read_url

EXTENSION = "nightcatch"
_UPLOADS_ON_DISK = 8
_LEAST_ON_DISK_BYTES = 32 * 1024 * 1024


def _forget(scored: TrafficRecord) -> None:
    """Keep no traffic log."""


@dataclass(frozen=True)
class Scorer:
    """The parts that the application is built of.

    Attributes
    ----------
    catalogue : Catalogue
    metrics : Metrics
    limits : Limits
    build : str
        Commit of the code.
    now : callable
        The time, aware and in UTC.
    access : Access
        API keys, rate limit, CORS and access log.
    note : callable
        Records a scored response for the traffic log; called in the request, so it does not wait.
    outbox : DeliveryQueue or None
        Where feedback waits for S3.
    reports : mapping of str to Report
        Of each pipeline's version in production.
    lists : mapping of str to ListFollower
        Of each pipeline's allowed and blocked sites.
    kept_of : callable
        Returns what is kept of free text in feedback.
    slow_bodies : SlowBodies
        Which bodies are being read.
    links : ResultLinks or None
        Makes links to results; None makes none.
    """

    catalogue: Catalogue
    metrics: Metrics
    limits: Limits
    build: str
    now: Callable[[], datetime]
    access: Access = field(default_factory=Access)
    note: Callable[[TrafficRecord], None] = _forget
    outbox: DeliveryQueue | None = None
    reports: Mapping[str, Report] = field(default_factory=dict)
    lists: Mapping[str, ListFollower[ListLookup]] = field(default_factory=dict)
    kept_of: Callable[[str], str] = str
    slow_bodies: SlowBodies = field(default_factory=SlowBodies)
    links: ResultLinks | None = None

    @cached_property
    def files(self) -> HeldBytes:
        """Uploads and tables on disk: several of the largest, of all requests together."""
        return HeldBytes(max(_UPLOADS_ON_DISK * self.limits.upload_bytes, _LEAST_ON_DISK_BYTES))

    @property
    def takes_feedback(self) -> bool:
        """Whether labels are taken: from known clients only."""
        return self.access.keys is not None and self.outbox is not None

    def decisions(
        self,
        in_production: ProductionModel[OnnxModel],
        matrix: Matrix,
        probabilities: Sequence[float],
    ) -> Sequence[DecidedBy]:
        """Return what decides on each row of a matrix; the model on every record of columns."""
        if not in_production.model.schema.is_text:
            return [DecidedBy.MODEL] * len(matrix)
        lookup = self._list_of(in_production.pointer.pipeline)
        return decisions(
            matrix[:, 0].tolist(),
            probabilities,
            in_production.model.score,
            in_production.manifest.thresholds,
            lookup,
            self.now().timestamp(),
        )

    def list_entry(self, pipeline: str, url: str) -> ListEntry | None:
        """Return the entry of a pipeline's list that decides on a URL, if one does."""
        lookup = self._list_of(pipeline)
        return lookup.find(read_url(url).parsed, self.now().timestamp()) if lookup else None

    def _list_of(self, pipeline: str) -> ListLookup | None:
        follower = self.lists.get(pipeline)
        return follower.current if follower else None

    def report_of(self, pipeline: str, version: str) -> bytes | None:
        """Return the report of a version in production, if it is loaded."""
        report = self.reports.get(pipeline)
        return report.of(version) if report else None


def current_scorer() -> Scorer:
    """Return the `Scorer` of the application that handles this request."""
    return cast(Scorer, current_app.extensions[EXTENSION])
