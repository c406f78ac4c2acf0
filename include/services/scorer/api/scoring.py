"""Score the items of a request: predictions, ids, traffic log and counters, without HTTP."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from include.inference.explain.rows import check_explainable, explain_rows
from include.inference.prediction_ids import new_id
from include.inference.record_schema import describe_reading
from include.inference.traffic_record import TrafficRecord
from include.inference.verdict import describe_model, verdict
from include.services.scorer.api.request_parser import PredictRequest
from include.services.scorer.serving.state import Scorer

# Made once: `json.dumps` looks at its arguments each time.
_to_json = json.JSONEncoder().encode


def predict(scorer: Scorer, request: PredictRequest, *, explained: bool) -> dict[str, Any]:
    """Return the response to records or URLs; it is logged and counted.

    Parameters
    ----------
    scorer : Scorer
    request : PredictRequest
    explained : bool
        Whether each prediction comes with what moved it.

    Raises
    ------
    RequestRejectedError
        If an item breaks a rule of the model, or there are too many to explain.
    ModelOutputError
        If the model gives no probability for an item.
    PipelineUnknownError
        If no pipeline reads such items.
    ModelUnavailableError
        If the one that reads them has no version in production yet.
    """
    in_production = scorer.catalogue.select(request)
    pointer, manifest, model = in_production.pointer, in_production.manifest, in_production.model
    records = request.records(model.schema.names[0])
    matrix = model.schema.encode(records)
    if explained:
        check_explainable(matrix, in_production)
    probabilities = model.score(matrix).tolist()
    explanations = explain_rows(matrix, in_production) if explained else []

    response_id = new_id(pointer.pipeline)
    numbers = None if request.is_single else range(len(records))
    decided = scorer.decisions(in_production, matrix, probabilities)
    scorer.note(
        TrafficRecord(
            response_id, pointer, manifest, records, probabilities, numbers, decisions=decided
        )
    )
    predictions = [
        {**verdict(probability, manifest, decided_by), "id": each}
        for probability, decided_by, each in zip(
            probabilities, decided, _ids(response_id, request), strict=True
        )
    ]
    labels = [entry["prediction"] for entry in predictions]
    by_verdict = {labels[0]: 1} if request.is_single else Counter(labels)
    scorer.metrics.count_predictions(pointer.pipeline, by_verdict)
    if request.is_text:
        predictions = [
            {"url": url, **describe_reading(str(url), scored), **entry}
            for url, scored, entry in zip(request.items, matrix[:, 0], predictions, strict=True)
        ]
    for entry, explanation in zip(predictions, explanations, strict=False):
        entry["explanation"] = explanation
    described = describe_model(in_production)
    if request.is_single:
        return {**predictions[0], "model": described}
    document: dict[str, Any] = {"predictions": predictions, "model": described}
    if explained and len(explanations) < len(predictions):
        document["not_explained"] = len(predictions) - len(explanations)
    return document


def serialise(response: dict[str, Any]) -> bytes:
    """Return a response as JSON."""
    return _to_json(response).encode()


def _ids(response_id: str, request: PredictRequest) -> Sequence[str]:
    if request.is_single:
        return [response_id]
    return [f"{response_id}-{number}" for number in range(len(request.items))]
