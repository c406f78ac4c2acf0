"""Whether bytes were signed by a trusted key: DSSE envelopes, over ECDSA P-256 and SHA-256.

A version folder is signed with OpenSSF Model Signing; its bundle is read here with `cryptography`
alone, so that the scorer needs no Sigstore client. A test holds this reader against the library.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from include.errors import ManifestError, NightCatchError, SignatureError

_IN_TOTO = "application/vnd.in-toto+json"
_PREDICATE = "https://model_signing/signature/v1.0"
_ECDSA = ec.ECDSA(hashes.SHA256())

MALFORMED = (KeyError, TypeError, ValueError, AttributeError, RecursionError, ManifestError)
"""What reading a document of another form raises."""

PublicKeys = Sequence[ec.EllipticCurvePublicKey]


class Approvers(tuple[ec.EllipticCurvePublicKey, ...]):
    """The keys of approvers, and how many of them a model in production needs.

    Any other sequence of keys means that one suffices.

    Parameters
    ----------
    trusted : iterable of EllipticCurvePublicKey
    needed : int
        1 or 2.

    Raises
    ------
    SignatureError
        If it is another number, or there are fewer different keys.
    """

    needed: int

    def __new__(cls, trusted: Iterable[ec.EllipticCurvePublicKey], needed: int = 1) -> "Approvers":
        """Return the keys with the number that is needed."""
        made = super().__new__(cls, trusted)
        if needed not in (1, 2):
            raise SignatureError(f"an approval needs one approver or two, not {needed}")
        if len({key_id(key) for key in made}) < needed:
            raise SignatureError(f"an approval needs {needed} approvers: name as many keys")
        made.needed = needed
        return made


def needs_two(approvers: PublicKeys) -> bool:
    """Return whether a model in production needs the signatures of two approvers."""
    return isinstance(approvers, Approvers) and approvers.needed > 1


def any_one(approvers: PublicKeys) -> PublicKeys:
    """Return the same keys where one signature suffices, as for approvals of earlier times."""
    return tuple(approvers)


class _OfPipeline(Protocol):
    @property
    def pipeline(self) -> str: ...


DocumentT = TypeVar("DocumentT", bound=_OfPipeline)


def load_public_key(pem: bytes) -> ec.EllipticCurvePublicKey:
    """Return the P-256 public key that a PEM file holds.

    Raises
    ------
    SignatureError
        If it is not such a key.
    """
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as err:
        raise SignatureError("not a PEM public key") from err
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise SignatureError("the public key is not of the curve P-256")
    return key


def load_private_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 private key that an unencrypted PEM file holds.

    Raises
    ------
    SignatureError
        If it is not such a key.
    """
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as err:
        raise SignatureError("not an unencrypted PEM private key") from err
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise SignatureError("the private key is not of the curve P-256")
    return key


def key_id(key: ec.EllipticCurvePublicKey) -> str:
    """Return the SHA-256 of the key's PEM text, in hexadecimal, as Model Signing names keys."""
    pem = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(pem).hexdigest()


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes a DSSE signature covers.

    Source: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(payload_type: str, payload: bytes, key: ec.EllipticCurvePrivateKey) -> str:
    """Return the base64 DSSE signature of `payload` by `key`."""
    signed = key.sign(pre_authentication_encoding(payload_type, payload), _ECDSA)
    return base64.b64encode(signed).decode()


def verify(payload_type: str, payload: bytes, signature: str, trusted: PublicKeys) -> str:
    """Return the id of the trusted key that made `signature` over `payload`.

    Raises
    ------
    SignatureError
        If none of them did.
    """
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError) as err:
        raise SignatureError("the signature is not base64") from err
    message = pre_authentication_encoding(payload_type, payload)
    for key in trusted:
        try:
            key.verify(raw, message, _ECDSA)
        except InvalidSignature:
            continue
        return key_id(key)
    raise SignatureError("the signature was not made by a trusted key")


