"""Read the production version of a pipeline from the bucket, verified."""

from dataclasses import dataclass

from include.contract import keys
from include.contract.manifest import Manifest
from include.contract.pointer import MAX_POINTER_BYTES, Pointer, parse_pointer
from include.contract.signature import PublicKeys
from include.errors import ObjectMissingError, PointerError
from include.registry.approve import production_pointer
from include.registry.follow.verify import TrustedKeys, verify_manifest
from include.stores.objects import ObjectStore


@dataclass(frozen=True)
class ProductionVersion:
    """A version that scorers serve.

    Attributes
    ----------
    pointer : Pointer
        Its approval.
    manifest : Manifest
        Its verified manifest.
    """

    pointer: Pointer
    manifest: Manifest


def production_version(
    store: ObjectStore, pipeline: str, trusted_keys: TrustedKeys
) -> ProductionVersion | None:
    """Return the version in production, or None if nothing was approved yet.

    Parameters
    ----------
    store : ObjectStore
    pipeline : str
    trusted_keys : TrustedKeys

    Returns
    -------
    ProductionVersion or None

    Raises
    ------
    SignatureError, PointerError, ManifestError
        If pointer or manifest cannot be verified.
    """
    pointer = production_pointer(store, pipeline, trusted_keys.approvers)
    if pointer is None:
        return None
    key = keys.version_file(pipeline, pointer.version, keys.MANIFEST)
    return ProductionVersion(pointer, verify_manifest(store.get(key), pointer))


def newest_approval(store: ObjectStore, pipeline: str, trusted: PublicKeys) -> bytes | None:
    """Return the approval in production as the approver signed it; None before the first one.

    Raises
    ------
    SignatureError, PointerError
        If it cannot be verified, or is older than the history.
    """
    try:
        body = store.get(keys.approved(pipeline), MAX_POINTER_BYTES)
        serial = parse_pointer(body, trusted, pipeline=pipeline).serial
    except ObjectMissingError:
        body, serial = None, 0
    # A removed or restored pointer would bring back a version that was replaced.
    newest = max(store.keys_under(keys.history_prefix(pipeline)), default="")
    if newest > keys.history(pipeline, serial):
        raise PointerError(
            f"{pipeline}: {keys.approved(pipeline)} has serial {serial}, but {newest} is newer: "
            "restore the newest approval first"
        )
    return body
