"""What a client is told whose request never reaches the application, as bytes of HTTP."""

import json
import re
import socket
from contextlib import suppress
from http import HTTPStatus

from gunicorn.http.errors import (
    ConfigurationProblem,
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)

_STATUS = {
    ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
}
_BEFORE_A_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def refusal(status: HTTPStatus, detail: str) -> bytes:
    """Return a problem (RFC 9457) with which a connection ends."""
    document = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
    }
    body = json.dumps(document).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\n"
        f"Content-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def name_of(fault: Exception) -> str | None:
    """Return what is wrong with a request, in words without any of it; None if the fault is ours.

    Parameters
    ----------
    fault : Exception
        What gunicorn raised, or an application.
    """
    if not isinstance(fault, ParseException) or isinstance(fault, ConfigurationProblem):
        return None
    return _BEFORE_A_WORD.sub(" ", type(fault).__name__).lower()


def refusal_of(fault: Exception) -> bytes:
    """Return what to tell the client who sent what `name_of` has a name for."""
    status = _STATUS.get(type(fault), HTTPStatus.BAD_REQUEST)
    return refusal(status, f"This cannot be read as a request: {name_of(fault)}.")


def notify(client: socket.socket, words: bytes) -> None:
    """Send the last words; who has gone already misses nothing."""
    with suppress(OSError):
        client.sendall(words)
