"""The question that nearly every request asks, answered without Flask.

Flask takes as long to route a request as a small model to score a record. So plain questions to
`/predict` are answered here, in front of it. Whatever is unusual about one - another type, a query,
a foreign page, a fault in the body - goes on to Flask as it came, and is answered there.
"""

import json
from collections.abc import Callable, Iterable
from io import BytesIO
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.exceptions import HTTPException

from include.errors import NightCatchError
from include.services.scorer.api.request_parser import parse_question
from include.services.scorer.api.scoring import answer_question, answer_scored
from include.services.scorer.serving.micro_batch import Ahead
from include.services.scorer.serving.state import Scorer
from include.services.scorer.telemetry.request_middleware import ROUTE

_PATH = "/predict"
_TYPE = "application/json"
_PLACE = "gunicorn.socket"  # names a request while it is answered
# Flask decides what these mean.
_UNUSUAL = ("QUERY_STRING", "SCRIPT_NAME", "HTTP_CONTENT_ENCODING", "HTTP_ORIGIN")
_MAX_LENGTH_DIGITS = 9
_spell = json.JSONEncoder().encode  # made once: `json.dumps` looks at its arguments each time


class Shortcut:
    """Answers plain questions; `inner` answers all else.

    Parameters
    ----------
    inner : WSGI application
        Flask's own.
    scorer : Scorer
    ahead : Ahead
        May have scored a question with others that waited beside it.
    admit : callable or None
        Returns when a request may ask, and else raises what Flask would answer; None lets all in.
    """

    def __init__(
        self,
        inner: WSGIApplication,
        scorer: Scorer,
        ahead: Ahead,
        admit: Callable[[WSGIEnvironment], None] | None,
    ) -> None:
        self._inner = inner
        self._scorer = scorer
        self._ahead = ahead
        self._admit = admit

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        length = self._plain_length(environ)
        if length is None:
            return self._inner(environ, start_response)
        body = environ["wsgi.input"].read(length)
        place = environ.get(_PLACE)
        try:
            answer = self._answer(environ, place, body)
        except (NightCatchError, HTTPException):
            self._ahead.trusted_keys(place, trusted=False)
            environ["wsgi.input"] = BytesIO(body)  # Flask finds the fault again and describes it
            return self._inner(environ, start_response)
        self._ahead.trusted_keys(place)
        environ[ROUTE] = _PATH
        start_response("200 OK", [("Content-Type", _TYPE), ("Content-Length", str(len(answer)))])
        return [answer]

    def _plain_length(self, environ: WSGIEnvironment) -> int | None:
        """Return how long the body of a plain question is; None for any other request."""
        if environ["PATH_INFO"] != _PATH or environ["REQUEST_METHOD"] != "POST":
            return None
        if environ.get("CONTENT_TYPE") != _TYPE or any(map(environ.get, _UNUSUAL)):
            return None
        sent = environ.get("CONTENT_LENGTH", "")
        if not sent.isdecimal() or len(sent) > _MAX_LENGTH_DIGITS:
            return None
        length = int(sent)
        return length if length <= self._scorer.limits.json_bytes else None

    def _answer(self, environ: WSGIEnvironment, place: object, body: bytes) -> bytes:
        if self._admit is not None:
            self._admit(environ)
        found = self._ahead.take(place, body)
        if found is None:
            question = parse_question(body, self._scorer.limits)
            document = answer_question(self._scorer, question, explained=False)
        else:
            _, question, in_production, probability = found
            document = answer_scored(self._scorer, question, in_production, [probability])
        return _spell(document).encode()
