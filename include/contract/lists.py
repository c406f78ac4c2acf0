"""The list of allowed and blocked sites of a pipeline: `current.json`, signed like the pointer."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys, signature
from include.errors import ListRefusedError

PAYLOAD_TYPE = "application/vnd.nightcatch.list+json"
MAX_LIST_BYTES = 16 * 1024 * 1024
MAX_ENTRIES = 20_000
MAX_TEXT_CHARS = 500

Action = Literal["allow", "block"]
Scope = Literal["url", "path", "host", "domain"]
ACTIONS: tuple[Action, ...] = get_args(Action)
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""From the narrowest to the widest."""


@dataclass(frozen=True)
class ListEntry:
    """A decision of people that comes before the model's.

    Attributes
    ----------
    action : str
        ``allow`` or ``block``.
    scope : str
        ``url`` for one URL, ``path`` for a host and all paths below one, ``host`` for a host,
        ``domain`` for a domain and all hosts below it.
    value : str
        In the form that URLs are compared in: a host in lower case and IDNA, for ``path`` and
        ``url`` with what follows.
    reason, author : str
    added_at : str
        ISO 8601 in UTC.
    expires_at : str or None
        From then on the entry does nothing; None for never.
    """

    action: Action
    scope: Scope
    value: str
    reason: str
    author: str
    added_at: str
    expires_at: str | None = None

    @property
    def expires_s(self) -> float:
        """Seconds since 1970 from which on the entry does nothing; infinity for never."""
        if self.expires_at is None:
            return float("inf")
        return datetime.fromisoformat(self.expires_at).timestamp()


@dataclass(frozen=True)
class DecisionList:
    """All entries of a pipeline at one serial.

    Attributes
    ----------
    pipeline : str
    serial : int
        Rises by one with each change; 0 for the empty list before the first.
    entries : tuple of ListEntry
    changed_by, changed_at, reason : str
        Of the change that made this state.
    run_id : str
        The DAG run or command that made it; the same one is never counted twice in a row.
    """

    pipeline: str
    serial: int = 0
    entries: tuple[ListEntry, ...] = ()
    changed_by: str = ""
    changed_at: str = ""
    reason: str = ""
    run_id: str = ""

    def to_json(self, key: ec.EllipticCurvePrivateKey) -> bytes:
        """Return the signed bytes of ``current.json``."""
        return signature.signed_document(PAYLOAD_TYPE, asdict(self), key)


def parse_list(body: bytes, trusted: signature.PublicKeys, *, pipeline: str) -> DecisionList:
    """Return the list that `body` holds, once its signature is verified.

    Parameters
    ----------
    body : bytes
        Content of ``current.json`` or of a history entry.
    trusted : sequence of EllipticCurvePublicKey
        Keys that may sign lists; any of them suffices.
    pipeline : str
        The pipeline whose list it must be.

    Raises
    ------
    SignatureError
        If it was not signed by a trusted key.
    ListRefusedError
        If it is malformed, too large, or of another pipeline.
    """
    return _KIND.parse(body, trusted, pipeline=pipeline)


def check_list_succession(current: DecisionList | None, new: DecisionList) -> None:
    """Return when `new` may follow `current`: a higher serial, or the very same list.

    Raises
    ------
    ListRefusedError
        If it is an older list, or another one of the same serial: a replay.
    """
    if current is None or new.serial > current.serial or new == current:
        return
    raise ListRefusedError(f"{new.pipeline}: list {new.serial} cannot follow list {current.serial}")


def _from_document(document: dict[str, Any]) -> DecisionList:
    serial, entries = document["serial"], document["entries"]
    if type(serial) is not int or serial < 1:
        raise ValueError(f"serial {serial!r} is not a positive integer")
    if len(entries) > MAX_ENTRIES:
        raise ValueError(f"more than {MAX_ENTRIES} entries")
    return DecisionList(
        pipeline=keys.pipeline_name(document["pipeline"]),
        serial=serial,
        entries=tuple(map(_entry, entries)),
        changed_by=str(document["changed_by"]),
        changed_at=str(document["changed_at"]),
        reason=str(document["reason"]),
        run_id=str(document["run_id"]),
    )


def _entry(document: dict[str, Any]) -> ListEntry:
    entry = ListEntry(**document)
    if entry.action not in ACTIONS or entry.scope not in SCOPES:
        raise ValueError(f"{entry.action!r} {entry.scope!r} is no entry of a list")
    if not all(type(value) is str for name, value in document.items() if name != "expires_at"):
        raise TypeError("a member of an entry is not text")
    if entry.expires_at is not None and datetime.fromisoformat(entry.expires_at).tzinfo is None:
        raise ValueError(f"{entry.expires_at!r} has no time zone")
    return entry


_KIND = signature.SignedKind(
    PAYLOAD_TYPE, "the list", MAX_LIST_BYTES, ListRefusedError, _from_document
)
