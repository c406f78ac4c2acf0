"""The reports of the models in production, and the API for people and for programs."""

from flask import Blueprint, Response, jsonify, render_template
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from include.services.scorer.api.openapi import describe_api
from include.services.scorer.serving.state import current_scorer

blueprint = Blueprint("page", __name__)
# A page of its own: its styles are inside, and it may load and run nothing.
_OF_REPORTS = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@blueprint.get("/models/<pipeline>/report")
def report(pipeline: str) -> ResponseReturnValue:
    """Show the report of the version in production, as it was signed with the model."""
    scorer = current_scorer()
    version = scorer.catalogue.named(pipeline).manifest.version
    body = scorer.report_of(pipeline, version)
    if body is None:
        raise NotFound(f"The report of {version} is not loaded here.")
    return Response(body, mimetype="text/html", headers={"Content-Security-Policy": _OF_REPORTS})


@blueprint.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """Describe the API for programs."""
    scorer = current_scorer()
    return jsonify(describe_api(scorer.catalogue.in_production(), scorer.limits, scorer.build))


@blueprint.get("/docs")
def docs() -> str:
    """Show the same to people, with a form to try each route."""
    return render_template("docs.html", needs_key=current_scorer().access.keys is not None)
