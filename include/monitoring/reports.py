"""Predictions enter the review queue: analysts' reports, a random sample, and disagreements."""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from include.contract.verdicts import PHISHING
from include.ingest.files.reader import Row, read_mappings
from include.ingest.labels.documents import Source, documents
from include.ingest.labels.inserts import Document
from include.ingest.labels.reports import Reporter
from include.ingest.review.context import Context
from include.ingest.review.decisions import Decision, ReviewDesk
from include.monitoring.findings_store import read_findings
from include.monitoring.records.labels import Labelled, Said, find_labelled, read_said
from include.monitoring.reviews import keep_reviews
from include.pipelines import Pipeline
from include.stores.objects import ObjectStore

REPORTS, SAMPLE, DISAGREEMENTS = "reports", "sample", "disagreements"
_LOG = logging.getLogger(__name__)
# What comes late, after an outage of the scorer's way to the bucket, is found on the days after.
_DAYS = 3
_VALID_FOR = timedelta(days=730)
# What nobody looked at for so long makes room for later days.
_SAMPLE_WAITS = timedelta(days=7)


@dataclass(frozen=True)
class Taken:
    """What came of analysts' reports.

    Attributes
    ----------
    n_waiting : int
        Now in the queue, and waiting.
    n_landed : int
        Of trusted clients, and among the records.
    n_unknown : int
        Of predictions of which no inputs are kept as they were sent: nobody could tell what they
        are about.
    """

    n_waiting: int = 0
    n_landed: int = 0
    n_unknown: int = 0


