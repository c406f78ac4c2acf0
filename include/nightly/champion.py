"""The version in force, read as every scorer reads it: verified in full, never unpickled."""

from dataclasses import asdict, dataclass
from typing import Any

from include.contract import keys
from include.contract.approval import Pointer
from include.contract.manifest import Manifest
from include.errors import ObjectMissingError
from include.nightly.night import Night
from include.registry.approve import pointer_in_force
from include.registry.follow.believe import Trust, VersionBytes, believe_version
from include.services.scorer.model import OnnxModel, load_model
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


def pin_champion(night: Night, trust: Trust) -> dict[str, Any]:
    """Return the serial, version and manifest digest in force when this run first asked.

    A step that runs again, even after this run's own approval, still compares with the same one.

    Raises
    ------
    SignatureError, PointerError
        If what is in force must not be believed.
    """
    try:
        pinned: dict[str, Any] = night.read_json(_PINNED)
    except ObjectMissingError:
        pointer = pointer_in_force(night.store, night.pipeline.name, trust.approvers)
        pinned = {"serial": 0} if pointer is None else asdict(pointer)
        night.write_json(_PINNED, pinned)
    return pinned


def read_champion(night: Night, trust: Trust) -> Champion | None:
    """Return the version this run is compared with, or None if nothing had been approved.

    Raises
    ------
    SignatureError, PointerError, ManifestError, VersionRefusedError
        If it must not be believed.
    """
    pinned = pin_champion(night, trust)
    if pinned["serial"] == 0:
        return None
    return load_version(night.store, Pointer(**pinned), trust)


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


def load_version(store: ObjectStore, pointer: Pointer, trust: Trust) -> Champion:
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
    manifest = believe_version(content, pointer, trust)
    return Champion(pointer, manifest, load_model(content.model, manifest))
