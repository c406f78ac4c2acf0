"""What is held back, as people read it: entries, filters, and how many there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

State = Literal["waiting", "confirmed", "corrected", "rejected"]
Verdict = Literal["phishing", "legitimate", "confirm", "reject", "undo"]
VERDICTS: tuple[Verdict, ...] = ("phishing", "legitimate", "confirm", "reject", "undo")
STATES: tuple[State, ...] = ("waiting", "confirmed", "corrected", "rejected")


@dataclass(frozen=True)
class Held:
    """What waits for a decision, or was decided.

    Attributes
    ----------
    id : str
        Names it in `decide`.
    kind : {"record", "pull"}
    feed, reason : str
        Who reported it first, and why it is held back.
    state : {"waiting", "confirmed", "corrected", "rejected"}
        Corrected: it is among the records with the other label.
    held_at : datetime
    record : dict
        Empty for a pull.
    reporter : dict
        Of a record: `name`, `licence` and `label` of who reported it.
    reports : tuple of dict
        What analysts said of it: `id` of the prediction, `client`, `source`, `label`, `at`,
        `version`, `probability`.
    decided_by, decision_reason : str
    decided_at : datetime or None
    """

    id: str
    kind: str
    feed: str
    reason: str
    state: State
    held_at: datetime
    record: Mapping[str, Any]
    reporter: Mapping[str, Any]
    reports: tuple[Mapping[str, Any], ...] = ()
    decided_by: str = ""
    decided_at: datetime | None = None
    decision_reason: str = ""

    @property
    def label(self) -> str:
        """What it was reported as: ``phishing`` or ``legitimate``; empty for a pull."""
        return str(self.reporter.get("label", ""))


@dataclass(frozen=True)
class Chosen:
    """Which entries: of a state, and where they are given, of a feed and with a reason.

    Attributes
    ----------
    state : {"waiting", "confirmed", "corrected", "rejected"} or "decided"
    feed, reason : str
    """

    state: str = "waiting"
    feed: str = ""
    reason: str = ""

    def query(self, pipeline: str) -> dict[str, Any]:
        """Return what MongoDB is asked for."""
        state: Any = {"$ne": "waiting"} if self.state == "decided" else self.state
        query: dict[str, Any] = {"pipeline": pipeline, "state": state}
        given = {"feed": self.feed, "reason": self.reason}
        return query | {name: value for name, value in given.items() if value}


@dataclass(frozen=True)
class Group:
    """So many entries of one kind, feed and reason.

    Attributes
    ----------
    kind, feed, reason : str
    n_entries : int
    """

    kind: str
    feed: str
    reason: str
    n_entries: int


def held_of(found: Mapping[str, Any]) -> Held:
    """Return the entry that a document of the collection holds."""
    return Held(
        id=found["_id"],
        kind=found["kind"],
        feed=found["feed"],
        reason=found["reason"],
        state=found["state"],
        held_at=found["held_at"],
        record=found.get("record", {}),
        reporter=found.get("reporter", {}),
        reports=tuple(found.get("reports", ())),
        decided_by=found.get("decided_by", ""),
        decided_at=found.get("decided_at"),
        decision_reason=found.get("decision_reason", ""),
    )
