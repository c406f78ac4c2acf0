"""What a person decided when a run waited for an approval: `approval.json` of the run.

The approver signs it, as a rejection leaves no approval that could say who rejected and why.
"""

from dataclasses import asdict, dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys, signature
from include.errors import RunDocumentError, SignatureError

APPROVAL = "approval.json"
MAX_RESPONSE_BYTES = 64 * 1024
_PAYLOAD_TYPE = "application/vnd.nightcatch.approval-response+json"


@dataclass(frozen=True)
class ApprovalResponse:
    """The decision of a person on the version of one run.

    Attributes
    ----------
    pipeline, run_id, version : str
    approved : bool
    by, at, reason : str
        `at` is ISO 8601 in UTC.
    """

    pipeline: str
    run_id: str
    version: str
    approved: bool
    by: str
    at: str
    reason: str

    def to_json(self, key: ec.EllipticCurvePrivateKey) -> bytes:
        """Return the signed bytes of ``approval.json``."""
        return signature.signed_document(_PAYLOAD_TYPE, asdict(self), key)


def parse_response(
    body: bytes, trusted: signature.PublicKeys, *, pipeline: str, run_id: str
) -> ApprovalResponse:
    """Return the response to a run that `body` holds, once its signature is verified.

    Parameters
    ----------
    body : bytes
    trusted : sequence of EllipticCurvePublicKey
        Keys of approvers; any of them suffices.
    pipeline, run_id : str
        The run whose response it must be.

    Raises
    ------
    SignatureError
        If no approver signed it, or it is of another run.
    RunDocumentError
        If it is malformed, too large, or of another pipeline.
    """
    response = _KIND.parse(body, trusted, pipeline=pipeline)
    if response.run_id != run_id:
        raise SignatureError(f"{pipeline}: {APPROVAL} of {run_id} is of run {response.run_id}")
    return response


def _from_document(document: dict[str, Any]) -> ApprovalResponse:
    if type(document["approved"]) is not bool:
        raise ValueError(f"approved is {document['approved']!r}")
    return ApprovalResponse(
        pipeline=keys.pipeline_name(document["pipeline"]),
        run_id=str(document["run_id"]),
        version=keys.version_name(document["version"]),
        approved=document["approved"],
        by=str(document["by"]),
        at=str(document["at"]),
        reason=str(document["reason"]),
    )


_KIND = signature.SignedKind(
    _PAYLOAD_TYPE, APPROVAL, MAX_RESPONSE_BYTES, RunDocumentError, _from_document
)
