"""The scoring application in process: real models in production, without a store to follow."""

from dataclasses import dataclass
from datetime import UTC, datetime

from include.contract.pointer import Pointer
from include.contract.schema import InputField
from include.features.feature_sets import URLS
from include.inference.model import load_model
from include.registry.follow import ProductionModel
from include.registry.follow.freshness import Freshness
from include.services.scorer.app import create_app
from include.services.scorer.serving.catalogue import Catalogue
from include.services.scorer.serving.state import Scorer
from include.services.scorer.settings import Limits
from include.services.scorer.telemetry.metrics import Metrics
from include.urls.reference.build import built_in_bytes
from tests.support.signed_versions import Version, version_name

NOW = datetime(2026, 11, 22, tzinfo=UTC)
APPROVED_AT = "2026-11-21T02:06:00+00:00"
TEXT = {"inputs": (InputField("url", "string", None, "the address"),), "features": URLS.name}


@dataclass
class Following:
    """Stands where a Follower stands: the version in production, if any."""

    in_production: ProductionModel | None = None
    is_awaited: bool = True
    freshness: Freshness | None = None


def in_production(pipeline, body, **changes):
    manifest = Version(version_name(1), pipeline=pipeline).manifest(**changes)
    pointer = Pointer(pipeline, manifest.version, 7, "", "ann", APPROVED_AT, "a test", "run-1")
    reference = built_in_bytes() if manifest.features else b""
    return ProductionModel(pointer, manifest, load_model(body, manifest, reference), NOW)


def following(pipeline, body, **changes):
    return Following(in_production(pipeline, body, **changes))


def app_of(followers, limits=None, loading=(), now=lambda: NOW, **fields):
    scorer = Scorer(
        Catalogue(followers, loading),
        Metrics(shared=False),
        limits or Limits(),
        "abc",
        now,
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
