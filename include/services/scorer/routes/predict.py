"""`POST /predict` and `/explain`: records, URLs or a CSV file in, predictions out."""

from collections.abc import Sequence
from typing import cast

from flask import Blueprint, Request, Response, render_template, request
from flask.globals import request_ctx
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import UnsupportedMediaType

from include.errors import RequestRejectedError
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
from include.services.scorer.tables.scored_rows import describe_in_table
from include.services.scorer.tables.table_request import (
    accepted_type,
    respond_to_table,
    uploaded_file,
)

blueprint = Blueprint("predict", __name__)
_EXPLAINED = 100  # how many items one with reasons counts for: a URL is scored 128 times
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
    media_type = accepted_type()
    request.max_content_length = current_scorer().limits.upload_bytes
    table = read_table(uploaded_file())
    try:
        response = respond_to_table(table, request.form.get("pipeline"), media_type)
    except RequestRejectedError as err:
        return problem(422, str(err), [describe_in_table(fault) for fault in _faults(err)])
    if isinstance(response, Response):
        return response
    return render_template("table.html", table=response)


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


def _faults(err: RequestRejectedError) -> Sequence[Fault]:
    # The module of errors imports nothing, and so cannot name the type.
    return cast(Sequence[Fault], err.faults)
