"""The pointer to the version in production: `approved.json`, signed by the approver's key."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys, signature
from include.errors import PointerError

PAYLOAD_TYPE = "application/vnd.nightcatch.approved+json"
MAX_POINTER_BYTES = 16 * 1024
GATE = "the gate"
"""Who approves what passed every rule, without a person."""
WATCHER = "watch_release"
"""Who takes a release back by itself."""


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

    def to_json(self, key: ec.EllipticCurvePrivateKey) -> bytes:
        """Return the signed bytes of ``approved.json``."""
        return signature.signed_document(PAYLOAD_TYPE, asdict(self), key)


def parse_pointer(body: bytes, trusted: signature.PublicKeys, *, pipeline: str) -> Pointer:
    """Return the pointer that `body` writes, once its signature is verified.

    Parameters
    ----------
    body : bytes
        Content of ``approved.json`` or of a history entry.
    trusted : sequence of EllipticCurvePublicKey
        Keys of approvers; any of them suffices.
    pipeline : str
        The pipeline whose pointer it must be.

    Returns
    -------
    Pointer

    Raises
    ------
    SignatureError
        If it was not signed by a trusted key.
    PointerError
        If it is malformed or of another pipeline.
    """
    return _KIND.parse(body, trusted, pipeline=pipeline)


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
    )


_KIND = signature.SignedKind(
    PAYLOAD_TYPE, "approved.json", MAX_POINTER_BYTES, PointerError, _from_document
)
