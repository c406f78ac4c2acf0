"""Read one version that a signed approval names, whether or not it is still in production."""

from include.contract import keys
from include.contract.manifest import Manifest
from include.contract.pointer import Pointer
from include.registry.follow.verify import (
    TrustedKeys,
    VersionBytes,
    reference_entry,
    verify_manifest,
    verify_version,
)
from include.stores.objects import ObjectStore


def read_version(
    store: ObjectStore, pointer: Pointer, trusted_keys: TrustedKeys
) -> tuple[VersionBytes, Manifest]:
    """Return the verified files of a version, without its pointer.

    Parameters
    ----------
    store : ObjectStore
    pointer : Pointer
        Verified already.
    trusted_keys : TrustedKeys

    Raises
    ------
    ManifestError, SignatureError, VersionRefusedError
        If any byte is not as approved and signed.
    ObjectMissingError
        If the version is gone.
    """

    def read(name: str) -> bytes:
        key = keys.version_file(pointer.pipeline, pointer.version, name)
        return store.get(key, trusted_keys.max_model_bytes)

    manifest = read(keys.MANIFEST)
    known = reference_entry(verify_manifest(manifest, pointer))
    content = VersionBytes(
        pointer=b"",
        manifest=manifest,
        signature=read(keys.SIGNATURE),
        model=read(keys.MODEL_ONNX),
        reference=read(keys.REFERENCE) if known else b"",
    )
    return content, verify_version(content, pointer, trusted_keys)
