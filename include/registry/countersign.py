"""The word of a second approver: a proposal in the bucket, and the approval that carries it."""

import logging
from dataclasses import replace
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys
from include.contract.pointer import (
    GATE,
    MAX_POINTER_BYTES,
    WATCHER,
    Pointer,
    check_proposed,
    parse_pointer,
)
from include.contract.proposal import MAX_PROPOSAL_BYTES, VALID_FOR, Proposal, parse_proposal
from include.contract.signature import PublicKeys, any_one, key_id, needs_two
from include.errors import ObjectMissingError, PointerError, SignatureError
from include.stores.objects import ObjectStore

_log = logging.getLogger(__name__)


def write_proposal(
    store: ObjectStore, pointer: Pointer, key: ec.EllipticCurvePrivateKey
) -> Proposal:
    """Return the signed proposal of an approval; the same approver's or another's is replaced.

    Parameters
    ----------
    store : ObjectStore
    pointer : Pointer
        The approval that is proposed, by its `approved_by`, at its `approved_at`.
    key : EllipticCurvePrivateKey
        The first approver's.

    Raises
    ------
    PointerError
        If no person proposes it, or the reason is too long.
    """
    if pointer.approved_by in (GATE, WATCHER):
        raise PointerError(f"{pointer.pipeline}: a person has to propose {pointer.version}")
    proposed_at = datetime.fromisoformat(pointer.approved_at)
    found = Proposal(
        pipeline=pointer.pipeline,
        version=pointer.version,
        manifest_sha256=pointer.manifest_sha256,
        serial=pointer.serial,
        previous_sha256=pointer.previous_sha256,
        proposed_by=pointer.approved_by,
        proposed_at=pointer.approved_at,
        expires_at=(proposed_at + VALID_FOR).isoformat(timespec="seconds"),
        reason=pointer.reason,
    )
    body = found.to_json(key)
    if len(body) > MAX_PROPOSAL_BYTES:
        raise PointerError(f"{found.pipeline}: the proposal is too large: give a shorter reason")
    store.put(_key(pointer), body, "application/json")
    _log.info("%s: %s is proposed as serial %d", found.pipeline, found.version, found.serial)
    return found


def signed_approval(
    store: ObjectStore,
    pointer: Pointer,
    key: ec.EllipticCurvePrivateKey,
    trusted: PublicKeys,
    *,
    countersign: bool,
) -> tuple[Pointer, bytes]:
    """Return the approval with what it carries of a first approver, and its signed bytes.

    Parameters
    ----------
    store : ObjectStore
    pointer : Pointer
    key : EllipticCurvePrivateKey
        The approver's.
    trusted : sequence of EllipticCurvePublicKey
        Where they are `Approvers` that need two, the approval carries another approver's proposal;
        or an approval of the same version by two, to which one may return.
    countersign : bool
        Carry a proposal also where one approver suffices.

    Raises
    ------
    SignatureError, PointerError
        If there is none that can be verified, or scorers would refuse the approval.
    """
    if countersign or needs_two(trusted):
        earlier = "" if countersign else _approved_by_two(store, pointer, trusted)
        if earlier:
            pointer = replace(pointer, reinstates=earlier)
        else:
            pointer = replace(pointer, proposal=_proposal(store, pointer, key, trusted))
    body = pointer.to_json(key)
    if len(body) > MAX_POINTER_BYTES:
        raise PointerError(f"{pointer.pipeline}: the approval is too large: give a shorter reason")
    if pointer.rests_on_two:
        parse_pointer(body, trusted, pipeline=pointer.pipeline)
    return pointer, body


def _proposal(
    store: ObjectStore, pointer: Pointer, key: ec.EllipticCurvePrivateKey, trusted: PublicKeys
) -> str:
    name, own = pointer.pipeline, key_id(key.public_key())
    try:
        body = store.get(_key(pointer), MAX_PROPOSAL_BYTES)
    except ObjectMissingError:
        raise PointerError(
            f"{name}: an approval needs two approvers: nobody has proposed {pointer.version} as "
            f"serial {pointer.serial} yet"
        ) from None
    others = [each for each in trusted if key_id(each) != own]
    try:
        found = parse_proposal(body, others, pipeline=name)
    except SignatureError:
        raise SignatureError(
            f"{name}: the proposal of {pointer.version} was not signed by another approver"
        ) from None
    check_proposed(pointer, found)
    return body.decode()


def _approved_by_two(store: ObjectStore, pointer: Pointer, trusted: PublicKeys) -> str:
    """Return the latest approval of the version by two approvers; empty if there is none."""
    for serial in range(pointer.serial - 1, 0, -1):
        try:
            body = store.get(keys.history(pointer.pipeline, serial), MAX_POINTER_BYTES)
            found = parse_pointer(body, any_one(trusted), pipeline=pointer.pipeline)
        except (ObjectMissingError, PointerError, SignatureError) as err:
            _log.warning("%s: serial %d is passed over: %s", pointer.pipeline, serial, err)
            continue
        named = (found.version, found.manifest_sha256)
        if named == (pointer.version, pointer.manifest_sha256) and found.rests_on_two:
            return found.reinstates or body.decode()
    return ""


def _key(pointer: Pointer) -> str:
    return keys.proposal(pointer.pipeline, pointer.serial, pointer.version)
