"""A person brings a kept version into production, again or for the first time."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys
from include.contract.manifest import describe_file
from include.contract.pointer import MAX_POINTER_BYTES, Pointer, parse_pointer
from include.contract.proposal import Proposal
from include.contract.signature import any_one, needs_two
from include.errors import GateRejectedError, PointerError
from include.registry.approve import approve, production_pointer, propose, read_history
from include.registry.follow.verify import TrustedKeys
from include.registry.request import Request, is_held
from include.registry.versions import (
    read_approvals,
    read_gate,
    read_signed_manifest,
    rollback_target,
)
from include.run.champion import load_version, provisional_pointer
from include.stores.objects import ObjectStore


def reinstate(
    store: ObjectStore,
    request: Request,
    key: ec.EllipticCurvePrivateKey,
    trusted_keys: TrustedKeys,
    *,
    despite_gate: bool = False,
) -> Pointer:
    """Return the pointer with which the version came into production; every scorer can load it.

    Parameters
    ----------
    store : ObjectStore
    request : Request
        Without an expected serial it replaces any version.
    key : EllipticCurvePrivateKey
        The approver's.
    trusted_keys : TrustedKeys
    despite_gate : bool
        Take a version that the gate rejected or never evaluated; the recorded reason then notes it.

    Raises
    ------
    VersionRefusedError, SignatureError, ManifestError
        If the version is not there, not whole, or not signed by a trainer; nothing was changed.
    GateRejectedError
        If it was never in production, did not pass the gate, and `despite_gate` is not given.
    PromotionConflictError
        If another approval came first; nothing was changed.
    """
    checked = _checked(store, request, trusted_keys, despite_gate)
    return approve(store, checked, key, trusted_keys.approvers)


def propose_version(
    store: ObjectStore,
    request: Request,
    key: ec.EllipticCurvePrivateKey,
    trusted_keys: TrustedKeys,
    *,
    despite_gate: bool = False,
) -> Proposal:
    """Return the first approver's signed proposal of a version, for a second approver.

    Parameters and errors are those of `reinstate`.
    """
    checked = _checked(store, request, trusted_keys, despite_gate)
    return propose(store, checked, key, trusted_keys.approvers)


def _checked(
    store: ObjectStore, request: Request, trusted_keys: TrustedKeys, despite_gate: bool
) -> Request:
    """Return the request for just the manifest that was verified, and that scorers can load."""
    manifest, body = read_signed_manifest(store, request.pipeline, request.version, trusted_keys)
    sha256 = describe_file(body).sha256
    if not _was_in_production(store, request, trusted_keys):
        gate = read_gate(store, manifest, sha256, trusted_keys)
        if not gate.passed and not despite_gate:
            raise GateRejectedError(
                f"{request.pipeline}: {request.version} did not pass the gate ({gate}); it can be "
                "approved despite the gate only, which its recorded reason will then say"
            )
        if not gate.passed:
            request = replace(request, reason=f"despite the gate ({gate}): {request.reason}")
    load_version(
        store, provisional_pointer(request.pipeline, request.version, sha256), trusted_keys
    )
    return replace(request, manifest_sha256=sha256)


def was_in_production(store: ObjectStore, pipeline: str, trusted_keys: TrustedKeys) -> Pointer:
    """Return the latest approval of another version than the one in production.

    One that was taken back by itself does not count: a person names that version to have it back.

    Raises
    ------
    PointerError
        If there is none to go back to.
    SignatureError
        If an approval on the way must not be verified.
    """
    current = production_pointer(store, pipeline, trusted_keys.approvers)
    if current is None:
        raise PointerError(f"{pipeline}: no version was ever in production")
    found = rollback_target(chain([current], approvals_before(store, current, trusted_keys)))
    if found is None:
        but = ", but the one that was taken back: name the version" if is_held(current) else ""
        raise PointerError(
            f"{pipeline}: no other version than {current.version} was ever in production{but}"
        )
    return found


def approvals_before(
    store: ObjectStore, pointer: Pointer, trusted_keys: TrustedKeys
) -> Iterator[Pointer]:
    """Yield the approvals and rollbacks before one, verified, newest first."""
    for serial in range(pointer.serial - 1, 0, -1):
        body = store.get(keys.history(pointer.pipeline, serial), MAX_POINTER_BYTES)
        yield parse_pointer(body, any_one(trusted_keys.approvers), pipeline=pointer.pipeline)


def _was_in_production(store: ObjectStore, request: Request, trusted_keys: TrustedKeys) -> bool:
    name, approvers = request.pipeline, trusted_keys.approvers
    if needs_two(approvers):  # what one approver wrote into the history replaces no gate
        found = read_history(store, name, approvers)
        return any(each.version == request.version and each.rests_on_two for each in found)
    return request.version in read_approvals(store, name, trusted_keys).by_version
