"""Model versions become objects in S3 here: files first, then the manifest, the signature last."""

import logging
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from include.contract import keys
from include.contract.manifest import Manifest, check_file, describe_file
from include.contract.signature import PublicKeys, verify_bundle
from include.errors import PreconditionError, SignatureError, VersionRefusedError
from include.stores.objects import MAX_OBJECT_BYTES, ObjectStore

_log = logging.getLogger(__name__)
_CONTENT_TYPES = {".json": "application/json", ".html": "text/html; charset=utf-8"}


def publish_version(
    store: ObjectStore,
    manifest: Manifest,
    files: Mapping[str, bytes],
    *,
    signing_key: Path,
    trusted: PublicKeys,
) -> str:
    """Return the SHA-256 of the manifest of a version that is now complete and signed in S3.

    May run again after being killed anywhere: what is there already is compared, not replaced.

    Parameters
    ----------
    store : ObjectStore
    manifest : Manifest
        Its `files` must describe `files` exactly.
    files : mapping of str to bytes
    signing_key : Path
        The trainer's private key, PEM, P-256.
    trusted : sequence of EllipticCurvePublicKey
        The trainers' public keys: the signature is read back with them.

    Raises
    ------
    ManifestError
        If the manifest does not describe the files.
    VersionRefusedError
        If the version exists with other content.
    """
    for name in sorted(files.keys() | manifest.files.keys()):
        check_file(name, files.get(name, b""), manifest.files[name])
    folder = {**files, keys.MANIFEST: manifest.to_json()}
    for name, body in folder.items():
        _put_once(store, keys.version_file(manifest.pipeline, manifest.version, name), body)
    signature_key = keys.version_file(manifest.pipeline, manifest.version, keys.SIGNATURE)
    if not store.exists(signature_key):
        _put_signature(store, signature_key, sign_folder(folder, signing_key))
    check_signed(store.get(signature_key), folder, trusted)
    _log.info("%s: version %s is published", manifest.pipeline, manifest.version)
    return describe_file(folder[keys.MANIFEST]).sha256


def sign_folder(files: Mapping[str, bytes], signing_key: Path) -> bytes:
    """Return the OpenSSF Model Signing bundle over `files`, made with a P-256 private key.

    Source: https://github.com/sigstore/model-transparency
    """
    import model_signing

    with TemporaryDirectory(prefix="nightcatch-sign-") as temporary:
        folder = Path(temporary) / "model"
        folder.mkdir()
        for name, body in files.items():
            (folder / keys.file_name(name)).write_bytes(body)
        bundle = Path(temporary) / keys.SIGNATURE
        # Model Signing leaves its constructors without annotations.
        hashing = model_signing.hashing.Config()  # type: ignore[no-untyped-call]
        hashing.set_ignored_paths(paths=[keys.SIGNATURE])
        config = model_signing.signing.Config()  # type: ignore[no-untyped-call]
        config.use_elliptic_key_signer(private_key=signing_key)
        config.set_hashing_config(hashing).sign(folder, bundle)
        return bundle.read_bytes()


def check_signed(bundle: bytes, files: Mapping[str, bytes], trusted: PublicKeys) -> None:
    """Return when the bundle is of a trusted key and covers exactly `files`.

    Raises
    ------
    SignatureError
        If it is not, or does not.
    """
    signed = verify_bundle(bundle, trusted)
    actual = {name: describe_file(body).sha256 for name, body in files.items()}
    if signed != actual:
        differing = sorted(name for name, _ in set(signed.items()) ^ set(actual.items()))
        raise SignatureError(f"the signature is of other files: {', '.join(differing)}")


def _put_once(store: ObjectStore, key: str, body: bytes) -> None:
    content_type = _CONTENT_TYPES.get(Path(key).suffix, "application/octet-stream")
    try:
        store.put_if_absent(key, body, content_type)
    except PreconditionError as err:
        if store.get(key, MAX_OBJECT_BYTES) != body:
            raise VersionRefusedError(
                f"{key} exists with other content: another run published this version first"
            ) from err


def _put_signature(store: ObjectStore, key: str, bundle: bytes) -> None:
    try:
        store.put_if_absent(key, bundle)
    except PreconditionError:
        _log.info("%s was signed by another attempt of this run", key)
