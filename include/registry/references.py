"""Reference data in the bucket: immutable files by digest, and which one the next run uses.

A trainer signs which one, as it decides what the next version knows of domains.
"""

import logging
from dataclasses import asdict, dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys, signature
from include.contract.manifest import describe_file
from include.errors import ManifestError, ObjectMissingError, PreconditionError, SignatureError
from include.stores.objects import ObjectStore
from include.urls.reference.build import built_in_bytes
from include.urls.reference.container import MAX_BYTES

_log = logging.getLogger(__name__)
_PAYLOAD_TYPE = "application/vnd.nightcatch.reference+json"


@dataclass(frozen=True)
class CurrentReference:
    """The reference data that the next training run uses.

    Attributes
    ----------
    digest : str
        SHA-256 of the file; empty before any were downloaded.
    etags : mapping of str to str
        Of each source, what its server said of the content that was read.
    refreshed_at : str
        ISO 8601 in UTC.
    """

    digest: str = ""
    etags: dict[str, str] = field(default_factory=dict)
    refreshed_at: str = ""


def read_current(store: ObjectStore, trusted: signature.PublicKeys) -> CurrentReference:
    """Return which reference data are current; without a digest where none were downloaded.

    Parameters
    ----------
    store : ObjectStore
    trusted : sequence of EllipticCurvePublicKey
        Of trainers; any of them suffices.

    Raises
    ------
    SignatureError
        If no trainer signed it.
    ManifestError
        If the object cannot be read.
    """
    try:
        body = store.get(keys.current_reference(), 64 * 1024)
    except ObjectMissingError:
        return CurrentReference()
    try:
        return CurrentReference(**signature.verified_document(_PAYLOAD_TYPE, body, trusted))
    except SignatureError as err:
        raise SignatureError(
            f"{keys.current_reference()}: {err}; run the DAG refresh_reference"
        ) from err
    except signature.MALFORMED as err:
        raise ManifestError(
            f"{keys.current_reference()} is malformed or unsigned: {err!r}; run the DAG "
            "refresh_reference"
        ) from err


def set_current(
    store: ObjectStore,
    body: bytes,
    current: CurrentReference,
    key: ec.EllipticCurvePrivateKey,
) -> None:
    """Keep a file of reference data and make it current, signed by the trainer."""
    _keep(store, body)
    signed = signature.signed_document(_PAYLOAD_TYPE, asdict(current), key)
    store.put(keys.current_reference(), signed, "application/json")
    _log.info("reference data %s are current: %d bytes", current.digest, len(body))


def current_digest(store: ObjectStore, trusted: signature.PublicKeys) -> str:
    """Return the digest of the reference data for a run that begins now.

    Where none were downloaded, those of this release are kept in the bucket and used. Errors are
    those of `read_current`.
    """
    return read_current(store, trusted).digest or _keep(store, built_in_bytes())


def read_reference_bytes(store: ObjectStore, digest: str) -> bytes:
    """Return a file of reference data.

    Raises
    ------
    ManifestError
        If it is not what its digest says.
    ObjectMissingError
        If it is not kept any more.
    """
    body = store.get(keys.reference_file(digest), MAX_BYTES)
    if describe_file(body).sha256 != digest:
        raise ManifestError(f"{keys.reference_file(digest)} has other content than its name says")
    return body


def _keep(store: ObjectStore, body: bytes) -> str:
    digest = describe_file(body).sha256
    try:
        store.put_if_absent(keys.reference_file(digest), body)
    except PreconditionError:
        _log.info("reference data %s are kept already", digest)
    return digest
