"""The watcher: verify that the history only grew; sign which approval and list are the latest.

Each approval names the one before by its digest, and each timestamp the latest approval: who holds
the approver's key and writes the bucket cannot change what a timestamp has witnessed.
"""

import logging
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys
from include.contract.pointer import MAX_POINTER_BYTES, Pointer, parse_pointer, pointer_sha256
from include.contract.signature import PublicKeys
from include.contract.timestamp import MAX_TIMESTAMP_BYTES, VALID_FOR, Timestamp, parse_timestamp
from include.errors import ObjectMissingError, PointerError
from include.registry.follow.growth import check_growth, read_approval
from include.registry.follow.verify import TrustedKeys
from include.registry.lists import current_list
from include.stores.objects import ObjectStore

_log = logging.getLogger(__name__)


def sign_timestamp(
    store: ObjectStore,
    pipeline: str,
    key: ec.EllipticCurvePrivateKey,
    approvers: PublicKeys,
    now: datetime,
) -> Timestamp | None:
    """Return the timestamp of the approval in production, signed; None while there is none.

    Parameters
    ----------
    store : ObjectStore
    pipeline : str
    key : EllipticCurvePrivateKey
        The watcher's.
    approvers : sequence of EllipticCurvePublicKey
    now : datetime
        Aware, in UTC.

    Raises
    ------
    PointerError
        If an older approval or list was put back, the history since the last timestamp was
        rewritten, or the approval is new and its proposal expired long ago.
    SignatureError, ListRefusedError
        If an approval, the list or the last timestamp cannot be verified.
    """
    before = read_timestamp(store, pipeline, (key.public_key(),))
    try:
        body = store.get(keys.approved(pipeline), MAX_POINTER_BYTES)
    except ObjectMissingError:
        if before is None:
            return None
        raise PointerError(
            f"{pipeline}: {keys.approved(pipeline)} is gone; serial {before.serial} was the latest"
        ) from None
    head = parse_pointer(body, approvers, pipeline=pipeline)
    if before is not None:
        check_seen(store, before.serial, before.pointer_sha256, head, body, approvers)
        if head.serial > before.serial:
            head.check_in_time(now, VALID_FOR)
    listed = current_list(store, pipeline, approvers).serial
    if before is not None and listed < before.list_serial:
        raise PointerError(
            f"{pipeline}: list {listed} is in effect, but list {before.list_serial} was seen: an "
            "older list was put back, or the list is gone"
        )
    timestamp = Timestamp(pipeline, head.serial, pointer_sha256(body), now, listed)
    store.put(keys.watched(pipeline), timestamp.to_json(key), "application/json")
    _log.info("%s: serial %d is confirmed until %s", pipeline, head.serial, timestamp.expires_at)
    return timestamp


def read_timestamp(store: ObjectStore, pipeline: str, watchers: PublicKeys) -> Timestamp | None:
    """Return the last timestamp, verified; None if there is none.

    Raises
    ------
    SignatureError, PointerError
        If it cannot be verified.
    """
    try:
        body = store.get(keys.watched(pipeline), MAX_TIMESTAMP_BYTES)
    except ObjectMissingError:
        return None
    return parse_timestamp(body, watchers, pipeline=pipeline)


def check_history(
    store: ObjectStore,
    pipeline: str,
    trusted_keys: TrustedKeys,
    witnessed: tuple[int, str] | None = None,
) -> str:
    """Return what was found, once the whole history is verified against who saw a part of it.

    Parameters
    ----------
    store : ObjectStore
    pipeline : str
    trusted_keys : TrustedKeys
    witnessed : tuple of (int, str), optional
        Serial and digest of the approval that a scorer serves. The last timestamp is read anyway.

    Raises
    ------
    PointerError
        If an approval is gone, names another one before it, or is not the one a timestamp saw.
    SignatureError
        If one cannot be verified.
    """
    approvers = trusted_keys.approvers
    try:
        body = store.get(keys.approved(pipeline), MAX_POINTER_BYTES)
    except ObjectMissingError:
        return "nothing was ever approved"
    head = parse_pointer(body, approvers, pipeline=pipeline)
    first, first_body = _approval(store, 1, head, body, approvers)
    check_growth(store, first, pointer_sha256(first_body), head, approvers)
    found = f"{head.serial} approvals, each follows the one before"
    seen = read_timestamp(store, pipeline, trusted_keys.watchers) if trusted_keys.watchers else None
    if seen is not None:
        check_seen(store, seen.serial, seen.pointer_sha256, head, body, approvers)
        at = seen.issued_at.isoformat(timespec="seconds")
        found += f"; the watcher saw serial {seen.serial} at {at}"
    if witnessed is not None:
        check_seen(store, *witnessed, head, body, approvers)
        found += f"; the scorer saw serial {witnessed[0]}"
    return found


def check_seen(
    store: ObjectStore,
    serial: int,
    sha256: str,
    head: Pointer,
    head_body: bytes,
    approvers: PublicKeys,
) -> None:
    """Return when the history leads from an approval that was seen to the one in production.

    Parameters
    ----------
    store : ObjectStore
    serial, sha256 : int, str
        Of the approval that was seen, and the digest of its bytes.
    head : Pointer
        The approval in production, verified.
    head_body : bytes
    approvers : sequence of EllipticCurvePublicKey

    Raises
    ------
    PointerError
        If it does not: an older approval was put back, or the history was rewritten.
    SignatureError
        If an approval cannot be verified.
    """
    if head.serial < serial:
        raise PointerError(
            f"{head.pipeline}: serial {head.serial} is in production, but serial {serial} was seen:"
            " an older approval was put back"
        )
    seen, body = _approval(store, serial, head, head_body, approvers)
    if pointer_sha256(body) != sha256:
        raise PointerError(
            f"{head.pipeline}: the history was rewritten: serial {serial} is not the approval that "
            "was seen"
        )
    check_growth(store, seen, sha256, head, approvers)


def _approval(
    store: ObjectStore, serial: int, head: Pointer, head_body: bytes, approvers: PublicKeys
) -> tuple[Pointer, bytes]:
    """Return one approval and its bytes; the newest one need not be in the history yet."""
    if serial == head.serial:
        return head, head_body
    pointer, body = read_approval(store, head.pipeline, serial, approvers)
    if pointer.serial != serial:
        key = keys.history(head.pipeline, serial)
        raise PointerError(f"{key} is the approval with serial {pointer.serial}")
    return pointer, body
