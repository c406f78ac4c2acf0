"""Ids of responses: UUIDv7 (RFC 9562), with the time and the pipeline of the response."""

import os
import re
from datetime import UTC, datetime
from functools import lru_cache
from time import time_ns
from zlib import crc32

ID_PATTERN = r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}(-(0|[1-9][0-9]{0,8}))?"
_FORM = re.compile(ID_PATTERN)
_TAG_BITS = 0xFFF
_RANDOM_BITS = (1 << 62) - 1


def new_id(pipeline: str) -> str:
    """Return an id by which later feedback names a response; row n of it is ``<id>-<n>``."""
    rng = int.from_bytes(os.urandom(8), "big") & _RANDOM_BITS
    return f"{(time_ns() // 1_000_000) << 80 | _middle(pipeline) | rng:032x}"


def is_id(text: str) -> bool:
    """Return whether `text` has the form of an id of a response, or of a row of it."""
    return _FORM.fullmatch(text) is not None


def responded_ms(response_id: str) -> int:
    """Return the time of the response, in milliseconds since 1970."""
    return int(response_id[:12], 16)


def responded_at(response_id: str) -> datetime:
    """Return the time of the response, in UTC, to the millisecond."""
    return datetime.fromtimestamp(responded_ms(response_id) / 1000, UTC)


def day_of(response_id: str) -> str:
    """Return the day (UTC, ``YYYY-MM-DD``) whose traffic log holds the response."""
    return responded_at(response_id).date().isoformat()


def is_of(response_id: str, pipeline: str) -> bool:
    """Return whether the response is of the pipeline; wrong for another one once in 4,096 times."""
    return int(response_id[13:16], 16) == _tag(pipeline)


@lru_cache(maxsize=256)
def _middle(pipeline: str) -> int:
    """Return version, tag and variant in their places; RFC 9562 lets the tag's bits be random."""
    return 7 << 76 | _tag(pipeline) << 64 | 2 << 62


@lru_cache(maxsize=256)
def _tag(pipeline: str) -> int:
    return crc32(pipeline.encode()) & _TAG_BITS
