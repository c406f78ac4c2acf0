"""The watcher's short-lived word on which approval and list are the latest: `timestamp.json`.

Whoever can write the bucket can hold back an approval or a list, or put an old one before a
scorer that has seen none. A scorer that gets no new timestamp notices.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys, signature
from include.errors import PointerError

PAYLOAD_TYPE = "application/vnd.nightcatch.timestamp+json"
MAX_TIMESTAMP_BYTES = 4 * 1024
# The watcher signs every quarter of an hour: a day without one is no accident of scheduling.
VALID_FOR = timedelta(hours=24)


@dataclass(frozen=True)
class Timestamp:
    """Which approval was the latest, and when.

    Attributes
    ----------
    pipeline : str
    serial : int
        Of the approval in production.
    pointer_sha256 : str
        Of its ``approved.json``, and through it of every approval before.
    issued_at : datetime
        Aware, in UTC.
    list_serial : int
        Of the list of allowed and blocked sites; 0 before the first change, and in timestamps of
        earlier releases.
    """

    pipeline: str
    serial: int
    pointer_sha256: str
    issued_at: datetime
    list_serial: int = 0

    @property
    def expires_at(self) -> datetime:
        """When a scorer stops taking it for the present."""
        return self.issued_at + VALID_FOR

    def to_json(self, key: ec.EllipticCurvePrivateKey) -> bytes:
        """Return the signed bytes of ``timestamp.json``."""
        fields = {**asdict(self), "issued_at": self.issued_at.isoformat(timespec="seconds")}
        return signature.signed_document(PAYLOAD_TYPE, fields, key)


def parse_timestamp(body: bytes, trusted: signature.PublicKeys, *, pipeline: str) -> Timestamp:
    """Return the timestamp that `body` writes, once its signature is verified.

    Raises
    ------
    SignatureError
        If no trusted watcher signed it.
    PointerError
        If it is malformed or of another pipeline.
    """
    return _KIND.parse(body, trusted, pipeline=pipeline)


def _from_document(document: dict[str, Any]) -> Timestamp:
    found = Timestamp(
        pipeline=keys.pipeline_name(document["pipeline"]),
        serial=int(document["serial"]),
        pointer_sha256=str(document["pointer_sha256"]),
        issued_at=datetime.fromisoformat(document["issued_at"]),
        list_serial=int(document.get("list_serial", 0)),
    )
    if found.issued_at.tzinfo is None:
        raise ValueError("issued_at has no time zone")
    return found


_KIND = signature.SignedKind(
    PAYLOAD_TYPE, "timestamp.json", MAX_TIMESTAMP_BYTES, PointerError, _from_document
)
