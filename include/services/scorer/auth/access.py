"""Who may ask, how often, and whose scripts may read the answers."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import parse_qs
from wsgiref.types import WSGIEnvironment

from flask import Flask, request
from werkzeug.exceptions import TooManyRequests, Unauthorized

from include.services.scorer.auth.api_keys import ApiKeys
from include.services.scorer.auth.rate_limit import RateLimiter
from include.services.scorer.telemetry.request_middleware import CLIENT

# Entries of a request's environment: why it is refused, and what takes from its allowance.
REFUSED = "nightcatch.refused"
_CHARGE = "nightcatch.charge"
_ADMISSION, _METRICS = "/admission", "/metrics"
# Clients of Google's API name their key in the query, and cannot do otherwise; our log lines and
# the proxy's have no query.
LOOKUP = "/v4/threatMatches:find"
# What counts as one request more: a large one costs as much as the small ones it stands for.
_ITEMS_A_REQUEST = 100
_BYTES_A_REQUEST = 64 * 1024


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
        How much each key may ask for; None lets it ask as often as it likes.
    write_log : callable or None
        Takes a JSON object on a line of its own, as bytes, for each request; None keeps no log.
        Not a logger: Python's takes as long for a line as a small model for a record.
    are_metrics_private : bool
        Whether a look at the counters needs a key too.
    """

    keys: ApiKeys | None = None
    limiter: RateLimiter | None = None
    cors_origins: frozenset[str] = field(default_factory=frozenset)
    write_log: Callable[[bytes], object] | None = None
    are_metrics_private: bool = False


def register(app: Flask) -> None:
    """Leave `app` answering what was refused in front of it, before it reads anything."""
    app.before_request(_raise_refused)


def _raise_refused() -> None:
    refused = request.environ.get(REFUSED)
    if refused is not None:
        raise refused


def admission(access: Access) -> Callable[[WSGIEnvironment], None]:
    """Return what raises an HTTPException unless the client may ask now; before the body is read.

    Only a POST needs a key, ``/admission`` for it, and ``/metrics`` where they are private: a look
    at a page or at the health of the service needs none.
    """
    private = {_ADMISSION, _METRICS} if access.are_metrics_private else {_ADMISSION}

    def admit(environ: WSGIEnvironment) -> None:
        if access.keys is None:
            return
        if environ["REQUEST_METHOD"] == "POST":
            _admit(access.keys, access.limiter, environ)
        elif environ["PATH_INFO"] in private:
            _admit(access.keys, None, environ)

    return admit


def charge(environ: WSGIEnvironment, n_items: int) -> None:
    """Take the further items of a request from the allowance of its client."""
    take = environ.get(_CHARGE)
    if take is not None and n_items > 1:
        take((n_items - 1) / _ITEMS_A_REQUEST)


def _admit(keys: ApiKeys, limiter: RateLimiter | None, environ: WSGIEnvironment) -> None:
    environ[CLIENT] = owner = keys.owner_of(_key_of(environ))
    if owner is None:
        raise Unauthorized("Send a valid API key as 'Authorization: Bearer <key>'.")
    if limiter is None:
        return
    length = environ.get("CONTENT_LENGTH", "")
    n_bytes = int(length) if length.isdecimal() else 0
    wait_s = limiter.wait_s(owner, max(1.0, n_bytes / _BYTES_A_REQUEST))
    if wait_s > 0:
        raise TooManyRequests("The API key asks too often.", retry_after=math.ceil(wait_s))
    environ[_CHARGE] = partial(limiter.take, owner)


def _key_of(environ: WSGIEnvironment) -> str:
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    key: str = token.strip() if scheme.lower() == "bearer" else environ.get("HTTP_X_API_KEY", "")
    if not key and environ["PATH_INFO"] == LOOKUP:
        key = parse_qs(environ.get("QUERY_STRING", "")).get("key", [""])[0]
    return key
