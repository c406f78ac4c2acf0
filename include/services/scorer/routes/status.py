"""Health, version and metrics."""

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST

from include.errors import ModelUnavailableError
from include.inference.verdict import describe_model
from include.services.scorer.serving.state import current_scorer

blueprint = Blueprint("status", __name__)


@blueprint.get("/health/live")
@blueprint.get("/v2/health/live")
def live() -> ResponseReturnValue:
    """Respond as long as the process is alive."""
    return jsonify({"status": "live"})


@blueprint.get("/health/ready")
@blueprint.get("/v2/health/ready")
def ready() -> ResponseReturnValue:
    """Respond 200 once a model is in production and no approved one is awaited, else 503.

    A model that the watcher stopped confirming still scores, but is not called ready; nor is one
    whose list of sites is held back.
    """
    catalogue = current_scorer().catalogue
    models = [describe_model(entry) for entry in catalogue.in_production()]
    waiting = catalogue.awaited() if models else catalogue.waiting()
    if waiting:
        raise ModelUnavailableError(f"no model is in production yet for: {', '.join(waiting)}")
    if stale := catalogue.stale():
        raise ModelUnavailableError("; ".join(stale))
    return jsonify({"status": "ready", "models": models, "waiting": catalogue.waiting()})


@blueprint.get("/admission")
def admission() -> ResponseReturnValue:
    """Respond 200 to a client that may send something, 401 to others: a proxy asks beforehand."""
    return jsonify({"status": "admitted"})


@blueprint.get("/version")
def version() -> ResponseReturnValue:
    """Name the code and the models."""
    scorer = current_scorer()
    models = [
        {
            **describe_model(entry),
            "trained_at": entry.manifest.created_at,
            "approved_at": entry.pointer.approved_at,
            "approved_by": entry.pointer.decided_by,
            "reason": entry.pointer.reason,
            "approval_sha256": entry.approval_sha256,
            "thresholds": vars(entry.manifest.thresholds),
            "family": entry.manifest.model.get("family"),
            "simulated": entry.manifest.snapshot.get("simulated"),
            "in_production_since": entry.since.isoformat(timespec="seconds"),
        }
        for entry in scorer.catalogue.in_production()
    ]
    document = {"service": "nightcatch-scorer", "build": scorer.build, "models": models}
    return jsonify({**document, "waiting": scorer.catalogue.waiting()})


@blueprint.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Show the counters of all workers to Prometheus."""
    scorer = current_scorer()
    body = scorer.metrics.exposition(
        scorer.catalogue, scorer.now(), scorer.outbox, scorer.access.keys
    )
    return Response(body, content_type=CONTENT_TYPE_LATEST)
