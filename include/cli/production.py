"""Which model version is in production, read from the embedded bucket and verified."""

from dataclasses import dataclass

from include.contract import keys
from include.contract.manifest import Manifest
from include.contract.pointer import Pointer
from include.contract.signature import load_public_key
from include.registry.approve import production_pointer
from include.registry.follow.verify import verify_manifest
from include.stack.stack import Stack
from include.stores.objects import ObjectStore


@dataclass(frozen=True)
class ProductionVersion:
    """A version that scorers serve.

    Attributes
    ----------
    pointer : Pointer
        Its approval.
    manifest : Manifest
        What is known of it.
    """

    pointer: Pointer
    manifest: Manifest


def production_version(stack: Stack, pipeline: str) -> ProductionVersion | None:
    """Return the version in production, or None while nothing was ever approved.

    Parameters
    ----------
    stack : Stack
        Its S3 must run.
    pipeline : str

    Returns
    -------
    ProductionVersion or None

    Raises
    ------
    SignatureError, PointerError, ManifestError
        If what is in production must not be verified.
    """
    store = ObjectStore(stack.s3.client(), stack.settings.bucket)
    trusted = [load_public_key(stack.secrets.approver_public_key.read_bytes())]
    pointer = production_pointer(store, pipeline, trusted)
    if pointer is None:
        return None
    key = keys.version_file(pipeline, pointer.version, keys.MANIFEST)
    return ProductionVersion(pointer, verify_manifest(store.get(key), pointer))
