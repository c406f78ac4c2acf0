"""`POST /predict` and `/explain`: records, URLs or a CSV file in, verdicts and reasons out."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from flask import Blueprint, Request, Response, render_template, request
from flask.globals import request_ctx
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotAcceptable, UnsupportedMediaType

from include.errors import RequestRejectedError
from include.registry.follow import InForce
from include.services.scorer.answers import describe_model, verdict
from include.services.scorer.csv_answers import SHOWN_ROWS, TableAnswer, send
from include.services.scorer.csv_rows import read_table, score_table
from include.services.scorer.explanations import check_explainable, explain_rows
from include.services.scorer.ids import new_id
from include.services.scorer.model import OnnxModel
from include.services.scorer.problems import problem
from include.services.scorer.questions import Question, parse_question, require_json, require_plain
from include.services.scorer.records import Fault
from include.services.scorer.scored import Scored
from include.services.scorer.scorer import Scorer, current_scorer
from include.services.scorer.table_traffic import noted

blueprint = Blueprint("predict", __name__)
_TABLE_TYPES = ("application/json", "text/csv", "text/html")


@blueprint.post("/predict")
def predict() -> ResponseReturnValue:
    """Answer a JSON body or an uploaded file."""
    require_plain()
    asked = request_ctx.request  # `request` would look for it again at every use
    if asked.mimetype == "multipart/form-data":
        return _predict_table()
    if not asked.is_json:
        raise UnsupportedMediaType("Send application/json, or a CSV file as multipart/form-data.")
    return _predict_items(asked, explained=asked.args.get("explain") == "true")


@blueprint.post("/explain")
def explain() -> ResponseReturnValue:
    """Answer a JSON body, with what each input contributes to each score."""
    require_json()
    return _predict_items(request_ctx.request, explained=True)


def _predict_items(asked: Request, *, explained: bool) -> ResponseReturnValue:
    scorer = current_scorer()
    question = parse_question(asked.get_data(cache=False), scorer.limits)
    in_force = scorer.catalogue.answering(
        text=question.is_text, pipeline=question.pipeline, items=question.items
    )
    try:
        predictions = _score(scorer, question, in_force, explained=explained)
    except RequestRejectedError as err:
        return problem(422, str(err), [question.describe(fault) for fault in _faults(err)])
    model = describe_model(in_force)
    labels = [entry["prediction"] for entry in predictions]
    by_label = {labels[0]: 1} if question.is_single else Counter(labels)
    scorer.metrics.count_predictions(in_force.pointer.pipeline, by_label)
    if question.is_single:
        return _json({**predictions[0], "model": model})
    return _json({"predictions": predictions, "model": model})


def _json(document: dict[str, Any]) -> Response:
    return Response(json.dumps(document), content_type="application/json")


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


def _predict_table() -> ResponseReturnValue:
    scorer = current_scorer()
    answer_type = _accepted_type()
    request.max_content_length = scorer.limits.upload_bytes
    upload = request.files.get("file")
    if upload is None:
        raise RequestRejectedError("the form has no file named 'file'")
    table = read_table(upload.stream)
    in_force = scorer.catalogue.answering_table(table.header, request.form.get("pipeline"))
    try:
        chunks = score_table(table, in_force.model, scorer.limits.csv_rows)
        answer_id = new_id(in_force.pointer.pipeline)
        chunks = noted(chunks, table.header, in_force, answer_id, scorer)
        answer = TableAnswer(table.header, chunks, in_force, answer_id)
        response = _answered(answer, answer_type)
    except RequestRejectedError as err:
        return problem(422, str(err), [_describe_in_table(fault) for fault in _faults(err)])
    scorer.metrics.count_predictions(in_force.pointer.pipeline, answer.totals.by_label)
    return response


def _accepted_type() -> str:
    if not request.accept_mimetypes:
        return _TABLE_TYPES[0]
    accepted = request.accept_mimetypes.best_match(_TABLE_TYPES)
    if accepted is None:
        raise NotAcceptable(f"A table is answered as one of: {', '.join(_TABLE_TYPES)}.")
    return accepted


def _answered(answer: TableAnswer, answer_type: str) -> Response:
    if answer_type == "text/html":
        answer.count()
        return Response(
            render_template("table.html", answer=answer, shown_rows=SHOWN_ROWS),
            content_type="text/html; charset=utf-8",
        )
    length, blocks = send(answer.to_csv() if answer_type == "text/csv" else answer.to_json())
    response = Response(blocks, mimetype=answer_type)
    response.content_length = length
    if answer_type == "text/csv":
        response.headers["Content-Disposition"] = "attachment; filename=predictions.csv"
    return response


def _faults(err: RequestRejectedError) -> Sequence[Fault]:
    # The module of errors imports nothing, and so cannot name the type.
    return cast(Sequence[Fault], err.faults)


def _describe_in_table(fault: Fault) -> dict[str, Any]:
    where = {"line": fault.row, "column": fault.field} if fault.field else {"line": fault.row}
    return {**where, "rule": fault.rule, "detail": fault.detail}
