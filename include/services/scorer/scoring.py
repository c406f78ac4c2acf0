"""A question becomes an answer: scored, named, noted and counted; no HTTP here."""

from collections import Counter
from typing import Any

from include.registry.follow import InForce
from include.services.scorer.answers import describe_model, verdict
from include.services.scorer.explanations import check_explainable, explain_rows
from include.services.scorer.ids import new_id
from include.services.scorer.model import OnnxModel
from include.services.scorer.questions import Question
from include.services.scorer.scored import Scored
from include.services.scorer.scorer import Scorer


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
        If the one that reads them has no version in force yet.
    """
    in_force = scorer.catalogue.answering(
        text=question.is_text, pipeline=question.pipeline, items=question.items
    )
    predictions = _score(scorer, question, in_force, explained=explained)
    model = describe_model(in_force)
    labels = [entry["prediction"] for entry in predictions]
    by_label = {labels[0]: 1} if question.is_single else Counter(labels)
    scorer.metrics.count_predictions(in_force.pointer.pipeline, by_label)
    if question.is_single:
        return {**predictions[0], "model": model}
    return {"predictions": predictions, "model": model}


def _score(
    scorer: Scorer, question: Question, in_force: InForce[OnnxModel], *, explained: bool
) -> list[dict[str, Any]]:
    schema = in_force.model.schema
    items = question.items
    records = [{schema.names[0]: item} for item in items] if question.is_text else items
    matrix = schema.encode(records)
    if explained:
        check_explainable(matrix, in_force)
    probabilities = in_force.model.score(matrix).tolist()
    request_id = new_id(in_force.pointer.pipeline)
    numbers = None if question.is_single else range(len(records))
    scorer.note(
        Scored(request_id, in_force.pointer, in_force.manifest, records, probabilities, numbers)
    )
    predictions = []
    for number, (item, probability) in enumerate(zip(items, probabilities, strict=True)):
        echo = {"url": item} if question.is_text else {}
        answer_id = request_id if question.is_single else f"{request_id}-{number}"
        said = verdict(probability, in_force.manifest)
        predictions.append({**echo, **said, "id": answer_id})
    if explained:
        for entry, explanation in zip(predictions, explain_rows(matrix, in_force), strict=True):
            entry["explanation"] = explanation
    return predictions
