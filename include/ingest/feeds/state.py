"""What is known of each feed between two pulls: the collection `feed_state`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from statistics import median
from typing import Any

from bson.codec_options import CodecOptions
from pymongo import ReturnDocument
from pymongo.collection import Collection
from pymongo.database import Database

from include.ingest.feeds.fetch import Validators
from include.ingest.feeds.settings import FeedSettings
from include.ingest.labels.inserts import DURABLE, Document, translated

COLLECTION = "feed_state"
KEPT_SIZES = 5
ANNOUNCED = "announced"
_AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True, tzinfo=UTC)


@dataclass(frozen=True)
class FeedState:
    """A feed as its last pull left it.

    Attributes
    ----------
    pipeline, name : str
    etag, last_modified, sha256 : str
        Of the content that landed last.
    next_due_at : datetime or None
        No request is made before.
    last_pull_at, last_success_at, changed_at : datetime or None
        When it was requested, answered as it should, and last had other content.
    failing_since : datetime or None
    n_failures : int
        Failed pulls in a row.
    error : str
        Why the last one failed; empty if it did not.
    held_since : datetime or None
    held : str
        Why the last pull was held back; empty if it was not.
    is_accepted : bool
        Whether a person accepts the next pull whatever its size.
    n_records, n_new, n_known, n_held, n_bad : int
        Of the last pull that landed.
    sizes : tuple of int
        `n_records` of the last pulls that landed.
    n_pending : int
        New records since the last event of the asset.
    """

    pipeline: str
    name: str
    etag: str = ""
    last_modified: str = ""
    sha256: str = ""
    next_due_at: datetime | None = None
    last_pull_at: datetime | None = None
    last_success_at: datetime | None = None
    changed_at: datetime | None = None
    failing_since: datetime | None = None
    n_failures: int = 0
    error: str = ""
    held_since: datetime | None = None
    held: str = ""
    is_accepted: bool = False
    n_records: int = 0
    n_new: int = 0
    n_known: int = 0
    n_held: int = 0
    n_bad: int = 0
    sizes: tuple[int, ...] = ()
    n_pending: int = 0

    @property
    def usual_size(self) -> float:
        """How many records its pulls have; one odd pull does not move it. 0 before the first."""
        return median(self.sizes) if self.sizes else 0.0

    @property
    def validators(self) -> Validators:
        """What the next request sends."""
        return Validators(self.etag, self.last_modified)

    def is_due(self, now: datetime) -> bool:
        """Return whether it may be requested."""
        return self.next_due_at is None or self.next_due_at <= now


_FIELDS = frozenset(field.name for field in fields(FeedState))


class FeedStates:
    """The states of a pipeline's feeds.

    Parameters
    ----------
    database : pymongo Database
    pipeline : str
    """

    def __init__(self, database: Database[Document], pipeline: str) -> None:
        self._pipeline = pipeline
        self._states: Collection[Document] = database.get_collection(
            COLLECTION, codec_options=_AWARE, write_concern=DURABLE
        )

    def read(self, name: str) -> FeedState:
        """Return the state of a feed; an empty one if it was never pulled."""
        with translated(self._states):
            return self._state(name, self._states.find_one({"_id": self._id(name)}))

    def claim(self, feed: FeedSettings, now: datetime) -> FeedState | None:
        """Return the state of a feed that is due, and let nobody else request it.

        Whatever becomes of the request, even a kill, the next one is a minimum interval away.
        """
        key = self._id(feed.name)
        with translated(self._states):
            names = {"pipeline": self._pipeline, "name": feed.name}
            self._states.update_one({"_id": key}, {"$setOnInsert": names}, upsert=True)
            found = self._states.find_one_and_update(
                {"_id": key, "$or": [{"next_due_at": None}, {"next_due_at": {"$lte": now}}]},
                {"$set": {"next_due_at": now + feed.min_interval, "last_pull_at": now}},
                return_document=ReturnDocument.AFTER,
            )
        return None if found is None else self._state(feed.name, found)

    def save(self, state: FeedState) -> None:
        """Write a state; what waits to be announced is counted apart."""
        document = asdict(state)
        del document["n_pending"]
        with translated(self._states):
            self._states.update_one({"_id": self._id(state.name)}, {"$set": document}, upsert=True)

    def accept(self, name: str, *, by: str, reason: str, now: datetime) -> None:
        """Have the next pull of a feed land whatever its size; note who says so, and why."""
        decided = {"accepted_by": by, "accepted_reason": reason, "accepted_at": now}
        names = {"pipeline": self._pipeline, "name": name, "is_accepted": True}
        with translated(self._states):
            self._states.update_one({"_id": self._id(name)}, {"$set": names | decided}, upsert=True)

    def count_new(self, name: str, n_new: int) -> None:
        """Add to the new records of a feed, or of people, that wait to be announced."""
        names = {"pipeline": self._pipeline, "name": name}
        if n_new:
            with translated(self._states):
                self._states.update_one(
                    {"_id": self._id(name)},
                    {"$inc": {"n_pending": n_new}, "$setOnInsert": names},
                    upsert=True,
                )

    def pending(self) -> int:
        """Return how many new records wait to be announced."""
        with translated(self._states):
            found = self._states.find({"pipeline": self._pipeline}, {"n_pending": 1})
            return sum(int(each.get("n_pending", 0)) for each in found)

    def take_pending(self, min_new: int, now: datetime, quiet_since: datetime | None = None) -> int:
        """Return how many new records wait to be announced, and take them; 0 if too few do.

        Parameters
        ----------
        min_new : int
        now : datetime
            Aware.
        quiet_since : datetime, optional
            None is taken where some were after this moment.
        """
        with translated(self._states):
            if quiet_since is not None:
                last = self._states.find_one({"_id": self._id(ANNOUNCED)})
                if last is not None and last["at"] > quiet_since:
                    return 0
            found = list(self._states.find({"pipeline": self._pipeline}, {"n_pending": 1}))
            waiting = {each["_id"]: int(each.get("n_pending", 0)) for each in found}
            if (n_new := sum(waiting.values())) < min_new:
                return 0
            for key, count in waiting.items():
                self._states.update_one({"_id": key}, {"$inc": {"n_pending": -count}})
            self._states.update_one(
                {"_id": self._id(ANNOUNCED)}, {"$set": {"at": now}}, upsert=True
            )
        return n_new

    def _id(self, name: str) -> str:
        return f"{self._pipeline}/{name}"

    def _state(self, name: str, found: Mapping[str, Any] | None) -> FeedState:
        known = {key: value for key, value in (found or {}).items() if key in _FIELDS}
        known["sizes"] = tuple(known.get("sizes", ()))
        return FeedState(**{"pipeline": self._pipeline, "name": name, **known})
