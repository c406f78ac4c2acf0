"""The web page: what a person needs to ask, drawn from the manifests in force."""

from dataclasses import dataclass

from flask import Blueprint, render_template

from include.contract.schema import InputField
from include.registry.follow import InForce
from include.services.scorer.meanings import Meaning, meaning_of
from include.services.scorer.model import OnnxModel
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
    return render_template("index.html", entries=entries, waiting=catalogue.waiting())
