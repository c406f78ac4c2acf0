"""The analyst's page: paste something at `/`, read its verdict, pass its link on (`/r/<token>`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Forbidden

from include.contract.schema import InputField
from include.contract.verdicts import DecidedBy
from include.errors import NightCatchError
from include.inference.explain.field_labels import FieldLabels, labels_of
from include.inference.model import OnnxModel
from include.inference.record_schema import Fault
from include.registry.follow import ProductionModel
from include.services.scorer.api.problems import problem, status_of
from include.services.scorer.api.request_parser import PredictRequest, require_plain
from include.services.scorer.api.scoring import predict, serialise
from include.services.scorer.desk.links import KEPT_DAYS
from include.services.scorer.desk.pasted import Pasted, read_mail, read_pasted
from include.services.scorer.desk.result import Result
from include.services.scorer.serving.state import current_scorer
from include.services.scorer.tables.csv_header import read_table
from include.services.scorer.tables.csv_responses import TableResponse
from include.services.scorer.tables.scored_rows import RefusedRows, describe_in_table
from include.services.scorer.tables.table_request import (
    accepted_type,
    respond_to_table,
    uploaded_file,
)
from include.urls.finding import is_mail

blueprint = Blueprint("desk", __name__)
_HTML = "text/html"
_HEAD_BYTES = 16_384
_OWN_SITES = ("same-origin", "none")
# Nobody can register these names: the two that deceive lead nowhere.
EXAMPLES = (
    ("A brand's own log-in page", "https://www.paypal.com/signin"),
    ("A look-alike", "https://paypa1.example/signin?country=US"),
    (
        "Defanged, in a Safe Link",
        "hxxps://eur01[.]safelinks[.]protection[.]outlook[.]com/"
        "?url=https%3A%2F%2Fpaypal.com.verify-account.example%2Flogin&data=05",
    ),
)


@dataclass(frozen=True)
class _Entry:
    """A version in production, and the labels of its inputs."""

    in_production: ProductionModel[OnnxModel]
    inputs: list[tuple[InputField, FieldLabels]]
    has_report: bool

    @property
    def is_text(self) -> bool:
        return self.in_production.model.schema.is_text


@dataclass(frozen=True)
class _Refusal:
    """Why there is no result."""

    detail: str
    faults: list[dict[str, Any]]


@blueprint.get("/")
def index() -> str:
    """Show the box, and which models are in production."""
    return _page()


@blueprint.post("/")
def check() -> ResponseReturnValue:
    """Show the result of what a form of the page sent; as CSV or JSON where these are accepted."""
    _refuse_other_sites()
    require_plain()
    media_type = accepted_type(for_people=True)
    limits = current_scorer().limits
    request.max_form_memory_size = limits.json_bytes
    is_file = request.mimetype == "multipart/form-data"
    request.max_content_length = limits.upload_bytes if is_file else limits.json_bytes
    try:
        return _check_file(media_type) if is_file else _check_form(media_type)
    except NightCatchError as err:
        status = status_of(err)
        if status is None:
            raise
        # The module of errors imports nothing, and so cannot name the type.
        faults = cast(Sequence[Fault], getattr(err, "faults", ()))
        described = [describe_in_table(fault) for fault in faults]
        return _refuse(status, str(err), described, media_type)


@blueprint.get("/r/<token>")
def result(token: str) -> ResponseReturnValue:
    """Show a result again, as it was; as JSON where that is accepted."""
    scorer, media_type = current_scorer(), accepted_type(for_people=True)
    found = scorer.links.read(token, scorer.now().timestamp()) if scorer.links else None
    if found is None:
        detail = f"This link leads to no result: it is incomplete, or older than {KEPT_DAYS} days."
        return _refuse(404, detail, [], media_type)
    if media_type != _HTML:
        return Response(serialise(found.response), content_type="application/json")
    version = found.response["model"]["version"]
    current = [each.pointer.version for each in scorer.catalogue.in_production()]
    text = found.response.get("url", "")
    return _page(result=found, token=token, text=text, is_older=version not in current)


@blueprint.after_request
def keep_no_copy(response: Response) -> Response:
    """Leave no copy of what was pasted in a cache, and no result in a search engine."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _page(**shown: Any) -> str:
    """Return the page; `result`, `table` or `error` is what a request led to."""
    scorer = current_scorer()
    catalogue = scorer.catalogue
    return render_template(
        "index.html",
        entries=[_describe(entry) for entry in catalogue.in_production()],
        waiting=catalogue.waiting(),
        needs_key=scorer.access.keys is not None,
        takes_feedback=scorer.takes_feedback,
        examples=EXAMPLES,
        **shown,
    )


