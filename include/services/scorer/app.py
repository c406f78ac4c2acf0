"""The Flask application: built of what it is given, it reads neither environment nor files."""

import time

from flask import Flask, Response, g, request

from include.services.scorer import access, feedback, inference, page, predict, problems, status
from include.services.scorer.metrics import Metrics
from include.services.scorer.scorer import EXTENSION, Scorer

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_app(scorer: Scorer) -> Flask:
    """Return the WSGI application that answers with the models of `scorer`."""
    app = Flask("include.services.scorer")
    app.extensions[EXTENSION] = scorer
    app.config["MAX_CONTENT_LENGTH"] = scorer.limits.json_bytes
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.json.compact = True  # type: ignore[attr-defined]
    app.after_request(lambda answer: _end(answer, scorer.metrics))
    access.register(app, scorer.access)
    problems.register(app)
    app.register_blueprint(feedback.blueprint)
    app.register_blueprint(inference.blueprint)
    app.register_blueprint(page.blueprint)
    app.register_blueprint(predict.blueprint)
    app.register_blueprint(status.blueprint)
    return app


def _end(answer: Response, metrics: Metrics) -> Response:
    answer.headers["X-Content-Type-Options"] = "nosniff"
    if (answer.content_type or "").startswith("text/html"):
        answer.headers["Content-Security-Policy"] = _POLICY
        answer.headers["Referrer-Policy"] = "no-referrer"
    rule = request.url_rule
    route, method = (rule.rule, request.method) if rule else ("unknown", "any")
    metrics.count_request(route, method, answer.status_code, time.perf_counter() - g.began_s)
    return answer
