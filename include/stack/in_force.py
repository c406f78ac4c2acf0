"""Which model version is in force, read from the embedded bucket and verified."""

from dataclasses import dataclass

from include.contract import keys
from include.contract.approval import Pointer
from include.contract.manifest import Manifest
from include.contract.signature import load_public_key
from include.registry.approve import pointer_in_force
from include.registry.follow.believe import believe_manifest
from include.stack.stack import Stack
from include.stores.objects import ObjectStore


@dataclass(frozen=True)
class ModelInForce:
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


def model_in_force(stack: Stack, pipeline: str) -> ModelInForce | None:
    """Return the version in force, or None while nothing was ever approved.

    Parameters
    ----------
    stack : Stack
        Its S3 must run.
    pipeline : str

    Returns
    -------
    ModelInForce or None

    Raises
    ------
    SignatureError, PointerError, ManifestError
        If what is in force must not be believed.
    """
    store = ObjectStore(stack.s3.client(), stack.settings.bucket)
    trusted = [load_public_key(stack.secrets.approver_public_key.read_bytes())]
    pointer = pointer_in_force(store, pipeline, trusted)
    if pointer is None:
        return None
    key = keys.version_file(pipeline, pointer.version, keys.MANIFEST)
    return ModelInForce(pointer, believe_manifest(store.get(key), pointer))