def _refuse(
    status: int, detail: str, faults: list[dict[str, Any]], media_type: str
) -> ResponseReturnValue:
    """Say why there is no result."""
    if media_type != _HTML:
        return problem(status, detail, faults)
    return _page(error=_Refusal(detail, faults)), status


def _describe(in_production: ProductionModel[OnnxModel]) -> _Entry:
    pointer, manifest = in_production.pointer, in_production.manifest
    inputs = [(field, labels_of(field)) for field in manifest.inputs]
    report = current_scorer().report_of(pointer.pipeline, manifest.version)
    return _Entry(in_production, inputs, report is not None)


def _refuse_other_sites() -> None:
    """Return unless a page of another site sent the form by the browser of its reader.

    Raises
    ------
    Forbidden
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if origin in current_scorer().access.cors_origins:
        return
    if site is not None:  # browsers send it over HTTPS, and to this machine
        is_own = site in _OWN_SITES
    else:
        is_own = origin is None or urlsplit(origin).netloc == request.host
    if not is_own:
        raise Forbidden("This form is sent by the page itself only; programs use /predict.")


def _check_file(media_type: str) -> ResponseReturnValue:
    file = uploaded_file()
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    if not is_mail(head):
        return _show_table(file, request.form.get("pipeline"), media_type)
    return _show_pasted(read_mail(file.read(current_scorer().limits.json_bytes)), media_type)


def _check_form(media_type: str) -> ResponseReturnValue:
    scorer = current_scorer()
    if "text" not in request.form:
        return _show_item(_record_of_form(), media_type)
    text = request.form["text"]
    return _show_pasted(read_pasted(text, scorer.limits, _is_header), media_type, text=text)


def _show_pasted(pasted: Pasted, media_type: str, **shown: Any) -> ResponseReturnValue:
    shown["source"] = pasted.source
    if pasted.request is not None:
        return _show_item(pasted.request, media_type, **shown)
    file, refused = BytesIO(pasted.table.encode(errors="replace")), RefusedRows(pasted.lines_above)
    return _show_table(file, pasted.pipeline, media_type, refused, **shown)


def _record_of_form() -> PredictRequest:
    fields = request.form.to_dict()
    pipeline = fields.pop("pipeline", None)
    record = {name: _number(cell.strip()) for name, cell in fields.items()}
    return PredictRequest("record", [record], pipeline)


def _number(cell: str) -> float | str | None:
    for read in (int, float):
        try:
            return read(cell) if cell else None
        except ValueError:
            continue
    return cell


def _is_header(cells: Sequence[str]) -> bool:
    entries = current_scorer().catalogue.in_production()
    return any(entry.model.schema.columns_of(cells).positions for entry in entries)


def _show_item(sent: PredictRequest, media_type: str, **shown: Any) -> ResponseReturnValue:
    scorer = current_scorer()
    in_production = scorer.catalogue.select(sent)
    response = predict(scorer, sent, explained=True)
    if media_type != _HTML:
        return Response(serialise(response), content_type="application/json")
    pipeline, manifest = in_production.pointer.pipeline, in_production.manifest
    entry = None
    if response["decided_by"] in (DecidedBy.ALLOW_LIST, DecidedBy.BLOCK_LIST):
        entry = scorer.list_entry(pipeline, response["scored_url"])
    found = Result(response, manifest.thresholds, manifest.budgets.block, entry)
    token = scorer.links.token_of(found) if scorer.links else ""
    return _page(result=found, token=token, **shown)


def _show_table(
    file: BinaryIO,
    pipeline: str | None,
    media_type: str,
    refused: RefusedRows | None = None,
    **shown: Any,
) -> ResponseReturnValue:
    refused = refused or RefusedRows()
    response = respond_to_table(read_table(file), pipeline, media_type, refused)
    if isinstance(response, TableResponse):
        return _page(table=response, **shown)
    return response
