"""Records and pulls that are held back until a person decides: the collection `held_labels`.

A document is a record of a feed (`kind` "record": `record`, `reporter`) or a whole pull ("pull").
Both have `pipeline`, `feed`, `reason`, `held_at`, `last_seen` and a `state`: "waiting", "confirmed"
or "rejected", with `decided_by`, `decided_at` and `decision_reason` once it is decided.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from bson.codec_options import CodecOptions
from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database

from include.errors import DecisionRefusedError
from include.ingest.labels.inserts import DURABLE, Document, translated
from include.ingest.labels.reports import Reporter, land_reports

COLLECTION = "held_labels"
Decision = Literal["confirmed", "rejected"]
_AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True, tzinfo=UTC)


@dataclass(frozen=True)
class Held:
    """What waits for a decision, or was decided.

    Attributes
    ----------
    id : str
        Names it in `decide`.
    kind : {"record", "pull"}
    feed, reason, state : str
    held_at : datetime
    record : dict
        Empty for a pull.
    """

    id: str
    kind: str
    feed: str
    reason: str
    state: str
    held_at: datetime
    record: Mapping[str, Any]


class ReviewQueue:
    """What is held back of a pipeline's feeds.

    Parameters
    ----------
    database : pymongo Database
    pipeline : str
        Its records lie in the collection of that name.
    """

    def __init__(self, database: Database[Document], pipeline: str) -> None:
        self._pipeline = pipeline
        self._records: Collection[Document] = database[pipeline]
        self._held: Collection[Document] = database.get_collection(
            COLLECTION, codec_options=_AWARE, write_concern=DURABLE
        )

    def states_of(self, record_ids: Iterable[str]) -> dict[str, str]:
        """Return the state of each of these records that is or was held back."""
        keys = {self._id(record_id): record_id for record_id in record_ids}
        with translated(self._held):
            found = self._held.find({"_id": {"$in": list(keys)}}, {"state": 1})
            return {keys[each["_id"]]: each["state"] for each in found}

    def hold_records(
        self,
        documents: Sequence[tuple[Document, str]],
        reporter: Reporter,
        now: datetime,
    ) -> None:
        """Hold records back, each with its reason; what was decided stays so."""
        updates = [
            UpdateOne(
                {"_id": self._id(document["_id"])},
                {
                    "$setOnInsert": {
                        "pipeline": self._pipeline,
                        "kind": "record",
                        "feed": reporter.name,
                        "reason": reason,
                        "state": "waiting",
                        "held_at": now,
                        "record": document,
                        "reporter": asdict(reporter)
                        | {"valid_for": reporter.valid_for.total_seconds()},
                    },
                    "$max": {"last_seen": now},
                },
                upsert=True,
            )
            for document, reason in documents
        ]
        if updates:
            with translated(self._held):
                self._held.bulk_write(updates, ordered=False)

    def hold_pull(self, feed: str, reason: str, now: datetime) -> None:
        """Note that a feed's pull is held back; one entry for each feed."""
        entry = {"pipeline": self._pipeline, "kind": "pull", "feed": feed, "reason": reason}
        with translated(self._held):
            self._held.update_one(
                {"_id": self._id(f"pull:{feed}")},
                {
                    "$set": {**entry, "state": "waiting", "last_seen": now},
                    "$min": {"held_at": now},
                },
                upsert=True,
            )

    def release_pull(self, feed: str) -> None:
        """Remove the note: a later pull landed."""
        with translated(self._held):
            self._held.delete_one({"_id": self._id(f"pull:{feed}")})

    def waiting(self, limit: int = 100) -> Iterator[Held]:
        """Yield what waits, the oldest first."""
        with translated(self._held):
            query = {"pipeline": self._pipeline, "state": "waiting"}
            for found in self._held.find(query).sort("held_at", 1).limit(limit):
                yield _held(found)

    def count_waiting(self) -> dict[str, int]:
        """Return how many records of each feed wait."""
        query = {"pipeline": self._pipeline, "state": "waiting", "kind": "record"}
        group = {"$group": {"_id": "$feed", "n": {"$sum": 1}}}
        with translated(self._held):
            return {
                each["_id"]: each["n"] for each in self._held.aggregate([{"$match": query}, group])
            }

    def last_decision(self) -> datetime | None:
        """Return when somebody last confirmed or rejected something."""
        query = {"pipeline": self._pipeline, "decided_at": {"$exists": True}}
        with translated(self._held):
            found = self._held.find_one(query, sort=[("decided_at", -1)])
        return found["decided_at"] if found else None

    def decide(
        self, held_id: str, decision: Decision, *, by: str, reason: str, now: datetime
    ) -> Held:
        """Return a held record once it is decided; a confirmed one is among the records.

        Raises
        ------
        DecisionRefusedError
            If there is no such record; a pull is accepted by `FeedStates.accept`.
        """
        decided = {
            "state": decision, "decided_by": by, "decided_at": now, "decision_reason": reason
        }  # fmt: skip
        with translated(self._held):
            found = self._held.find_one({"_id": held_id, "kind": "record"})
            if found is None:
                raise DecisionRefusedError(f"no held record {held_id!r}")
            self._held.update_one({"_id": held_id}, {"$set": decided})
        if decision == "confirmed":
            self._land(found, by, now)
        else:
            self._withdraw(found)
        return _held(found | decided)

    def _land(self, found: Document, by: str, now: datetime) -> None:
        given = dict(found["reporter"])
        reporter = Reporter(**given | {"valid_for": timedelta(seconds=given["valid_for"])})
        document = {reporter.since: found["held_at"]} | found["record"]
        land_reports(self._records, [document], reporter, now)
        with translated(self._records):
            reviewed = {"reviewed_by": by, "reviewed_at": now}
            self._records.update_one({"_id": document["_id"]}, {"$set": reviewed})

    def _withdraw(self, found: Document) -> None:
        """Take a record out again that was confirmed before, and that nobody else reports."""
        query = {"_id": found["record"]["_id"], "sources": {"$size": 1}}
        with translated(self._records):
            self._records.delete_one(query | {"reviewed_at": {"$exists": True}})

    def _id(self, name: str) -> str:
        return f"{self._pipeline}/{name}"


def _held(found: Mapping[str, Any]) -> Held:
    return Held(
        found["_id"],
        found["kind"],
        found["feed"],
        found["reason"],
        found["state"],
        found["held_at"],
        found.get("record", {}),
    )
