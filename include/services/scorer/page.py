"""The pages: what a person needs to ask, and the API in words; drawn from the manifests."""

from dataclasses import dataclass

from flask import Blueprint, Response, jsonify, render_template
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from include.contract.schema import InputField
from include.registry.follow import InForce
from include.services.scorer.meanings import Meaning, meaning_of
from include.services.scorer.model import OnnxModel
from include.services.scorer.openapi import describe_api
from include.services.scorer.scorer import current_scorer

blueprint = Blueprint("page", __name__)
# A page of its own: its styles are inside, and it may load and run nothing.
_OF_REPORTS = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True)
class _Entry:
    """A version in force, and its inputs in words."""

    in_force: InForce[OnnxModel]
    inputs: list[tuple[InputField, Meaning]]
    has_report: bool

    @property
    def is_text(self) -> bool:
        return self.in_force.model.schema.is_text


@blueprint.get("/")
def index() -> str:
    """Show which models are in force, and a form for what each of them reads."""
    catalogue = current_scorer().catalogue
    entries = [_describe(entry) for entry in catalogue.in_force()]
    return render_template(
        "index.html",
        entries=entries,
        waiting=catalogue.waiting(),
        needs_key=current_scorer().access.keys is not None,
    )


@blueprint.get("/models/<pipeline>/report")
def report(pipeline: str) -> ResponseReturnValue:
    """Show what is known of the version in force, as it was signed with the model."""
    scorer = current_scorer()
    version = scorer.catalogue.named(pipeline).manifest.version
    body = scorer.report_of(pipeline, version)
    if body is None:
        raise NotFound(f"The report of {version} is not at hand here.")
    return Response(body, mimetype="text/html", headers={"Content-Security-Policy": _OF_REPORTS})


@blueprint.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """Describe the API for programs."""
    scorer = current_scorer()
    return jsonify(describe_api(scorer.catalogue.in_force(), scorer.limits, scorer.build))


@blueprint.get("/docs")
def docs() -> str:
    """Show the same to people, with a form to try each route."""
    return render_template("docs.html", needs_key=current_scorer().access.keys is not None)


def _describe(in_force: InForce[OnnxModel]) -> _Entry:
    pointer, manifest = in_force.pointer, in_force.manifest
    inputs = [(field, meaning_of(field)) for field in manifest.inputs]
    report = current_scorer().report_of(pointer.pipeline, manifest.version)
    return _Entry(in_force, inputs, report is not None)
