"""A kept version comes into force again, or for the first time, because a person says so."""

from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys
from include.contract.approval import MAX_POINTER_BYTES, Pointer, parse_pointer
from include.contract.manifest import describe_file
from include.errors import GateRejectedError, PointerError
from include.nightly.champion import load_version, provisional_pointer
from include.registry.approve import Request, approve, pointer_in_force
from include.registry.follow.believe import Trust
from include.registry.versions import read_approvals, read_gate, read_signed_manifest
from include.stores.objects import ObjectStore


def reinstate(
    store: ObjectStore,
    request: Request,
    key: ec.EllipticCurvePrivateKey,
    trust: Trust,
    *,
    despite_gate: bool = False,
) -> Pointer:
    """Return the pointer with which the version came into force; every scorer can load it.

    Parameters
    ----------
    store : ObjectStore
    request : Request
        Without an expected serial it follows whatever is in force.
    key : EllipticCurvePrivateKey
        The approver's.
    trust : Trust
    despite_gate : bool
        Take a version that the gate rejected or never judged; the recorded reason then says so.

    Raises
    ------
    VersionRefusedError, SignatureError, ManifestError
        If the version is not there, not whole, or not signed by a trainer; nothing was changed.
    GateRejectedError
        If it was never in force, did not pass the gate, and `despite_gate` is not given.
    PromotionConflictError
        If another approval came first; nothing was changed.
    """
    manifest, body = read_signed_manifest(store, request.pipeline, request.version, trust)
    sha256 = describe_file(body).sha256
    if not _was_in_force(store, request, trust):
        gate = read_gate(store, manifest, sha256, trust)
        if not gate.passed and not despite_gate:
            raise GateRejectedError(
                f"{request.pipeline}: {request.version} did not pass the gate ({gate}); it can be "
                "approved despite the gate only, which its recorded reason will then say"
            )
        if not gate.passed:
            request = replace(request, reason=f"despite the gate ({gate}): {request.reason}")
    load_version(store, provisional_pointer(request.pipeline, request.version, sha256), trust)
    return approve(store, replace(request, manifest_sha256=sha256), key, trust.approvers)


def in_force_before(store: ObjectStore, pipeline: str, trust: Trust) -> Pointer:
    """Return the latest approval of another version than the one in force.

    Raises
    ------
    PointerError
        If there is none to go back to.
    SignatureError
        If an approval on the way must not be believed.
    """
    current = pointer_in_force(store, pipeline, trust.approvers)
    if current is None:
        raise PointerError(f"{pipeline}: no version was ever in force")
    for serial in range(current.serial - 1, 0, -1):
        body = store.get(keys.history(pipeline, serial), MAX_POINTER_BYTES)
        earlier = parse_pointer(body, trust.approvers, pipeline=pipeline)
        if earlier.version != current.version:
            return earlier
    raise PointerError(f"{pipeline}: no other version than {current.version} was ever in force")


def _was_in_force(store: ObjectStore, request: Request, trust: Trust) -> bool:
    return request.version in read_approvals(store, request.pipeline, trust).by_version
