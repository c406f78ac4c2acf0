"""The pages: a form for each model in production, reports and the API; made of the manifests."""

from dataclasses import dataclass

from flask import Blueprint, Response, jsonify, render_template
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from include.contract.schema import InputField
from include.inference.explain.field_labels import FieldLabels, labels_of
from include.inference.model import OnnxModel
from include.registry.follow import ProductionModel
from include.services.scorer.api.openapi import describe_api
from include.services.scorer.serving.state import current_scorer

blueprint = Blueprint("page", __name__)
# A page of its own: its styles are inside, and it may load and run nothing.
_OF_REPORTS = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True)
class _Entry:
    """A version in production, and the labels of its inputs."""

    in_production: ProductionModel[OnnxModel]
    inputs: list[tuple[InputField, FieldLabels]]
    has_report: bool

    @property
    def is_text(self) -> bool:
        return self.in_production.model.schema.is_text


@blueprint.get("/")
def index() -> str:
    """Show which models are in production, and a form for what each of them reads."""
    catalogue = current_scorer().catalogue
    entries = [_describe(entry) for entry in catalogue.in_production()]
    return render_template(
        "index.html",
        entries=entries,
        waiting=catalogue.waiting(),
        needs_key=current_scorer().access.keys is not None,
    )


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


def _describe(in_production: ProductionModel[OnnxModel]) -> _Entry:
    pointer, manifest = in_production.pointer, in_production.manifest
    inputs = [(field, labels_of(field)) for field in manifest.inputs]
    report = current_scorer().report_of(pointer.pipeline, manifest.version)
    return _Entry(in_production, inputs, report is not None)
