"""The pointer to the version in production: `approved.json`, signed by the approver's key."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys, proposal, signature
from include.contract.proposal import Proposal
from include.errors import PointerError, SignatureError

PAYLOAD_TYPE = "application/vnd.nightcatch.approved+json"
MAX_POINTER_BYTES = 16 * 1024
GATE = "the gate"
"""Who approves what passed every rule, without a person."""
WATCHER = "watch_release"
"""Who takes a release back by itself."""
_CARRIED = ("proposal", "reinstates")


@dataclass(frozen=True)
class Pointer:
    """Which version is in production, since when, and by whose word.

    Attributes
    ----------
    pipeline, version : str
    serial : int
        Rises by one with each approval or rollback, whatever version it names.
    manifest_sha256 : str
        Digest of the version's ``manifest.json``; through it, of every file.
    approved_by, approved_at, reason : str
        `approved_at` is ISO 8601 in UTC.
    run_id : str
        The DAG run or command that asked; the same one never counts twice.
    previous_sha256 : str
        Of the approval before, as it was signed; empty for the first one, and for approvals by
        releases that did not link them.
    proposal : str
        The first of two approvers' signed `Proposal` for this very approval, as JSON; empty where
        one approver decided.
    reinstates : str
        An earlier approval of the same version by two approvers, as it was signed; it lets one of
        them return to that version.
    """

    pipeline: str
    version: str
    serial: int
    manifest_sha256: str
    approved_by: str
    approved_at: str
    reason: str
    run_id: str
    previous_sha256: str = ""
    proposal: str = ""
    reinstates: str = ""

    @property
    def decided_by(self) -> str:
        """Who decided: the second of two approvers, and the first."""
        first = json.loads(self.proposal)["proposed_by"] if self.proposal else ""
        return f"{self.approved_by} and {first}" if first else self.approved_by

    @property
    def rests_on_two(self) -> bool:
        """Whether it carries the word of a second approver."""
        return bool(self.proposal or self.reinstates)

    def check_in_time(self, now: datetime, grace: timedelta) -> None:
        """Return unless it claims to be older than it is: its proposal had expired before.

        Raises
        ------
        PointerError
            If it is seen for the first time later than `grace` after its proposal expired.
        """
        if self.proposal:
            expires_at = json.loads(self.proposal)["expires_at"]
            if now > datetime.fromisoformat(expires_at) + grace:
                raise PointerError(
                    f"{self.pipeline}: the proposal of serial {self.serial}, which the watcher has "
                    f"not seen before, expired at {expires_at}"
                )

    def to_json(self, key: ec.EllipticCurvePrivateKey) -> bytes:
        """Return the signed bytes of ``approved.json``."""
        carried = {name: getattr(self, name) for name in _CARRIED}
        fields = {name: value for name, value in asdict(self).items() if name not in carried}
        fields |= {name: json.loads(text) for name, text in carried.items() if text}
        return signature.signed_document(PAYLOAD_TYPE, fields, key)


def parse_pointer(body: bytes, trusted: signature.PublicKeys, *, pipeline: str) -> Pointer:
    """Return the pointer that `body` writes, once its signature is verified.

    Parameters
    ----------
    body : bytes
        Content of ``approved.json`` or of a history entry.
    trusted : sequence of EllipticCurvePublicKey
        Keys of approvers; any of them suffices, unless they are `Approvers` that need two.
    pipeline : str
        The pipeline whose pointer it must be.

    Returns
    -------
    Pointer

    Raises
    ------
    SignatureError
        If it was not signed by a trusted key, or not by two different ones where two are needed.
    PointerError
        If it is malformed or of another pipeline, or what it carries of a second approver is of
        another approval.
    """
    pointer = _KIND.parse(body, trusted, pipeline=pipeline)
    if pointer.proposal:
        _check_proposal(pointer, body, trusted)
    elif pointer.reinstates:
        _check_reinstated(pointer, trusted)
    elif signature.needs_two(trusted):
        raise SignatureError(
            f"{pipeline}: serial {pointer.serial} has the signature of one approver, two are needed"
        )
    return pointer


def _check_proposal(pointer: Pointer, body: bytes, trusted: signature.PublicKeys) -> None:
    """Return when another approver proposed just this approval, and it came in time."""
    text, name = pointer.proposal.encode(), pointer.pipeline
    found = proposal.parse_proposal(text, trusted, pipeline=name)
    first = signature.signer_of(proposal.PAYLOAD_TYPE, text, trusted)
    others = [key for key in trusted if signature.key_id(key) != first]
    try:
        signature.verified_document(PAYLOAD_TYPE, body, others)
    except SignatureError:
        raise SignatureError(
            f"{name}: one key signed both the proposal and the approval of serial {pointer.serial}"
        ) from None
    check_proposed(pointer, found)


def check_proposed(pointer: Pointer, found: Proposal) -> None:
    """Return when an approval is what a verified proposal proposed, by another person, in time.

    Raises
    ------
    PointerError
        If it is not.
    """
    for field in ("pipeline", "version", "manifest_sha256", "serial", "previous_sha256"):
        if getattr(found, field) != getattr(pointer, field):
            raise PointerError(
                f"{pointer.pipeline}: what {found.proposed_by} proposed has another {field} than "
                f"serial {pointer.serial}: propose again"
            )
    names = [" ".join(name.casefold().split()) for name in (found.proposed_by, pointer.approved_by)]
    if names[0] == names[1] or {GATE, WATCHER} & set(names):
        raise PointerError(
            f"{pointer.pipeline}: {found.proposed_by} proposed and {pointer.approved_by} approved: "
            "two people are needed"
        )
    found.check_in_time(datetime.fromisoformat(pointer.approved_at))


def _check_reinstated(pointer: Pointer, trusted: signature.PublicKeys) -> None:
    """Return when two approvers had approved the same version before."""
    earlier = parse_pointer(pointer.reinstates.encode(), trusted, pipeline=pointer.pipeline)
    named = (earlier.version, earlier.manifest_sha256)
    if not earlier.proposal or named != (pointer.version, pointer.manifest_sha256):
        raise PointerError(
            f"{pointer.pipeline}: serial {pointer.serial} returns to a version that two approvers "
            "did not approve"
        )
    if earlier.serial >= pointer.serial:
        raise PointerError(f"{pointer.pipeline}: serial {pointer.serial} returns to a later one")


def claimed_run_id(body: bytes) -> str | None:
    """Return the run that `body` names, unverified; None if it names none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document.get("run_id") if isinstance(document, dict) else None


