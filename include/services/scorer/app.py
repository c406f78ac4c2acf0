"""The Flask application, built of what it is given: it reads neither environment nor files."""

from flask import Flask

from include.services.scorer.api import problems
from include.services.scorer.auth import access
from include.services.scorer.routes import (
    desk,
    feedback,
    open_inference,
    pages,
    predict,
    status,
    threat_matches,
)
from include.services.scorer.serving.fast_path import FastPath
from include.services.scorer.serving.request_guard import RequestGuard
from include.services.scorer.serving.state import EXTENSION, Scorer
from include.services.scorer.telemetry.request_middleware import RequestMiddleware


def create_app(scorer: Scorer) -> Flask:
    """Return the WSGI application that scores with the models of `scorer`."""
    app = Flask("include.services.scorer")
    app.extensions[EXTENSION] = scorer
    app.config["MAX_CONTENT_LENGTH"] = scorer.limits.json_bytes
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.json.compact = True  # type: ignore[attr-defined]
    guard = RequestGuard(
        FastPath(app.wsgi_app, scorer),
        access.admission(scorer.access),
        scorer.limits,
        scorer.files,
        scorer.slow_bodies,
    )
    app.wsgi_app = RequestMiddleware(  # type: ignore[method-assign]  # Flask's own way of wrapping
        guard,
        scorer.metrics,
        scorer.access.write_log,
        scorer.access.cors_origins,
    )
    access.register(app)
    problems.register(app)
    app.register_blueprint(desk.blueprint)
    app.register_blueprint(feedback.blueprint)
    app.register_blueprint(open_inference.blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(predict.blueprint)
    app.register_blueprint(status.blueprint)
    app.register_blueprint(threat_matches.blueprint)
    return app
