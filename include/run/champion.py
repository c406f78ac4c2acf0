"""The version in production, read as every scorer reads it: verified in full, never unpickled."""

from dataclasses import asdict, dataclass
from typing import Any

from include.contract import keys
from include.contract.manifest import Manifest
from include.contract.pointer import Pointer
from include.errors import ObjectMissingError
from include.inference.model import OnnxModel, load_model
from include.registry.approve import production_pointer
from include.registry.follow.verify import TrustedKeys, VersionBytes, verify_version
from include.run.run_context import RunContext
from include.stores.objects import ObjectStore

_PINNED = "champion.json"


@dataclass(frozen=True)
class Champion:
    """A version that a scorer would serve.

    Attributes
    ----------
    pointer : Pointer
    manifest : Manifest
    model : OnnxModel
    """

    pointer: Pointer
    manifest: Manifest
    model: OnnxModel


def pin_champion(run: RunContext, trusted_keys: TrustedKeys) -> dict[str, Any]:
    """Return the serial, version and manifest digest in production when this run first asked.

    A step that runs again, even after this run's own approval, still compares with the same one.

    Raises
    ------
    SignatureError, PointerError
        If what is in production must not be verified.
    """
    try:
        pinned: dict[str, Any] = run.read_json(_PINNED)
    except ObjectMissingError:
        pointer = production_pointer(run.store, run.pipeline.name, trusted_keys.approvers)
        pinned = {"serial": 0} if pointer is None else asdict(pointer)
        run.write_json(_PINNED, pinned)
    return pinned


def read_champion(run: RunContext, trusted_keys: TrustedKeys) -> Champion | None:
    """Return the version this run is compared with, or None if nothing had been approved.

    Raises
    ------
    SignatureError, PointerError, ManifestError, VersionRefusedError
        If it must not be verified.
    """
    pinned = pin_champion(run, trusted_keys)
    if pinned["serial"] == 0:
        return None
    return load_version(run.store, Pointer(**pinned), trusted_keys)


def provisional_pointer(pipeline: str, version: str, manifest_sha256: str) -> Pointer:
    """Return what a pointer to the version would say; it is never signed nor written."""
    return Pointer(
        pipeline=pipeline,
        version=version,
        serial=1,
        manifest_sha256=manifest_sha256,
        approved_by="",
        approved_at="",
        reason="not approved",
        run_id="",
    )


def load_version(store: ObjectStore, pointer: Pointer, trusted_keys: TrustedKeys) -> Champion:
    """Return the version that `pointer` names, verified and warmed up as in the scorer.

    Errors are those of `read_champion`.
    """
    name, version = pointer.pipeline, pointer.version
    content = VersionBytes(
        pointer=b"",
        manifest=store.get(keys.version_file(name, version, keys.MANIFEST)),
        signature=store.get(keys.version_file(name, version, keys.SIGNATURE)),
        model=store.get(keys.version_file(name, version, keys.MODEL_ONNX)),
    )
    manifest = verify_version(content, pointer, trusted_keys)
    return Champion(pointer, manifest, load_model(content.model, manifest))
