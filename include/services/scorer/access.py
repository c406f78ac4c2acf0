"""Around every request: its id, who asks, who may read the answer, and one line of log."""

import math
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

from flask import Flask, Response, g, request
from werkzeug.exceptions import TooManyRequests, Unauthorized

from include.services.scorer.api_keys import ApiKeys
from include.services.scorer.rate_limit import RateLimiter

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CORS = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-API-Key, X-Request-ID",
    "Access-Control-Expose-Headers": "X-Request-ID",
    "Access-Control-Max-Age": "600",
}


@dataclass(frozen=True)
class Access:
    """What is asked of a client.

    Attributes
    ----------
    keys : ApiKeys or None
        Needed to have anything scored; None asks for none.
    cors_origins : frozenset of str
        Whose scripts may read the answers; ``https://app.example``, by exact comparison.
    limiter : RateLimiter or None
        How often each key may ask; None lets it ask as often as it likes.
    write_log : callable or None
        Takes a JSON object on a line of its own, as bytes, for each request; None keeps no log.
        Not a logger: Python's takes as long for a line as a small model for a record.
    """

    keys: ApiKeys | None = None
    limiter: RateLimiter | None = None
    cors_origins: frozenset[str] = field(default_factory=frozenset)
    write_log: Callable[[bytes], object] | None = None


def register(app: Flask, access: Access) -> None:
    """Leave `app` naming, checking and logging each request."""
    app.before_request(_begin)
    if access.keys is not None:
        keys, limiter = access.keys, access.limiter
        app.before_request(lambda: _require_key(keys, limiter))
    if access.cors_origins:
        app.after_request(lambda answer: _share(answer, access.cors_origins))
    if access.write_log is not None:
        write = access.write_log
        app.after_request(lambda answer: _log(answer, write))
    app.after_request(_end)


def _begin() -> None:
    g.began_s = perf_counter()
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


def _require_key(keys: ApiKeys, limiter: RateLimiter | None) -> None:
    """Return when the request has a good key, or needs none, as a look at a page or at metrics."""
    if request.method != "POST":
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key", "")
    g.client = keys.owner_of(key)
    if g.client is None:
        raise Unauthorized("Send a valid API key as 'Authorization: Bearer <key>'.")
    wait_s = limiter.wait_s(g.client) if limiter is not None else 0.0
    if wait_s > 0:
        raise TooManyRequests("The API key asks too often.", retry_after=math.ceil(wait_s))


def _share(answer: Response, origins: frozenset[str]) -> Response:
    answer.vary.add("Origin")
    if request.origin in origins:
        answer.headers["Access-Control-Allow-Origin"] = request.origin
        answer.headers.update(_CORS)
    return answer


def _end(answer: Response) -> Response:
    answer.headers["X-Request-ID"] = g.request_id
    if answer.status_code == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _log(answer: Response, write: Callable[[bytes], object]) -> Response:
    write(_line(answer).encode())
    return answer


def _line(answer: Response) -> str:
    """Return what may be known of a request: no inputs, no address, no header but its id.

    Put together by hand, as JSON's own writer takes as long as a small model: every value is a
    number, one of a few words, or has passed a pattern that leaves nothing to escape.
    """
    rule, sent = request.url_rule, request.environ.get("CONTENT_LENGTH", "")
    route, method = (rule.rule, request.method) if rule else ("unknown", "any")
    client = f'"{g.client}"' if "client" in g and g.client else "null"
    return (
        f'{{"request_id": "{g.request_id}", "method": "{method}", "route": "{route}", '
        f'"status": {answer.status_code}, "ms": {1000 * (perf_counter() - g.began_s):.2f}, '
        f'"bytes_in": {int(sent[:18]) if sent.isdecimal() else 0}, "client": {client}}}\n'
    )
