"""A proposal: the first approver's signed statement, which the second one's approval carries."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys, signature
from include.errors import PointerError

PAYLOAD_TYPE = "application/vnd.nightcatch.proposal+json"
MAX_PROPOSAL_BYTES = 8 * 1024
VALID_FOR = timedelta(days=3)


@dataclass(frozen=True)
class Proposal:
    """Which version is to come into production next, by the word of a first approver.

    Attributes
    ----------
    pipeline, version, manifest_sha256 : str
    serial : int
        Of the approval that it proposes.
    previous_sha256 : str
        Of the approval that it is to follow, as it was signed; empty for the first one.
    proposed_by, proposed_at, expires_at, reason : str
        Times are ISO 8601 in UTC.
    """

    pipeline: str
    version: str
    manifest_sha256: str
    serial: int
    previous_sha256: str
    proposed_by: str
    proposed_at: str
    expires_at: str
    reason: str

    def to_json(self, key: ec.EllipticCurvePrivateKey) -> bytes:
        """Return the signed bytes of the proposal."""
        return signature.signed_document(PAYLOAD_TYPE, asdict(self), key)

    def check_in_time(self, at: datetime) -> None:
        """Return when the proposal may be approved at that time.

        Raises
        ------
        PointerError
            If it has expired.
        """
        if at > datetime.fromisoformat(self.expires_at):
            raise PointerError(
                f"{self.pipeline}: what {self.proposed_by} proposed expired at {self.expires_at}: "
                "propose again"
            )


def parse_proposal(body: bytes, trusted: signature.PublicKeys, *, pipeline: str) -> Proposal:
    """Return the proposal that `body` holds, once its signature is verified.

    Raises
    ------
    SignatureError
        If none of the trusted keys signed it.
    PointerError
        If it is malformed or of another pipeline.
    """
    return _KIND.parse(body, trusted, pipeline=pipeline)


def _from_document(document: dict[str, Any]) -> Proposal:
    made = Proposal(**document)
    times = [datetime.fromisoformat(at) for at in (made.proposed_at, made.expires_at)]
    if any(at.tzinfo is None for at in times) or times[1] - times[0] > VALID_FOR:
        raise ValueError(f"times {made.proposed_at} and {made.expires_at}")
    keys.pipeline_name(made.pipeline)
    keys.version_name(made.version)
    return made


_KIND = signature.SignedKind(
    PAYLOAD_TYPE, "proposal", MAX_PROPOSAL_BYTES, PointerError, _from_document
)
