"""The pages: what a person needs to ask, and the API in words; drawn from the manifests."""

from dataclasses import dataclass

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue

from include.contract.schema import InputField
from include.registry.follow import InForce
from include.services.scorer.meanings import Meaning, meaning_of
from include.services.scorer.model import OnnxModel
from include.services.scorer.openapi import describe_api
from include.services.scorer.scorer import current_scorer

blueprint = Blueprint("page", __name__)


@dataclass(frozen=True)
class _Entry:
    """A version in force, and its inputs in words."""

    in_force: InForce[OnnxModel]
    inputs: list[tuple[InputField, Meaning]]

    @property
    def is_text(self) -> bool:
        return self.in_force.model.schema.is_text


@blueprint.get("/")
def index() -> str:
    """Show which models are in force, and a form for what each of them reads."""
    catalogue = current_scorer().catalogue
    entries = [
        _Entry(entry, [(field, meaning_of(field)) for field in entry.manifest.inputs])
        for entry in catalogue.in_force()
    ]
    return render_template(
        "index.html",
        entries=entries,
        waiting=catalogue.waiting(),
        needs_key=current_scorer().access.keys is not None,
    )


@blueprint.get("/openapi.json")
def openapi() -> ResponseReturnValue:
    """Describe the API for programs."""
    scorer = current_scorer()
    return jsonify(describe_api(scorer.catalogue.in_force(), scorer.limits, scorer.build))


@blueprint.get("/docs")
def docs() -> str:
    """Show the same to people, with a form to try each route."""
    return render_template("docs.html", needs_key=current_scorer().access.keys is not None)