def signed_document(
    payload_type: str, fields: Mapping[str, Any], key: ec.EllipticCurvePrivateKey
) -> bytes:
    """Return a JSON document of `fields` that holds its own signature."""
    signed = {
        "key_id": key_id(key.public_key()),
        "value": sign(payload_type, _canonical(fields), key),
    }
    document = {**fields, "signature": signed}
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def verified_document(payload_type: str, body: bytes, trusted: PublicKeys) -> dict[str, Any]:
    """Return the fields of a document of `signed_document`.

    Raises
    ------
    SignatureError
        If it was not signed by a trusted key.
    KeyError, TypeError, ValueError, AttributeError, RecursionError
        If it is not such a document.
    """
    return _verified(payload_type, body, trusted)[0]


def signer_of(payload_type: str, body: bytes, trusted: PublicKeys) -> str:
    """Return the id of the trusted key that signed a document of `signed_document`.

    Errors are those of `verified_document`.
    """
    return _verified(payload_type, body, trusted)[1]


def _verified(payload_type: str, body: bytes, trusted: PublicKeys) -> tuple[dict[str, Any], str]:
    """Return the fields of a signed document, and the id of the key that signed it."""
    document: dict[str, Any] = json.loads(body)
    signed = document.pop("signature")["value"]
    return document, verify(payload_type, _canonical(document), signed, trusted)


@dataclass(frozen=True)
class SignedKind(Generic[DocumentT]):
    """One kind of signed document, of which each pipeline has its own.

    Attributes
    ----------
    payload_type : str
    title : str
        What errors call it.
    max_bytes : int
    refused : type of NightCatchError
        Raised where it is malformed, too large, or of another pipeline.
    build : callable (fields) -> document with a `pipeline`
        Raises one of `MALFORMED` if the fields are not those of the kind.
    """

    payload_type: str
    title: str
    max_bytes: int
    refused: type[NightCatchError]
    build: Callable[[dict[str, Any]], DocumentT]

    def parse(self, body: bytes, trusted: PublicKeys, *, pipeline: str) -> DocumentT:
        """Return the document that `body` holds, once its signature is verified.

        Raises
        ------
        SignatureError
            If it was not signed by a trusted key.
        NightCatchError
            Of the class `refused`.
        """
        if len(body) > self.max_bytes:
            raise self.refused(f"{pipeline}: {self.title} is larger than {self.max_bytes} bytes")
        try:
            found = self.build(verified_document(self.payload_type, body, trusted))
        except SignatureError as err:
            raise SignatureError(f"{pipeline}: {self.title}: {err}") from err
        except MALFORMED as err:
            raise self.refused(f"{pipeline}: {self.title} is malformed: {err!r}") from err
        if found.pipeline != pipeline:
            raise self.refused(f"{pipeline}: {self.title} is of pipeline {found.pipeline}")
        return found


def _canonical(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def verify_bundle(bundle: bytes, trusted: PublicKeys) -> dict[str, str]:
    """Return what a Model Signing bundle vouches for, once its signature is verified.

    Parameters
    ----------
    bundle : bytes
        Content of ``model.sig``: a Sigstore bundle with one DSSE envelope.
    trusted : sequence of EllipticCurvePublicKey
        Keys of trainers; any of them suffices.

    Returns
    -------
    dict of str to str
        SHA-256 in hexadecimal by file name.

    Raises
    ------
    SignatureError
        If the bundle is malformed, of another kind, or not signed by a trusted key.
    """
    try:
        envelope = json.loads(bundle)["dsseEnvelope"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        (signature,) = envelope["signatures"]
        if envelope["payloadType"] != _IN_TOTO:
            raise SignatureError(f"payload type {envelope['payloadType']!r} is not {_IN_TOTO}")
        verify(_IN_TOTO, payload, signature["sig"], trusted)
        return _signed_digests(json.loads(payload))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as err:
        raise SignatureError(f"the signature bundle is malformed: {type(err).__name__}") from err


def _signed_digests(statement: dict[str, Any]) -> dict[str, str]:
    if statement["predicateType"] != _PREDICATE:
        raise SignatureError(f"predicate {statement['predicateType']!r} is not {_PREDICATE}")
    resources = statement["predicate"]["resources"]
    if any(resource["algorithm"] != "sha256" for resource in resources):
        raise SignatureError("a file is covered by another digest than SHA-256")
    digests = {str(resource["name"]): str(resource["digest"]) for resource in resources}
    if len(digests) != len(resources):
        raise SignatureError("the signature names a file twice")
    return digests
