"""What may be verified of a model version: decisions only, no I/O."""

from dataclasses import dataclass

from include.contract import keys
from include.contract.manifest import FileEntry, Manifest, check_file, describe_file, parse_manifest
from include.contract.pointer import Pointer
from include.contract.signature import PublicKeys, verify_bundle
from include.errors import ManifestError, SignatureError, VersionRefusedError

MAX_MANIFEST_BYTES = 4 * 1024 * 1024
MAX_SIGNATURE_BYTES = 1024 * 1024
MAX_REFERENCE_BYTES = 24 * 1024 * 1024


@dataclass(frozen=True)
class TrustedKeys:
    """The public keys a follower verifies, and the size up to which it takes a model.

    Attributes
    ----------
    approvers : sequence of EllipticCurvePublicKey
        Any of them may sign ``approved.json``.
    trainers : sequence of EllipticCurvePublicKey
        Any of them may sign a version.
    max_model_bytes : int
        A larger ``model.onnx`` is refused before it is read.
    watchers : sequence of EllipticCurvePublicKey
        Any of them may sign ``timestamp.json``; none: no timestamp is looked for.
    """

    approvers: PublicKeys
    trainers: PublicKeys
    max_model_bytes: int
    watchers: PublicKeys = ()


@dataclass(frozen=True)
class VersionBytes:
    """The files a follower uses, as they were read and before they are verified.

    Attributes
    ----------
    pointer, manifest, signature, model : bytes
        ``approved.json``, ``manifest.json``, ``model.sig`` and ``model.onnx``.
    reference : bytes
        ``reference.bin``; empty where the manifest lists none.
    """

    pointer: bytes
    manifest: bytes
    signature: bytes
    model: bytes
    reference: bytes = b""


def verify_manifest(body: bytes, pointer: Pointer) -> Manifest:
    """Return the manifest in `body` once it is the one that the pointer names.

    Raises
    ------
    ManifestError
        If its digest, pipeline or version differ from the pointer's, or it is malformed.
    """
    if describe_file(body).sha256 != pointer.manifest_sha256:
        raise ManifestError(
            f"{pointer.pipeline}: the manifest of {pointer.version} is not the approved one"
        )
    manifest = parse_manifest(body)
    if (manifest.pipeline, manifest.version) != (pointer.pipeline, pointer.version):
        raise ManifestError(
            f"{pointer.pipeline}: the manifest of {pointer.version} is of "
            f"{manifest.pipeline} {manifest.version}"
        )
    return manifest


def verify_signature(
    bundle: bytes, manifest: Manifest, manifest_body: bytes, trusted_keys: TrustedKeys
) -> None:
    """Return when a trainer signed exactly the manifest and the files it lists.

    Raises
    ------
    SignatureError
        If the bundle is malformed, of an unknown key, or of other files.
    """
    signed = verify_bundle(bundle, trusted_keys.trainers)
    listed = {name: entry.sha256 for name, entry in manifest.files.items()}
    listed[keys.MANIFEST] = describe_file(manifest_body).sha256
    if signed != listed:
        differing = sorted(name for name, _ in set(signed.items()) ^ set(listed.items()))
        raise SignatureError(
            f"{manifest.pipeline}: the signature of {manifest.version} is of other files: "
            f"{', '.join(differing)}"
        )


def model_entry(manifest: Manifest, trusted_keys: TrustedKeys) -> FileEntry:
    """Return what ``model.onnx`` must be.

    Raises
    ------
    ManifestError
        If the manifest does not list it.
    VersionRefusedError
        If it is larger than is trusted.
    """
    entry = manifest.files.get(keys.MODEL_ONNX)
    if entry is None:
        raise ManifestError(f"{manifest.pipeline}: {manifest.version} has no {keys.MODEL_ONNX}")
    if entry.size_bytes > trusted_keys.max_model_bytes:
        raise VersionRefusedError(
            f"{manifest.pipeline}: {keys.MODEL_ONNX} of {manifest.version} has "
            f"{entry.size_bytes} bytes, the limit is {trusted_keys.max_model_bytes}"
        )
    return entry


def reference_entry(manifest: Manifest) -> FileEntry | None:
    """Return what ``reference.bin`` must be; None where the version has none.

    Raises
    ------
    VersionRefusedError
        If it is larger than reference data can be.
    """
    entry = manifest.files.get(keys.REFERENCE)
    if entry is not None and entry.size_bytes > MAX_REFERENCE_BYTES:
        raise VersionRefusedError(
            f"{manifest.pipeline}: {keys.REFERENCE} of {manifest.version} has "
            f"{entry.size_bytes} bytes, the limit is {MAX_REFERENCE_BYTES}"
        )
    return entry


def verify_version(content: VersionBytes, pointer: Pointer, trusted_keys: TrustedKeys) -> Manifest:
    """Return the manifest once all of `content` is what `pointer`, already verified, vouches for.

    Raises
    ------
    ManifestError, SignatureError, VersionRefusedError
        If any byte is not as approved and signed.
    """
    manifest = verify_manifest(content.manifest, pointer)
    verify_signature(content.signature, manifest, content.manifest, trusted_keys)
    check_file(keys.MODEL_ONNX, content.model, model_entry(manifest, trusted_keys))
    if (entry := reference_entry(manifest)) is not None:
        check_file(keys.REFERENCE, content.reference, entry)
    elif content.reference:
        raise ManifestError(f"{manifest.pipeline}: {manifest.version} has no {keys.REFERENCE}")
    return manifest
