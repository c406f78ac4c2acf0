"""Who may ask, how often, and whose scripts may read the answers."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from wsgiref.types import WSGIEnvironment

from flask import Flask, request
from werkzeug.exceptions import TooManyRequests, Unauthorized

from include.services.scorer.auth.api_keys import ApiKeys
from include.services.scorer.auth.rate_limit import RateLimiter
from include.services.scorer.telemetry.request_middleware import CLIENT

_ADMITTED = "nightcatch.admitted"  # so that a request is counted once against the limit


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
    """Leave `app` checking each request."""
    admit = admission(access)
    if admit is not None:
        app.before_request(lambda: admit(request.environ))


def admission(access: Access) -> Callable[[WSGIEnvironment], None] | None:
    """Return what lets a request in once, or raises what its client is told; None for no keys."""
    if access.keys is None:
        return None
    return partial(_admit, access.keys, access.limiter)


def _admit(keys: ApiKeys, limiter: RateLimiter | None, environ: WSGIEnvironment) -> None:
    """Return when the request has a good key, or needs none, as a look at a page or at metrics."""
    if environ["REQUEST_METHOD"] != "POST" or _ADMITTED in environ:
        return
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else environ.get("HTTP_X_API_KEY", "")
    environ[CLIENT] = owner = keys.owner_of(key)
    if owner is None:
        raise Unauthorized("Send a valid API key as 'Authorization: Bearer <key>'.")
    wait_s = limiter.wait_s(owner) if limiter is not None else 0.0
    if wait_s > 0:
        raise TooManyRequests("The API key asks too often.", retry_after=math.ceil(wait_s))
    environ[_ADMITTED] = True
