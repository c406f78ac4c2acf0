"""The scoring application in process: real models in force, without a store to follow."""

from dataclasses import dataclass
from datetime import UTC, datetime

from include.contract.approval import Pointer
from include.contract.schema import InputField
from include.features.sets import URLS
from include.registry.follow import InForce
from include.services.scorer.app import create_app
from include.services.scorer.catalogue import Catalogue
from include.services.scorer.metrics import Metrics
from include.services.scorer.model import load_model
from include.services.scorer.scorer import Scorer
from include.services.scorer.settings import Limits
from tests.versions import Version, version_name

NOW = datetime(2026, 11, 22, tzinfo=UTC)
APPROVED_AT = "2026-11-21T02:06:00+00:00"
TEXT = {"inputs": (InputField("url", "string", None, "the address"),), "features": URLS.name}


@dataclass
class Following:
    """Stands where a Follower stands: the version in force, if any."""

    in_force: InForce | None = None
    is_awaited: bool = True


def in_force(pipeline, body, **changes):
    manifest = Version(version_name(1), pipeline=pipeline).manifest(**changes)
    pointer = Pointer(pipeline, manifest.version, 7, "", "ann", APPROVED_AT, "a test", "run-1")
    return InForce(pointer, manifest, load_model(body, manifest), NOW)


def following(pipeline, body, **changes):
    return Following(in_force(pipeline, body, **changes))


def app_of(followers, limits=None, loading=(), **fields):
    scorer = Scorer(
        Catalogue(followers, loading),
        Metrics(shared=False),
        limits or Limits(),
        "abc",
        lambda: NOW,
        **fields,
    )
    return create_app(scorer)


def without_ids(document):
    """Return an answer without what differs each time."""
    if isinstance(document, list):
        return [without_ids(entry) for entry in document]
    if isinstance(document, dict):
        return {name: without_ids(value) for name, value in document.items() if name != "id"}
    return document
