"""Decide on what is held back: at once among the records, and undone as easily."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from pymongo.collection import Collection
from pymongo.database import Database

from include.errors import DecisionRefusedError
from include.ingest.feeds.state import FeedStates
from include.ingest.files.layout import Layout
from include.ingest.labels.documents import Source, documents
from include.ingest.labels.inserts import DURABLE, Document, insert_absent, translated
from include.ingest.labels.reports import Reporter, land_reports
from include.ingest.review.entries import Chosen, Held, State, Verdict, held_of
from include.ingest.review.queue import ReviewQueue

REVIEW = "review"
# A person's word about a URL; a feed's own validity holds where its record is confirmed.
_VALID_FOR = timedelta(days=730)
_NOTED = ("_id", "loaded_from", "simulated")
_REVIEWED = frozenset({"reviewed_by", "reviewed_at"})


class Reviewed(Protocol):
    """What a review needs of a pipeline."""

    @property
    def name(self) -> str:
        """Also the name of its collection."""

    @property
    def layout(self) -> Layout:
        """The columns of its records."""


@dataclass(frozen=True)
class Decision:
    """Who decides what, and why.

    Attributes
    ----------
    verdict : {"phishing", "legitimate", "confirm", "reject", "undo"}
        What the record is; or the label as it was reported; or neither, so that nothing is trained
        on; or that it waits again.
    by, reason : str
    at : datetime
        Aware.
    """

    verdict: Verdict
    by: str
    reason: str
    at: datetime


class ReviewDesk:
    """Decides on held records of a pipeline.

    Parameters
    ----------
    database : pymongo Database
    pipeline : Reviewed
    """

    def __init__(self, database: Database[Document], pipeline: Reviewed) -> None:
        self._pipeline = pipeline
        self._records: Collection[Document] = database.get_collection(
            pipeline.name, write_concern=DURABLE
        )
        self._states = FeedStates(database, pipeline.name)
        self.queue = ReviewQueue(database, pipeline.name)

    def decide(self, held_id: str, decision: Decision, *, seen: str = "") -> Held:
        """Return a held record once it is decided; a confirmed one is among the records.

        What an earlier decision changed is undone first. Killed anywhere, it can be done again.

        Parameters
        ----------
        held_id : str
        decision : Decision
        seen : str
            The state in which the person saw it; empty if that does not matter.

        Raises
        ------
        DecisionRefusedError
            If there is no such record, or somebody else decided on it meanwhile.
        StoreUnavailableError
        """
        found = self.queue.read(held_id)
        if seen and found["state"] != seen:
            who = found.get("decided_by") or "somebody"
            raise DecisionRefusedError(f"{who} changed it to {found['state']} meanwhile")
        state = _state_of(decision.verdict, found["reporter"]["label"])
        self._undo(found)
        if state in ("confirmed", "corrected"):
            self._land(found, decision, is_corrected=state == "corrected")
        return self._note(found, state, decision)

    def decide_all(self, chosen: Chosen, decision: Decision, limit: int) -> int:
        """Return on how many waiting records of a feed and reason was decided, `limit` at most.

        Raises
        ------
        DecisionRefusedError
            If feed and reason are not both given.
        StoreUnavailableError
        """
        if not (chosen.feed and chosen.reason):
            raise DecisionRefusedError("many are decided on for one feed and one reason only")
        waiting = [each for each in self.queue.find(chosen, limit) if each.kind == "record"]
        for each in waiting:
            self.decide(each.id, decision)
        return len(waiting)

    def _note(self, found: Document, state: State, decision: Decision) -> Held:
        noted = {
            "state": state,
            "decided_by": decision.by,
            "decided_at": decision.at,
            "decision_reason": decision.reason,
        }
        with translated(self.queue.held):
            self.queue.held.update_one(
                {"_id": found["_id"]}, {"$set": noted, "$push": {"history": noted}}
            )
        return held_of(found | noted)

    def _land(self, found: Document, decision: Decision, *, is_corrected: bool) -> None:
        """Put a record among the others, with its reviewer; what contradicts it is set aside."""
        reporter = _reporter(found["reporter"])
        document = {reporter.since: found["held_at"]} if reporter.since else {}
        document |= found["record"]
        other = with_other_label(document, self._pipeline.layout)
        if is_corrected:
            label = "legitimate" if reporter.label == "phishing" else "phishing"
            reporter = Reporter(REVIEW, "own", label, _VALID_FOR, reporter.since)
            document, other = other | self._origin(), document
        seen = {"sources.name": 1, "reviewed_by": 1, "reviewed_at": 1}
        with translated(self._records):
            landing = {
                "id": document["_id"],
                "source": reporter.name,
                "before": self._records.find_one({"_id": document["_id"]}, seen),
                "aside": self._records.find_one({"_id": other["_id"]}),
            }
            self.queue.held.update_one({"_id": found["_id"]}, {"$set": {"landing": landing}})
            self._records.delete_one({"_id": other["_id"]})
        if land_reports(self._records, [document], reporter, decision.at):
            self._states.count_new(REVIEW, 1)
        with translated(self._records):
            reviewed = {"reviewed_by": decision.by, "reviewed_at": decision.at}
            self._records.update_one({"_id": document["_id"]}, {"$set": reviewed})

    def _undo(self, found: Document) -> None:
        """Restore the records as they were before, save for what others reported since."""
        landing = found.get("landing")
        if landing is None and found["state"] == "confirmed":  # by an earlier release
            landing = {"id": found["record"]["_id"], "source": found["feed"]}
        if landing is None:
            return
        key, before = {"_id": landing["id"]}, landing.get("before") or {}
        reviewed = {name: before[name] for name in _REVIEWED if name in before}
        changes: dict[str, Any] = {"$set": reviewed} if reviewed else {}
        if gone := dict.fromkeys(_REVIEWED - reviewed.keys(), ""):
            changes["$unset"] = gone
        if all(each["name"] != landing["source"] for each in before.get("sources", ())):
            changes["$pull"] = {"sources": {"name": landing["source"]}}
        with translated(self._records):
            self._records.update_one(key, changes)
            if not before:
                self._records.delete_one(key | {"sources": []})
            if aside := landing.get("aside"):
                insert_absent(self._records, [aside])
            self.queue.held.update_one({"_id": found["_id"]}, {"$unset": {"landing": ""}})

    def _origin(self) -> dict[str, Any]:
        origin = self._pipeline.layout.origin
        return {"loaded_from": REVIEW} | ({origin: REVIEW} if origin else {})


def with_other_label(document: Document, layout: Layout) -> Document:
    """Return the document of the same record with the opposite label."""
    target = layout.target
    other = {target.positive: target.negative, target.negative: target.positive}
    record = {name: value for name, value in document.items() if name not in _NOTED}
    record[target.source] = other[record[target.source]]
    source = Source(document.get("loaded_from", REVIEW))
    (made,) = documents([record], source, layout.identity)
    return made


def _state_of(verdict: Verdict, label: str) -> State:
    if verdict in ("phishing", "legitimate"):
        return "confirmed" if verdict == label else "corrected"
    states: dict[str, State] = {"confirm": "confirmed", "reject": "rejected", "undo": "waiting"}
    return states[verdict]


def _reporter(given: Mapping[str, Any]) -> Reporter:
    return Reporter(**{**given, "valid_for": timedelta(seconds=given["valid_for"])})
