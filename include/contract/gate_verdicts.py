"""The trainer's signature of the gate verdicts: `gate.sig`, beside the run's `gate.json`.

The gate evaluates a version that is signed already, so its verdicts cannot be among its files.
"""

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import signature
from include.contract.manifest import describe_file
from include.errors import SignatureError

GATE = "gate.json"
GATE_SIGNATURE = "gate.sig"
_PAYLOAD_TYPE = "application/vnd.nightcatch.gate+json"


def sign_verdicts(verdicts: bytes, manifest_sha256: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the content of ``gate.sig``.

    Parameters
    ----------
    verdicts : bytes
        Content of ``gate.json``.
    manifest_sha256 : str
        Digest of the manifest of the version that was evaluated; through it, of every file.
    key : EllipticCurvePrivateKey
        The trainer's.
    """
    return signature.signed_document(_PAYLOAD_TYPE, _signed_fields(verdicts, manifest_sha256), key)


def verify_verdicts(
    body: bytes, verdicts: bytes, manifest_sha256: str, trusted: signature.PublicKeys
) -> None:
    """Return if `body` is the signature of exactly these verdicts on this version.

    Parameters are those of `sign_verdicts`, `body` is what it returned, and `trusted` holds the
    keys of trainers; any of them suffices.

    Raises
    ------
    SignatureError
        If it does not.
    """
    try:
        vouched = signature.verified_document(_PAYLOAD_TYPE, body, trusted)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as err:
        raise SignatureError(f"{GATE_SIGNATURE} is malformed: {type(err).__name__}") from err
    if vouched != _signed_fields(verdicts, manifest_sha256):
        raise SignatureError(f"{GATE_SIGNATURE} is of other verdicts, or of another version")


def _signed_fields(verdicts: bytes, manifest_sha256: str) -> dict[str, str]:
    return {"gate_sha256": describe_file(verdicts).sha256, "manifest_sha256": manifest_sha256}
