"""Short JSON requests to ``/predict`` skip Flask, which takes longer than a small model to score.

Parsing, scoring and serialising are the functions that the Flask route calls. Whatever is unusual
about a request - its length, another type, a query, a fault - goes on to Flask as it came.
"""

from collections.abc import Iterable
from io import BytesIO
from threading import Lock
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.exceptions import HTTPException

from include.errors import NightCatchError, RequestUnreadableError
from include.services.scorer.api.request_parser import parse_predict_request
from include.services.scorer.api.scoring import predict, serialise
from include.services.scorer.auth.access import REFUSED, charge
from include.services.scorer.serving.state import Scorer
from include.services.scorer.telemetry.request_middleware import ROUTE

_PATH = "/predict"
_TYPE = "application/json"
_SHORT_BYTES = 4096  # one item; more of them would hold up the others


class FastPath:
    """Answers plain requests; `inner` answers all others.

    Parameters
    ----------
    inner : WSGI application
        Flask's own.
    scorer : Scorer
    """

    def __init__(self, inner: WSGIApplication, scorer: Scorer) -> None:
        self._inner = inner
        self._scorer = scorer
        self._max_bytes = min(_SHORT_BYTES, scorer.limits.json_bytes)
        # One thread computes at a time: several would only take the GIL from each other.
        self._turn = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if not self._is_plain(environ):
            return self._inner(environ, start_response)
        length, body = int(environ["CONTENT_LENGTH"]), b""
        try:
            body = environ["wsgi.input"].read(length)
            if len(body) != length:
                raise RequestUnreadableError("the body ended too early")
            request = parse_predict_request(body, self._scorer.limits)
            with self._turn:
                response = serialise(predict(self._scorer, request, explained=False))
            charge(environ, len(request.items))
        except HTTPException as err:
            environ[REFUSED] = err
            return self._inner(environ, start_response)
        except NightCatchError:
            environ["wsgi.input"] = BytesIO(body)  # Flask finds the fault again and describes it
            return self._inner(environ, start_response)
        environ[ROUTE] = _PATH
        start_response("200 OK", [("Content-Type", _TYPE), ("Content-Length", str(len(response)))])
        return [response]

    def _is_plain(self, environ: WSGIEnvironment) -> bool:
        length = environ.get("CONTENT_LENGTH", "")
        return (
            environ["PATH_INFO"] == _PATH
            and environ["REQUEST_METHOD"] == "POST"
            and environ.get("CONTENT_TYPE") == _TYPE
            and not environ.get("QUERY_STRING")
            and "HTTP_CONTENT_ENCODING" not in environ
            and REFUSED not in environ
            and length.isdecimal()
            and int(length) <= self._max_bytes
        )
