"""Read the production version of a pipeline from the bucket, verified."""

from dataclasses import dataclass

from include.contract import keys
from include.contract.manifest import Manifest
from include.contract.pointer import Pointer
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
