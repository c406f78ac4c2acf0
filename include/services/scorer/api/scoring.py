"""A question becomes an answer: scored, named, noted and counted; no HTTP here."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from include.inference.explain.rows import check_explainable, explain_rows
from include.inference.model import OnnxModel
from include.inference.prediction_ids import new_id
from include.inference.traffic_record import Scored
from include.inference.verdict import describe_model, verdict
from include.registry.follow import ProductionModel
from include.services.scorer.api.request_parser import Question
from include.services.scorer.serving.state import Scorer


def answer_question(scorer: Scorer, question: Question, *, explained: bool) -> dict[str, Any]:
    """Return the document that answers records or URLs, once the answer is noted and counted.

    Parameters
    ----------
    scorer : Scorer
    question : Question
    explained : bool
        Whether each answer says what moved it.

    Raises
    ------
    RequestRejectedError
        If an item breaks a rule of the model, or cannot be explained.
    ModelOutputError
        If the model has no answer for an item.
    PipelineUnknownError
        If no pipeline reads such items.
    ModelUnavailableError
        If the one that reads them has no version in production yet.
    """
    in_production = scorer.catalogue.answering(question)
    schema = in_production.model.schema
    matrix = schema.encode(question.records(schema.names[0]))
    if explained:
        check_explainable(matrix, in_production)
    probabilities = in_production.model.score(matrix).tolist()
    reasons = explain_rows(matrix, in_production) if explained else []
    return answer_scored(scorer, question, in_production, probabilities, reasons)


def answer_scored(
    scorer: Scorer,
    question: Question,
    in_production: ProductionModel[OnnxModel],
    probabilities: Sequence[float],
    reasons: Sequence[Any] = (),
) -> dict[str, Any]:
    """Return the document that answers what `in_production` has scored; note and count the answer.

    Parameters
    ----------
    scorer : Scorer
    question : Question
    in_production : ProductionModel
    probabilities : sequence of float
        One per item.
    reasons : sequence
        What moved each item's score; empty if nobody asked.
    """
    pointer, manifest = in_production.pointer, in_production.manifest
    answer_id = new_id(pointer.pipeline)
    ids = _ids(answer_id, question)
    records = question.records(manifest.inputs[0].name)
    numbers = None if question.is_single else range(len(records))
    scorer.note(Scored(answer_id, pointer, manifest, records, probabilities, numbers))
    predictions = [
        {**verdict(probability, manifest), "id": each}
        for probability, each in zip(probabilities, ids, strict=True)
    ]
    labels = [entry["prediction"] for entry in predictions]
    by_label = {labels[0]: 1} if question.is_single else Counter(labels)
    scorer.metrics.count_predictions(pointer.pipeline, by_label)
    if question.is_text:
        predictions = [
            {"url": url, **entry} for url, entry in zip(question.items, predictions, strict=True)
        ]
    for entry, reason in zip(predictions, reasons, strict=False):
        entry["explanation"] = reason
    if question.is_single:
        return {**predictions[0], "model": describe_model(in_production)}
    return {"predictions": predictions, "model": describe_model(in_production)}


def _ids(answer_id: str, question: Question) -> list[str]:
    if question.is_single:
        return [answer_id]
    return [f"{answer_id}-{number}" for number in range(len(question.items))]
