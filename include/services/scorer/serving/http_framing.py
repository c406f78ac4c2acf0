"""Where an HTTP request ends, as soon as it can be known, and whether its answer is quick."""

import re
from typing import Literal

GATHERED_BYTES = 128 * 1024
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
# Who sends these waits for an answer to the head, does not say where the body ends, or says it in
# more digits than are read here.
_UNKNOWN_LENGTH = re.compile(
    rb"\r\n(?:transfer-encoding:|expect:|content-length:[ \t]*[0-9]{19})", re.IGNORECASE
)
_HEALTH = re.compile(rb"GET (?:/v2)?/health/(?:live|ready) HTTP/1\.")
_ONE_ITEM = b"POST /predict HTTP/1."
_JSON = re.compile(rb"\r\ncontent-type:[ \t]*application/json[ \t]*[;\r]", re.IGNORECASE)
# JSON may spell a letter of a member's name by its number.
_SEVERAL_ITEMS = re.compile(rb'(?:"(?:record|url)s|\\u[0-9a-fA-F]{4}[a-z]*)"\s*:')
# Its answer repeats a URL at most, in JSON six times as long.
_QUICK_BYTES = 4096

Received = bytes | bytearray
Extent = Literal["whole", "part", "large"]


def extent(received: Received) -> Extent:
    """Return whether what was received of a request is ``whole``, a ``part``, or ``large``.

    Of a large one a thread reads the rest: it is long, or nobody can say how long.
    """
    end = received.find(_END_OF_HEAD)
    if end >= 0 and _UNKNOWN_LENGTH.search(received, 0, end + 2):
        return "large"
    if end >= 0 and len(received) >= _whole_bytes(received, end):
        return "whole"
    return "large" if len(received) >= GATHERED_BYTES else "part"


def cut(received: Received) -> tuple[Received, Received]:
    """Return the first request of what was received, which is whole, and what follows it."""
    n_bytes = _whole_bytes(received, received.find(_END_OF_HEAD))
    return received[:n_bytes], received[n_bytes:]


def body_of(received: Received) -> bytes:
    """Return the body of one whole request."""
    return bytes(received[received.find(_END_OF_HEAD) + len(_END_OF_HEAD) :])


def _whole_bytes(received: Received, end: int) -> int:
    length = _LENGTH.search(received, 0, end + 2)
    return end + len(_END_OF_HEAD) + (int(length[1]) if length else 0)


def is_quick(received: Received) -> bool:
    """Return whether a whole request asks about one item or how the service is: a short answer."""
    if len(received) > _QUICK_BYTES:
        return False
    return _is_one_item(received) or _HEALTH.match(received) is not None


def _is_one_item(received: Received) -> bool:
    return (
        received.startswith(_ONE_ITEM)
        and _JSON.search(received, 0, received.find(_END_OF_HEAD) + 2) is not None
        and _SEVERAL_ITEMS.search(received) is None
    )
