"""`POST /feedback`: what an answer should have been, from clients that are known."""

import json
from collections.abc import Sequence

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Forbidden

from include.errors import StoreUnavailableError
from include.inference.feedback_labels import TrueLabel, read_labels
from include.services.scorer.api.problems import problem
from include.services.scorer.api.request_parser import parse_json, require_json
from include.services.scorer.auth.access import charge
from include.services.scorer.serving.state import Scorer, current_scorer
from include.services.scorer.telemetry.request_middleware import CLIENT

blueprint = Blueprint("feedback", __name__)


@blueprint.post("/feedback")
def feedback() -> ResponseReturnValue:
    """Answer 202 once every label is safe on disk; S3 gets them later."""
    scorer = current_scorer()
    if not scorer.takes_feedback:
        raise Forbidden(
            "Labels are taken from known clients only: the operator sets NIGHTCATCH_API_KEYS_FILE."
        )
    require_json()
    document = parse_json(request.get_data(cache=False))
    truths, faults = read_labels(
        document, scorer.limits.records, scorer.catalogue.pipelines(), scorer.now()
    )
    if faults:
        return problem(422, "the feedback breaks rules of the API", faults)
    _keep(truths, scorer)
    charge(request.environ, len(truths))
    return jsonify({"accepted": len(truths)}), 202


def _keep(truths: Sequence[TrueLabel], scorer: Scorer) -> None:
    """Return when the labels are on disk.

    Raises
    ------
    StoreUnavailableError
        If the disk does not take them.
    """
    assert scorer.outbox is not None, "the route asked"
    now = scorer.now().isoformat(timespec="milliseconds")
    lines: dict[str, list[str]] = {}
    for truth in truths:
        source = scorer.kept_of(truth.source)
        line = {"id": truth.id, "label": truth.label, "source": source, "time": now}
        if truth.comment:
            line["comment"] = scorer.kept_of(truth.comment)
        lines.setdefault(truth.pipeline, []).append(
            json.dumps({**line, "client": request.environ[CLIENT]})
        )
    try:
        for pipeline, said in lines.items():
            dropped = scorer.outbox.add("feedback", pipeline, now[:10], said)
            if dropped:  # older traffic, to make room
                scorer.metrics.count_traffic("dropped", dropped)
    except OSError as err:
        raise StoreUnavailableError(f"the feedback cannot be kept: {err.strerror}") from err
    for truth in truths:
        scorer.metrics.count_feedback(truth.pipeline, truth.label)
