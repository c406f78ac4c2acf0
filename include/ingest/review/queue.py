"""Records and pulls that are held back until a person decides: the collection `held_labels`.

A document is a record (`kind` "record": `record`, `reporter`, and `reports` of analysts) or a whole
pull ("pull"). Both have `pipeline`, `feed`, `reason`, `held_at`, `last_seen` and a `state`, with
`decided_by`, `decided_at` and `decision_reason` once it is decided. `landing` says what a decision
changed among the records, so that it can be undone, and `history` is every decision so far.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from bson.codec_options import CodecOptions
from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database

from include.errors import DecisionRefusedError
from include.ingest.labels.inserts import DURABLE, Document, translated
from include.ingest.labels.reports import Reporter
from include.ingest.review.entries import Chosen, Group, Held, held_of

COLLECTION = "held_labels"
_AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True, tzinfo=UTC)


class ReviewQueue:
    """What is held back of a pipeline's labels.

    Parameters
    ----------
    database : pymongo Database
    pipeline : str
    """

    def __init__(self, database: Database[Document], pipeline: str) -> None:
        self._pipeline = pipeline
        self.held: Collection[Document] = database.get_collection(
            COLLECTION, codec_options=_AWARE, write_concern=DURABLE
        )

    def states_of(self, record_ids: Iterable[str]) -> dict[str, str]:
        """Return the state of each of these records that is or was held back."""
        keys = {self.id_of(record_id): record_id for record_id in record_ids}
        with translated(self.held):
            found = self.held.find({"_id": {"$in": list(keys)}}, {"state": 1})
            return {keys[each["_id"]]: each["state"] for each in found}

    def hold_records(
        self,
        documents: Sequence[tuple[Document, str]],
        reporter: Reporter,
        now: datetime,
        reports: Mapping[str, Sequence[Document]] | None = None,
    ) -> None:
        """Hold records back, each with its reason; what was decided stays so.

        Parameters
        ----------
        documents : sequence of (dict, str)
            Each as `documents` yields it, and its reason.
        reporter : Reporter
        now : datetime
        reports : mapping of str to sequence of dict, optional
            What analysts said of a record, by its `_id`; each is kept once.
        """
        updates = [
            UpdateOne(
                {"_id": self.id_of(document["_id"])},
                {
                    "$setOnInsert": self._entry(document, reason, reporter, now),
                    "$max": {"last_seen": now},
                    **_added((reports or {}).get(document["_id"], ())),
                },
                upsert=True,
            )
            for document, reason in documents
        ]
        if updates:
            with translated(self.held):
                self.held.bulk_write(updates, ordered=False)

    def hold_pull(self, feed: str, reason: str, now: datetime) -> None:
        """Note that a feed's pull is held back; one entry for each feed."""
        entry = {"pipeline": self._pipeline, "kind": "pull", "feed": feed, "reason": reason}
        with translated(self.held):
            self.held.update_one(
                {"_id": self.id_of(f"pull:{feed}")},
                {
                    "$set": {**entry, "state": "waiting", "last_seen": now},
                    "$min": {"held_at": now},
                },
                upsert=True,
            )

    def release_pull(self, feed: str) -> None:
        """Remove the note: a later pull landed."""
        with translated(self.held):
            self.held.delete_one({"_id": self.id_of(f"pull:{feed}")})

    def read(self, held_id: str) -> Document:
        """Return the whole document of a held record.

        Raises
        ------
        DecisionRefusedError
            If there is none; a pull is accepted by `FeedStates.accept`.
        """
        with translated(self.held):
            found = self.held.find_one({"_id": held_id, "kind": "record"})
        if found is None or found["pipeline"] != self._pipeline:
            raise DecisionRefusedError(f"no held record {held_id!r}")
        return found

    def find(self, chosen: Chosen = Chosen(), limit: int = 100, skip: int = 0) -> list[Held]:  # noqa: B008
        """Return what is chosen: of what waits the oldest first, of what is decided the newest."""
        order = ("held_at", 1) if chosen.state == "waiting" else ("decided_at", -1)
        with translated(self.held):
            found = self.held.find(chosen.query(self._pipeline)).sort([order, ("_id", 1)])
            return [held_of(each) for each in found.skip(skip).limit(limit)]

    def count(self, chosen: Chosen) -> int:
        """Return how many entries are chosen."""
        with translated(self.held):
            return self.held.count_documents(chosen.query(self._pipeline))

    def groups(self, state: str = "waiting") -> list[Group]:
        """Return how many entries each feed has for each reason, the most first."""
        keys = {name: f"${name}" for name in ("kind", "feed", "reason")}
        stages: list[dict[str, Any]] = [
            {"$match": Chosen(state).query(self._pipeline)},
            {"$group": {"_id": keys, "n": {"$sum": 1}}},
            {"$sort": {"n": -1, "_id": 1}},
        ]
        with translated(self.held):
            return [
                Group(**each["_id"], n_entries=each["n"]) for each in self.held.aggregate(stages)
            ]

    def count_waiting(self) -> dict[str, int]:
        """Return how many records of each feed wait."""
        found: dict[str, int] = {}
        for group in self.groups():
            if group.kind == "record":
                found[group.feed] = found.get(group.feed, 0) + group.n_entries
        return found

    def last_decision(self) -> datetime | None:
        """Return when somebody last decided on something."""
        query = {"pipeline": self._pipeline, "decided_at": {"$exists": True}}
        with translated(self.held):
            found = self.held.find_one(query, sort=[("decided_at", -1)])
        return found["decided_at"] if found else None

    def reported(self, prediction_ids: Iterable[str]) -> set[tuple[str, str]]:
        """Return id and label of the reports on these predictions that are in the queue already."""
        wanted = set(prediction_ids)
        with translated(self.held):
            found = self.held.find({"reports.id": {"$in": list(wanted)}}, {"reports": 1})
            reports = [report for each in found for report in each["reports"]]
        return {(each["id"], each["label"]) for each in reports if each["id"] in wanted}

    def about(self, prediction_ids: Iterable[str]) -> list[Held]:
        """Return the entries with a report on any of these predictions, decided or not."""
        query = {"pipeline": self._pipeline, "reports.id": {"$in": list(prediction_ids)}}
        with translated(self.held):
            return [held_of(each) for each in self.held.find(query)]

    def forget(self, feed: str, before: datetime) -> None:
        """Remove what waits of a feed since before a time, and nobody else has reported."""
        query = Chosen("waiting", feed).query(self._pipeline)
        old = {"held_at": {"$lt": before}, "reports.1": {"$exists": False}}
        with translated(self.held):
            self.held.delete_many(query | old)

    def id_of(self, name: str) -> str:
        """Return the id of the entry of a record, by the record's `_id`."""
        return f"{self._pipeline}/{name}"

    def _entry(
        self, document: Document, reason: str, reporter: Reporter, now: datetime
    ) -> Document:
        return {
            "pipeline": self._pipeline,
            "kind": "record",
            "feed": reporter.name,
            "reason": reason,
            "state": "waiting",
            "held_at": now,
            "record": document,
            "reporter": asdict(reporter) | {"valid_for": reporter.valid_for.total_seconds()},
        }


def _added(reports: Sequence[Document]) -> dict[str, Any]:
    return {"$addToSet": {"reports": {"$each": list(reports)}}} if reports else {}