def pointer_sha256(body: bytes) -> str:
    """Return the digest by which the next approval names the one in `body`."""
    return hashlib.sha256(body).hexdigest()


def check_link(current: Pointer, current_sha256: str, new: Pointer) -> None:
    """Return when `new` directly follows `current` in the history.

    Raises
    ------
    PointerError
        If it has another serial, or names another approval before: the history was rewritten.
    """
    if new.serial != current.serial + 1:
        raise PointerError(
            f"{new.pipeline}: serial {new.serial} does not follow serial {current.serial}"
        )
    begun = bool(current.previous_sha256)  # earlier releases did not link approvals
    if new.previous_sha256 != current_sha256 and (new.previous_sha256 or begun):
        raise PointerError(
            f"{new.pipeline}: the history was rewritten: serial {new.serial} follows another "
            f"serial {current.serial} than the one seen"
        )


def check_succession(current: Pointer | None, new: Pointer) -> None:
    """Return when `new` may follow `current`: a higher serial, or the very same pointer.

    Raises
    ------
    PointerError
        If it is an older pointer, or another one of the same serial: a replay.
    """
    if current is None or new.serial > current.serial or new == current:
        return
    raise PointerError(f"{new.pipeline}: serial {new.serial} cannot follow serial {current.serial}")


def _from_document(document: dict[str, Any]) -> Pointer:
    serial = document["serial"]
    if type(serial) is not int or serial < 1:
        raise ValueError(f"serial {serial!r} is not a positive integer")
    return Pointer(
        pipeline=keys.pipeline_name(document["pipeline"]),
        version=keys.version_name(document["version"]),
        serial=serial,
        manifest_sha256=str(document["manifest_sha256"]),
        approved_by=str(document["approved_by"]),
        approved_at=str(document["approved_at"]),
        reason=str(document["reason"]),
        run_id=str(document["run_id"]),
        previous_sha256=str(document.get("previous_sha256", "")),
        **{name: json.dumps(document[name]) for name in _CARRIED if name in document},
    )


_KIND = signature.SignedKind(
    PAYLOAD_TYPE, "approved.json", MAX_POINTER_BYTES, PointerError, _from_document
)
