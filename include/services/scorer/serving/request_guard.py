"""Checks of every request that granian leaves to the application: its host and its body."""

import json
import re
from collections.abc import Iterable
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from threading import BoundedSemaphore
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# RFC 9110, section 7.2, without the characters that nobody has in a host name.
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.~%-]+)(?::\d{0,5})?", re.ASCII)
_PROTOCOL = "SERVER_PROTOCOL"
_LARGE_BYTES = 64 * 1024
_LARGE_AT_ONCE = 4
_LARGE_WAIT_S = 20.0
_RETRY_AFTER_S = "5"


class RequestGuard:
    """Refuses requests without a valid host; admits few large bodies at once, to bound memory.

    A body in chunks is read here, up to the limit, so that everything behind has its length.

    Parameters
    ----------
    inner : WSGI application
    max_bytes : int
        The largest body of any route.
    large_at_once : int
        Of each worker: bodies above 64 KiB or of unknown length that are read and scored together.
    large_wait_s : float
        How long another one waits for its turn before it is refused with 503.
    """

    def __init__(
        self,
        inner: WSGIApplication,
        max_bytes: int,
        large_at_once: int = _LARGE_AT_ONCE,
        large_wait_s: float = _LARGE_WAIT_S,
    ) -> None:
        self._inner = inner
        self._max_bytes = max_bytes
        self._turns = BoundedSemaphore(large_at_once)
        self._large_wait_s = large_wait_s

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if not _has_host(environ):
            detail = "A request of HTTP/1.1 has exactly one valid Host."
            return _refuse(start_response, HTTPStatus.BAD_REQUEST, detail)
        length = environ.get("CONTENT_LENGTH", "")
        is_chunked = not length and "HTTP_TRANSFER_ENCODING" in environ
        if not is_chunked:
            # Werkzeug then counts the bytes itself, and refuses a body that ends too early.
            environ.pop("wsgi.input_terminated", None)
            if not length.isdecimal() or int(length) <= _LARGE_BYTES:
                return self._inner(environ, start_response)
        if not self._turns.acquire(timeout=self._large_wait_s):
            detail = "Too many large requests at once; try again later."
            return _refuse(start_response, HTTPStatus.SERVICE_UNAVAILABLE, detail)
        try:
            if is_chunked:
                return self._with_length(environ, start_response)
            return self._inner(environ, start_response)
        finally:
            self._turns.release()

    def _with_length(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        source, size_bytes = environ["wsgi.input"], 0
        with SpooledTemporaryFile(max_size=_LARGE_BYTES) as body:
            while block := source.read(_LARGE_BYTES):
                size_bytes += len(block)
                if size_bytes > self._max_bytes:
                    detail = f"The request is too large; a body may have {self._max_bytes} bytes."
                    return _refuse(start_response, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
                body.write(block)
            body.seek(0)
            for name in ("wsgi.input_terminated", "HTTP_TRANSFER_ENCODING"):
                environ.pop(name, None)
            environ |= {"wsgi.input": body, "CONTENT_LENGTH": str(size_bytes)}
            return self._inner(environ, start_response)


def _has_host(environ: WSGIEnvironment) -> bool:
    host = environ.get("HTTP_HOST", "")
    if not host:
        protocol: str = environ[_PROTOCOL]
        return protocol != "HTTP/1.1"
    return _HOST.fullmatch(host) is not None


def _refuse(start_response: StartResponse, status: HTTPStatus, detail: str) -> list[bytes]:
    problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    body = json.dumps(problem).encode()
    headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append(("Retry-After", _RETRY_AFTER_S))
    start_response(f"{status.value} {status.phrase}", headers)
    return [body]
