"""A kept version comes into force again, or for the first time, because a person says so."""

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys
from include.contract.approval import Pointer
from include.contract.manifest import describe_file
from include.errors import ObjectMissingError, VersionRefusedError
from include.nightly.champion import load_version
from include.registry.approve import Request, approve
from include.registry.follow.believe import Trust
from include.stores.objects import ObjectStore


def reinstate(
    store: ObjectStore, request: Request, key: ec.EllipticCurvePrivateKey, trust: Trust
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

    Raises
    ------
    VersionRefusedError, SignatureError, ManifestError
        If the version is not there, not whole, or not signed by a trainer; nothing was changed.
    PromotionConflictError
        If another approval came first; nothing was changed.
    """
    try:
        manifest = store.get(keys.version_file(request.pipeline, request.version, keys.MANIFEST))
    except ObjectMissingError as err:
        raise VersionRefusedError(
            f"{request.pipeline}: there is no version {request.version}"
        ) from err
    pointer = Pointer(
        pipeline=request.pipeline,
        version=request.version,
        serial=1,
        manifest_sha256=describe_file(manifest).sha256,
        approved_by=request.approved_by,
        approved_at=request.approved_at,
        reason=request.reason,
        run_id=request.run_id,
    )
    load_version(store, pointer, trust)
    return approve(store, request, key, trust.approvers)
