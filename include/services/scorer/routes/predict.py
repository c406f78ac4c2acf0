"""`POST /predict` and `/explain`: records, URLs or a CSV file in, predictions out."""

from collections.abc import Sequence
from functools import partial
from io import BytesIO
from typing import Any, BinaryIO, cast

from flask import Blueprint, Request, Response, render_template, request
from flask.globals import request_ctx
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import NotAcceptable, UnsupportedMediaType

from include.errors import RequestRejectedError
from include.inference.prediction_ids import new_id
from include.inference.record_schema import Fault
from include.services.scorer.api.problems import problem
from include.services.scorer.api.request_parser import (
    parse_predict_request,
    require_json,
    require_plain,
)
from include.services.scorer.api.scoring import predict as score_items
from include.services.scorer.api.scoring import serialise
from include.services.scorer.auth.access import charge
from include.services.scorer.serving.state import current_scorer
from include.services.scorer.tables.csv_header import read_table
from include.services.scorer.tables.csv_responses import TableResponse, send
from include.services.scorer.tables.csv_rows import score_table
from include.services.scorer.tables.response_file import ResponseFile
from include.services.scorer.tables.traffic_sample import noted
from include.services.scorer.telemetry.request_middleware import CLIENT

blueprint = Blueprint("predict", __name__)
_EXPLAINED = 100  # how many items one with reasons counts for: a URL is scored 128 times
_TABLE_TYPES = ("application/json", "text/csv", "text/html")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False, "": True}


@blueprint.post("/predict")
def predict() -> ResponseReturnValue:
    """Score a JSON body or an uploaded file."""
    require_plain()
    sent = request_ctx.request  # `request` would look for it again at every use
    if sent.mimetype == "multipart/form-data":
        return _predict_table()
    if not sent.is_json:
        raise UnsupportedMediaType("Send application/json, or a CSV file as multipart/form-data.")
    return _predict_items(sent, explained=_wants_reasons(sent))


@blueprint.post("/explain")
def explain() -> ResponseReturnValue:
    """Score a JSON body, with what each input contributes to each score."""
    require_json()
    return _predict_items(request_ctx.request, explained=True)


def _predict_items(sent: Request, *, explained: bool) -> ResponseReturnValue:
    scorer = current_scorer()
    parsed = parse_predict_request(sent.get_data(cache=False), scorer.limits)
    try:
        response = score_items(scorer, parsed, explained=explained)
    except RequestRejectedError as err:
        return problem(422, str(err), [parsed.describe(fault) for fault in _faults(err)])
    n_items = len(parsed.items)
    charge(request.environ, (n_items - 1) * _EXPLAINED + 1 if explained else n_items)
    return Response(serialise(response), content_type="application/json")


def _predict_table() -> ResponseReturnValue:
    scorer = current_scorer()
    media_type = _accepted_type()
    request.max_content_length = scorer.limits.upload_bytes
    table = read_table(_uploaded())
    in_production = scorer.catalogue.select_for_table(table.header, request.form.get("pipeline"))
    try:
        decide = partial(scorer.decisions, in_production)
        chunks = score_table(table, in_production.model, scorer.limits.csv_rows, decide)
        response_id = new_id(in_production.pointer.pipeline)
        chunks = noted(chunks, table.header, in_production, response_id, scorer)
        scored = TableResponse(table.header, chunks, in_production, response_id, _open_file)
        response = _render(scored, media_type)
    except RequestRejectedError as err:
        return problem(422, str(err), [_describe_in_table(fault) for fault in _faults(err)])
    scorer.metrics.count_predictions(in_production.pointer.pipeline, scored.totals.by_label)
    charge(request.environ, scored.totals.rows)
    return response


def _open_file() -> ResponseFile:
    scorer, client = current_scorer(), request.environ.get(CLIENT)
    return ResponseFile(scorer.files, client or "", scorer.limits.upload_bytes)


def _uploaded() -> BinaryIO:
    """Return the one file of the form; a part without a file name is text and a file all the same.

    Raises
    ------
    RequestRejectedError
        If the form has no file, or several: none is left out silently.
    """
    files, texts = request.files.getlist("file"), request.form.getlist("file")
    if len(files) + len(texts) > 1:
        raise RequestRejectedError("the form has several files named 'file': send one a request")
    if texts:
        return BytesIO(texts[0].encode())
    if not files:
        raise RequestRejectedError("the form has no file named 'file'")
    return cast(BinaryIO, files[0].stream)


def _wants_reasons(sent: Request) -> bool:
    """Return whether `?explain` asks for reasons.

    Raises
    ------
    RequestRejectedError
        If it has another value than a boolean.
    """
    value = sent.args.get("explain", "false").lower()
    if value not in _BOOLEANS:
        raise RequestRejectedError("the parameter 'explain' must be true or false")
    return _BOOLEANS[value]


def _accepted_type() -> str:
    if not request.accept_mimetypes:
        return _TABLE_TYPES[0]
    # Werkzeug would compare parameters too, as in `application/json; charset=utf-8`.
    plain = [(each.partition(";")[0].strip(), q) for each, q in request.accept_mimetypes]
    accepted = MIMEAccept(plain).best_match(_TABLE_TYPES)
    if accepted is None:
        raise NotAcceptable(f"A table is returned as one of: {', '.join(_TABLE_TYPES)}.")
    return accepted


def _render(scored: TableResponse, media_type: str) -> Response:
    if media_type == "text/html":
        scored.count()
        return Response(
            render_template("table.html", answer=scored, shown_rows=len(scored.totals.shown)),
            content_type="text/html; charset=utf-8",
        )
    file = scored.to_csv() if media_type == "text/csv" else scored.to_json()
    content = send(file, request.environ)
    response = Response(content, mimetype=media_type, direct_passthrough=True)
    response.content_length = file.size_bytes
    if media_type == "text/csv":
        response.headers["Content-Disposition"] = "attachment; filename=predictions.csv"
    return response


def _faults(err: RequestRejectedError) -> Sequence[Fault]:
    # The module of errors imports nothing, and so cannot name the type.
    return cast(Sequence[Fault], err.faults)


def _describe_in_table(fault: Fault) -> dict[str, Any]:
    where = {"line": fault.row, "column": fault.field} if fault.field else {"line": fault.row}
    return {**where, "rule": fault.rule, "detail": fault.detail}
