"""What holds for every response, whoever makes it: id, headers, CORS, count and line of log.

A WSGI middleware and not hooks of Flask: it covers what is answered in front of Flask too, and
costs a fifth of what hooks cost.
"""

import re
from collections.abc import Callable, Iterable
from random import getrandbits
from time import perf_counter
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from include.services.scorer.telemetry.metrics import Metrics

# Entries of a request's environment: the owner of its key, and the route that answered it in front
# of Flask.
CLIENT = "nightcatch.client"
ROUTE = "nightcatch.route"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_OF_PAGES = [("Content-Security-Policy", _POLICY), ("Referrer-Policy", "same-origin")]
_CORS = [
    ("Access-Control-Allow-Methods", "GET, POST"),
    (
        "Access-Control-Allow-Headers",
        "Authorization, Content-Type, X-API-Key, X-Request-ID",
    ),
    ("Access-Control-Expose-Headers", "X-Request-ID"),
    ("Access-Control-Max-Age", "600"),
]

Headers = list[tuple[str, str]]


class RequestMiddleware:
    """Names, counts and logs the responses of `inner`.

    Parameters
    ----------
    inner : WSGI application
    metrics : Metrics
    write_log : callable or None
        Takes a JSON object on a line of its own for each request, without waiting for a disk.
    cors_origins : frozenset of str
        Origins whose scripts may read responses; ``https://app.example``, by exact comparison.
    """

    def __init__(
        self,
        inner: WSGIApplication,
        metrics: Metrics,
        write_log: Callable[[bytes], object] | None,
        cors_origins: frozenset[str],
    ) -> None:
        self._inner = inner
        self._metrics = metrics
        self._write_log = write_log
        self._cors_origins = cors_origins

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        began_s = perf_counter()
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else _new_id()

        def start(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
            headers += _added(status, headers, request_id)
            headers += self._shared(environ.get("HTTP_ORIGIN"))
            self._record(environ, request_id, status, perf_counter() - began_s)
            return start_response(status, headers, exc_info)

        return self._inner(environ, start)

    def _shared(self, origin: str | None) -> Headers:
        """Return the CORS headers (https://fetch.spec.whatwg.org/#http-cors-protocol)."""
        varies = [("Vary", "Origin")]
        if origin not in self._cors_origins:
            return varies
        return [*varies, ("Access-Control-Allow-Origin", origin), *_CORS]

    def _record(
        self, environ: WSGIEnvironment, request_id: str, status: str, seconds: float
    ) -> None:
        route = environ.get(ROUTE) or _rule(environ.get("werkzeug.request"))
        route, method = (route, environ["REQUEST_METHOD"]) if route else ("unknown", "any")
        self._metrics.count_request(route, method, int(status[:3]), seconds)
        if self._write_log is not None:
            what = f'"method": "{method}", "route": "{route}", "status": {status[:3]}'
            self._write_log(_line(environ, request_id, what, seconds))


def _rule(request: object) -> str | None:
    rule = getattr(request, "url_rule", None)  # no route was sought for what the guard refuses
    return rule.rule if rule else None


def _new_id() -> str:
    # No secret: the system's random numbers would cost a release of the GIL.
    return f"{getrandbits(128):032x}"


def _added(status: str, headers: Headers, request_id: str) -> Headers:
    added = [("X-Content-Type-Options", "nosniff"), ("X-Request-ID", request_id)]
    if status.startswith("401"):
        added.append(("WWW-Authenticate", "Bearer"))
    given = dict(headers)
    is_page = given.get("Content-Type", "").startswith("text/html")
    # The one page with a policy of its own is a version's report: its styles are inline.
    return added + _OF_PAGES if is_page and "Content-Security-Policy" not in given else added


def _line(environ: WSGIEnvironment, request_id: str, what: str, seconds: float) -> bytes:
    """Return the line of log: no inputs, no address, no header but the id.

    Formatted by hand, as JSON's own writer takes as long as a small model: every value is a number,
    one of a few words, or has passed a pattern that leaves nothing to escape.
    """
    sent, owner = environ.get("CONTENT_LENGTH", ""), environ.get(CLIENT)
    client = f'"{owner}"' if owner else "null"
    return (
        f'{{"request_id": "{request_id}", {what}, "ms": {1000 * seconds:.2f}, '
        f'"bytes_in": {int(sent[:18]) if sent.isdecimal() else 0}, "client": {client}}}\n'
    ).encode()
