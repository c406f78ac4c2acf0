"""Checks of every request before its body is read: host, key, rate, and room for the body."""

import json
import re
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from http import HTTPStatus
from threading import BoundedSemaphore
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.exceptions import HTTPException

from include.services.scorer.auth.access import REFUSED
from include.services.scorer.serving.held_bytes import HeldBytes
from include.services.scorer.serving.request_body import LARGE_BYTES, TimedBody, too_many
from include.services.scorer.serving.slow_bodies import SlowBodies
from include.services.scorer.settings import Limits
from include.services.scorer.telemetry.request_middleware import CLIENT

# RFC 9110, section 7.2, without the characters that nobody has in a host name.
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.~%-]+)(?::\d{0,5})?", re.ASCII)
_PROTOCOL = "SERVER_PROTOCOL"
_FORM = "multipart/form-data"
# Of each worker, together below its 128 threads: some always answer all else.
_LARGE_UNDER_WAY = 32
_SHORT_UNDER_WAY = 88
_SCORED_AT_ONCE = 2
_WAIT_S = 20.0
_BODIES_IN_MEMORY = 4


class RequestGuard:
    """Admits requests before their bodies are read; few large ones are scored at once.

    A refusal is left in the request's environment: Flask answers it, as it answers all faults.

    Parameters
    ----------
    inner : WSGI application
    admit : callable
        Raises an HTTPException for a client that may not ask, or not now.
    limits : Limits
    files : HeldBytes
        Of uploads and tables on disk.
    slow : SlowBodies
    scored_at_once : int
        Of each worker: bodies above 64 KiB or of unknown length.
    wait_s : float
        How long another one waits for room, and for its turn, before it is refused with 503.
    """

    def __init__(
        self,
        inner: WSGIApplication,
        admit: Callable[[WSGIEnvironment], None],
        limits: Limits,
        files: HeldBytes,
        slow: SlowBodies,
        scored_at_once: int = _SCORED_AT_ONCE,
        wait_s: float = _WAIT_S,
    ) -> None:
        self._inner = inner
        self._admit = admit
        self._limits = limits
        self._files = files
        self._memory = HeldBytes(_BODIES_IN_MEMORY * limits.json_bytes)
        self._slow = slow
        self._large = BoundedSemaphore(_LARGE_UNDER_WAY)
        self._short = BoundedSemaphore(_SHORT_UNDER_WAY)
        self._turns = BoundedSemaphore(scored_at_once)
        self._wait_s = wait_s

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if not _has_host(environ):
            return _refuse(start_response)
        with ExitStack() as held:
            try:
                self._admit(environ)
                self._receive(environ, held)
            except HTTPException as err:
                environ[REFUSED] = err
            return self._inner(environ, start_response)

    def _receive(self, environ: WSGIEnvironment, held: ExitStack) -> None:
        """Put a body that is read in time in the place of the server's."""
        given = environ.get("CONTENT_LENGTH", "")
        length = int(given) if given.isdecimal() else None
        if length is None and "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input_terminated"] = True
        else:
            # Werkzeug then counts the bytes itself, and refuses a body that ends too early.
            environ.pop("wsgi.input_terminated", None)
            if not length:
                return
        address = environ.get("REMOTE_ADDR", "")
        limit, at_end = self._limits.json_bytes, None
        is_large = length is None or length > LARGE_BYTES
        under_way = self._large if is_large else self._short
        if not under_way.acquire(blocking=False):
            raise too_many()
        held.callback(under_way.release)
        if is_large:
            limit = self._reserve(environ, length, held)
            at_end = partial(self._take_turn, address, held)
        environ["wsgi.input"] = TimedBody(
            environ["wsgi.input"], length, limit, address, self._slow, at_end
        )

    def _reserve(self, environ: WSGIEnvironment, length: int | None, held: ExitStack) -> int:
        """Hold room for a large body until it is answered; return how long it may be."""
        is_form = environ.get("CONTENT_TYPE", "").lower().startswith(_FORM)
        limit = self._limits.upload_bytes if is_form else self._limits.json_bytes
        place = self._files if is_form else self._memory
        size_bytes = limit if length is None else length
        if size_bytes > limit:
            return limit  # the route refuses it, and reads nothing
        client = environ.get(CLIENT) or ""
        if not place.reserve(client, size_bytes, self._wait_s):
            raise too_many()
        held.callback(place.release, client, size_bytes)
        return limit

    def _take_turn(self, address: str, held: ExitStack) -> None:
        held.enter_context(self._slow.busy(address))
        if not self._turns.acquire(timeout=self._wait_s):
            raise too_many()
        held.callback(self._turns.release)


def _has_host(environ: WSGIEnvironment) -> bool:
    host = environ.get("HTTP_HOST", "")
    if not host:
        protocol: str = environ[_PROTOCOL]
        return protocol != "HTTP/1.1"
    return _HOST.fullmatch(host) is not None


def _refuse(start_response: StartResponse) -> list[bytes]:
    """Return the response to a request without a host, which Flask would not take."""
    status = HTTPStatus.BAD_REQUEST
    detail = "A request of HTTP/1.1 has exactly one valid Host."
    problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    body = json.dumps(problem).encode()
    headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))]
    start_response(f"{status.value} {status.phrase}", headers)
    return [body]
