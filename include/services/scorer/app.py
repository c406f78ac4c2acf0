"""The Flask application: built of what it is given, it reads neither environment nor files."""

from flask import Flask

from include.services.scorer.api import problems
from include.services.scorer.auth import access
from include.services.scorer.routes import feedback, open_inference, pages, predict, status
from include.services.scorer.serving.fast_path import Shortcut
from include.services.scorer.serving.micro_batch import EXTENSION as AHEAD
from include.services.scorer.serving.micro_batch import Ahead
from include.services.scorer.serving.state import EXTENSION, Scorer
from include.services.scorer.telemetry.request_middleware import Around


def create_app(scorer: Scorer) -> Flask:
    """Return the WSGI application that answers with the models of `scorer`."""
    app = Flask("include.services.scorer")
    app.extensions[EXTENSION] = scorer
    app.config["MAX_CONTENT_LENGTH"] = scorer.limits.json_bytes
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.json.compact = True  # type: ignore[attr-defined]
    ahead = Ahead(scorer.catalogue, scorer.limits)
    app.extensions[AHEAD] = ahead
    app.wsgi_app = Around(  # type: ignore[method-assign]  # Flask's own way of wrapping
        Shortcut(app.wsgi_app, scorer, ahead, access.admission(scorer.access)),
        scorer.metrics,
        scorer.access.write_log,
    )
    access.register(app, scorer.access)
    problems.register(app)
    app.register_blueprint(feedback.blueprint)
    app.register_blueprint(open_inference.blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(predict.blueprint)
    app.register_blueprint(status.blueprint)
    return app
