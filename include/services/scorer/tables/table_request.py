"""Score the table of a request: what `/predict` and the page do with a file."""

from functools import partial
from io import BytesIO
from typing import BinaryIO, cast

from flask import Response, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import NotAcceptable

from include.errors import RequestRejectedError
from include.inference.prediction_ids import new_id
from include.services.scorer.auth.access import charge
from include.services.scorer.serving.state import current_scorer
from include.services.scorer.tables.csv_header import Table
from include.services.scorer.tables.csv_responses import TableResponse, send
from include.services.scorer.tables.csv_rows import score_table
from include.services.scorer.tables.response_file import ResponseFile
from include.services.scorer.tables.scored_rows import RefusedRows
from include.services.scorer.tables.traffic_sample import noted
from include.services.scorer.telemetry.request_middleware import CLIENT

_TABLE_TYPES = ("application/json", "text/csv", "text/html")


def accepted_type(*, for_people: bool = False) -> str:
    """Return the media type that the client wants its table in.

    Parameters
    ----------
    for_people : bool
        Whether it is HTML, and not JSON, where the client takes either.

    Raises
    ------
    NotAcceptable
        If it wants another one.
    """
    types = _TABLE_TYPES[::-1] if for_people else _TABLE_TYPES
    if not request.accept_mimetypes:
        return types[0]
    # Werkzeug would compare parameters too, as in `application/json; charset=utf-8`.
    plain = [(each.partition(";")[0].strip(), q) for each, q in request.accept_mimetypes]
    accepted = MIMEAccept(plain).best_match(types)
    if accepted is None:
        raise NotAcceptable(f"A table is returned as one of: {', '.join(_TABLE_TYPES)}.")
    return accepted


def uploaded_file() -> BinaryIO:
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
        return cast(BinaryIO, BytesIO(texts[0].encode()))
    if not files:
        raise RequestRejectedError("the form has no file named 'file'")
    return cast(BinaryIO, files[0].stream)


def respond_to_table(
    table: Table, pipeline: str | None, media_type: str, refused: RefusedRows | None = None
) -> TableResponse | Response:
    """Return the finished response as CSV or JSON; for HTML, what a page is made of.

    Parameters
    ----------
    table : Table
    pipeline : str or None
        The one that the client names.
    media_type : str
    refused : RefusedRows, optional
        Takes the rows that break a rule; None refuses the table for one of them.

    Raises
    ------
    RequestRejectedError
        With the faults of the table.
    """
    scorer = current_scorer()
    in_production = scorer.catalogue.select_for_table(table.header, pipeline)
    decide = partial(scorer.decisions, in_production)
    model, max_rows = in_production.model, scorer.limits.csv_rows
    chunks = score_table(table, model, max_rows, decide, refused)
    response_id = new_id(in_production.pointer.pipeline)
    chunks = noted(chunks, table.header, in_production, response_id, scorer)
    scored = TableResponse(table.header, chunks, in_production, response_id, _open_file, refused)
    if media_type == "text/html":
        scored.count()
        response = None
    else:
        response = _as_file(scored, media_type)
    scorer.metrics.count_predictions(in_production.pointer.pipeline, scored.totals.by_label)
    charge(request.environ, scored.totals.rows)
    return response or scored


def _open_file() -> ResponseFile:
    scorer, client = current_scorer(), request.environ.get(CLIENT)
    return ResponseFile(scorer.files, client or "", scorer.limits.upload_bytes)


def _as_file(scored: TableResponse, media_type: str) -> Response:
    file = scored.to_csv() if media_type == "text/csv" else scored.to_json()
    content = send(file, request.environ)
    response = Response(content, mimetype=media_type, direct_passthrough=True)
    response.content_length = file.size_bytes
    if media_type == "text/csv":
        response.headers["Content-Disposition"] = "attachment; filename=predictions.csv"
    return response
