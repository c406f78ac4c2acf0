"""Limits of requests and of what is kept of them, as `settings` reads them."""

from dataclasses import dataclass
from typing import Literal

_MIB = 1024 * 1024

Content = Literal["off", "hash", "redacted", "inputs"]


@dataclass(frozen=True)
class Limits:
    """Limits of one request.

    Attributes
    ----------
    json_bytes : int
        ``NIGHTCATCH_MAX_JSON_BYTES``: a larger JSON body is refused with 413.
    upload_bytes : int
        ``NIGHTCATCH_MAX_UPLOAD_BYTES``: the same for a file.
    records : int
        ``NIGHTCATCH_MAX_RECORDS``: more of them in one JSON body are refused with 422.
    csv_rows : int
        ``NIGHTCATCH_MAX_CSV_ROWS``: the same for a file.
    """

    json_bytes: int = 8 * _MIB
    upload_bytes: int = 200 * _MIB
    records: int = 10_000
    csv_rows: int = 2_000_000


@dataclass(frozen=True)
class RateLimit:
    """The rate of requests of one API key.

    Attributes
    ----------
    per_second : float
        Of all workers of a machine together.
    burst : float
        How many requests may come at once after a pause; at least one.
    """

    per_second: float
    burst: float


@dataclass(frozen=True)
class Traffic:
    """What is kept of scored items, and of feedback until S3 has it.

    Attributes
    ----------
    content : str
        ``NIGHTCATCH_TRAFFIC_LOG``: ``inputs`` keeps what was sent, ``redacted`` the shape of its
        texts, ``hash`` its HMAC, ``off`` nothing.
    hash_key : bytes
        ``NIGHTCATCH_TRAFFIC_HASH_KEY``: of the HMAC.
    interval_s : float
        ``NIGHTCATCH_TRAFFIC_INTERVAL_S``: how long a worker gathers a batch.
    max_bytes : int
        ``NIGHTCATCH_TRAFFIC_MAX_BYTES``: may wait on disk for S3; older traffic is then dropped.
    """

    content: Content = "off"
    interval_s: float = 10.0
    max_bytes: int = 256 * _MIB
    hash_key: bytes = b""