@dataclass(frozen=True)
class ReportIntake:
    """Takes the reports of a pipeline.

    Attributes
    ----------
    store : ObjectStore
        With feedback and traffic.
    pipeline : Pipeline
    desk : ReviewDesk
    context : Context
    """

    store: ObjectStore
    pipeline: Pipeline
    desk: ReviewDesk
    context: Context

    def take(self, trusted: Collection[str], now: datetime) -> Taken:
        """Put the reports of the last days into the queue, each once; land trusted clients'.

        A trusted client's report that contradicts a reviewed record waits like any other.

        Parameters
        ----------
        trusted : collection of str
            Names of API clients.
        now : datetime
            Aware.

        Raises
        ------
        StoreUnavailableError
        """
        said, _ = read_said(self.store, self.pipeline.name, f"{now:%Y-%m-%d}", _DAYS)
        known = self.desk.queue.reported(said)
        fresh = {name: each for name, each in said.items() if (name, _word(each)) not in known}
        found = find_labelled(self.store, self.pipeline, fresh)
        readable = [each for each in found if each.item.inputs and not each.item.is_redacted]
        n_waiting = n_landed = 0
        for each in readable:
            if (document := self._document(REPORTS, each)) is None:
                continue
            against = self._reviewed_otherwise(document)
            reason = f"reported by {each.said.client or each.said.source}"
            reason = f"{reason}, {against}" if against else reason
            self._hold(REPORTS, document, each, reason, now)
            if each.said.client in trusted and not against:
                n_landed += self._land(document, each.said.client, now)
            else:
                n_waiting += 1
        taken = Taken(n_waiting, n_landed, len(fresh) - len(readable))
        _LOG.info("%s: reports of analysts: %s", self.pipeline.name, taken)
        return taken

    def take_sample(self, day: str, now: datetime) -> int:
        """Put the random sample of a day into the queue, each once, as the model labelled it.

        Parameters
        ----------
        day : str
            ``YYYY-MM-DD``; nothing is taken before `watch_traffic` has evaluated it.
        now : datetime
            Aware.

        Returns
        -------
        int
            How many predictions are new in the queue.

        Raises
        ------
        StoreUnavailableError
        """
        self.desk.queue.forget(SAMPLE, now - _SAMPLE_WAITS)
        drawn = self._drawn(day)
        known = {name for name, _ in self.desk.queue.reported(drawn)}
        said = dict.fromkeys(sorted(drawn - known), Said(day, "random sample", False, "the model"))
        found = find_labelled(self.store, self.pipeline, said)
        why = ((each, f"random sample of predictions: {each.item.verdict}", now) for each in found)
        return len(self._hold_as_answered(SAMPLE, why))

    def keep_reviews(self, now: datetime) -> int:
        """Keep the decisions on the random samples of the last week where days are evaluated.

        Returns
        -------
        int
            How many predictions of these samples have a reviewer's label.

        Raises
        ------
        StoreUnavailableError
        """
        queue, name = self.desk.queue, self.pipeline.name
        days = [f"{now - timedelta(days=back):%Y-%m-%d}" for back in range(1, _SAMPLE_WAITS.days)]
        return sum(
            keep_reviews(self.store, queue, name, day, drawn)
            for day in days
            if (drawn := self._drawn(day))
        )

    def _drawn(self, day: str) -> set[str]:
        """Return the ids of the random sample of a day."""
        found = read_findings(self.store, self.pipeline.name, day) or {}
        strata = found.get("audit", {}).get("strata", ())
        return {name for stratum in strata for name in stratum["drawn"]}

    def hold_disagreements(self, drawn: Sequence[str], reason: str, now: datetime) -> set[str]:
        """Put predictions on which two versions disagree into the queue, in the given order.

        Parameters
        ----------
        drawn : sequence of str
            Ids of predictions that are not in the queue.
        reason : str
            Names the versions.
        now : datetime
            Aware.

        Returns
        -------
        set of str
            Those that wait now: not all where a prediction is not kept any more.

        Raises
        ------
        StoreUnavailableError
        """
        said = dict.fromkeys(drawn, Said(f"{now:%Y-%m-%d}", "disagreement", False, "the model"))
        found = {each.id: each for each in find_labelled(self.store, self.pipeline, said)}
        # The queue shows the oldest first: what was drawn first.
        why = (
            (found[name], reason, now + timedelta(milliseconds=place))
            for place, name in enumerate(drawn)
            if name in found
        )
        return self._hold_as_answered(DISAGREEMENTS, why)

    def _hold_as_answered(
        self, origin: str, predictions: Iterable[tuple[Labelled, str, datetime]]
    ) -> set[str]:
        """Return the ids of those that wait now, each with its own verdict as its label."""
        held = set()
        for each, reason, at in predictions:
            if not each.item.inputs or each.item.is_redacted:
                continue
            is_phishing = each.item.verdict == PHISHING
            labelled = each._replace(said=each.said._replace(is_phishing=is_phishing))
            if document := self._document(origin, labelled):
                self._hold(origin, document, labelled, reason, at)
                held.add(each.id)
        return held

    def _document(self, origin: str, labelled: Labelled) -> Document | None:
        """Return the record of a prediction with its label; None where its inputs are no record."""
        layout = self.pipeline.layout
        values = zip(self.pipeline.inputs, labelled.item.inputs or (), strict=True)
        cells = {field.name: str(value) for field, value in values if value is not None}
        given: dict[str, Any] = {layout.target.source: layout.labels[_word(labelled.said)]}
        if layout.origin:
            given[layout.origin] = origin
        rows: Iterable[Any] = read_mappings([cells], layout, given)
        records = (row.record for row in rows if isinstance(row, Row))
        return next(iter(documents(records, Source(origin), layout.identity)), None)

    def _hold(
        self, origin: str, document: Document, labelled: Labelled, reason: str, now: datetime
    ) -> None:
        identity, said, item = self.pipeline.layout.identity, labelled.said, labelled.item
        since = identity.since if identity else ""
        reporter = Reporter(origin, "own", _word(said), _VALID_FOR, since)
        report = {
            "id": labelled.id,
            "client": said.client,
            "source": said.source,
            "label": _word(said),
            "at": said.time,
            "version": item.version,
            "probability": item.probability,
            "comment": said.comment,
        }
        self.desk.queue.hold_records(
            [(document, reason)], reporter, now, {document["_id"]: [report]}
        )

    def _land(self, document: Document, client: str, now: datetime) -> int:
        """Confirm a trusted client's report, unless a person has decided on the record before."""
        held_id = self.desk.queue.id_of(document["_id"])
        if self.desk.queue.read(held_id)["state"] != "waiting":
            return 0
        self.desk.decide(held_id, Decision("confirm", client, "reported by a trusted client", now))
        return 1

    def _reviewed_otherwise(self, document: Document) -> str:
        """Return by whom a record was given the opposite label; empty if by nobody."""
        for known in self.context.stored(document):
            if known.document["_id"] != document["_id"] and "reviewed_by" in known.document:
                return f"reviewed as {known.label} by {known.document['reviewed_by']}"
        return ""


def _word(said: Any) -> str:
    return "phishing" if said.is_phishing else "legitimate"
