"""Find out what a pasted text holds: one item, or several, which become a table."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from include.contract.headers import delimiter_of
from include.errors import RequestRejectedError, RequestUnreadableError
from include.services.scorer.api.request_parser import (
    PredictRequest,
    parse_json,
    predict_request_of,
)
from include.services.scorer.limits import Limits
from include.urls.finding import (
    MAX_FOUND,
    find_urls,
    find_urls_in_html,
    find_urls_in_mail,
    is_mail,
)

_KINDS = ("record", "records", "url", "urls")
_HTML = re.compile(r"<(?:a|area|body|form|html|iframe)\b", re.IGNORECASE)


class Pasted(NamedTuple):
    """What a text holds.

    Attributes
    ----------
    request : PredictRequest or None
        One item.
    table : str
        Several items as CSV; empty where there is one.
    lines_above : int
        How many lines the table has above the text's own.
    pipeline : str or None
        The one that the text names.
    source : str
        In what the URLs were found; empty where the text is nothing but URLs.
    """

    request: PredictRequest | None = None
    table: str = ""
    lines_above: int = 0
    pipeline: str | None = None
    source: str = ""


def read_pasted(text: str, limits: Limits, is_header: Callable[[Sequence[str]], bool]) -> Pasted:
    """Return what a text holds: URLs, JSON as `/predict` takes it, CSV, an e-mail, HTML, prose.

    Parameters
    ----------
    text : str
    limits : Limits
    is_header : callable
        Whether the cells of a first line name a column of a model.

    Raises
    ------
    RequestRejectedError
        If it holds nothing to score, or more lines than the limit.
    RequestUnreadableError
        If it begins as JSON does and is none.
    """
    text = text.strip()
    if not text:
        raise RequestRejectedError("nothing was pasted")
    if (found := _of_json(text, limits)) is not None:
        return found
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > limits.records:
        raise RequestRejectedError(
            f"{len(lines):,} lines are more than {limits.records:,}: check them as a file"
        )
    if len(lines) > 1 and is_header(_cells(lines[0])):
        return Pasted(table=text)
    if all(len(line.split()) == 1 for line in lines):
        return _of_urls(lines)
    return _of_found(*_found_in(text))


def read_mail(body: bytes) -> Pasted:
    """Return the URLs of an e-mail's source.

    Raises
    ------
    RequestRejectedError
        If it has none.
    """
    return _of_found(find_urls_in_mail(body), "e-mail")


def _of_found(urls: Sequence[str], source: str) -> Pasted:
    if not urls:
        raise RequestRejectedError(
            f"there is no URL in this {source}: write http:// before it, or put each on a line of"
            " its own"
        )
    if len(urls) == MAX_FOUND:
        source = f"{source}, whose first {MAX_FOUND:,} URLs are read"
    return _of_urls(urls, source)


def _found_in(text: str) -> tuple[list[str], str]:
    if is_mail(body := text.encode(errors="replace")):
        return find_urls_in_mail(body), "e-mail"
    if _HTML.search(text):
        return find_urls_in_html(text), "HTML"
    return find_urls(text), "text"


def _of_urls(urls: Sequence[str], source: str = "") -> Pasted:
    if len(urls) == 1:
        return Pasted(PredictRequest("url", urls, None), source=source)
    return Pasted(table=_as_csv(["url"], ([url] for url in urls)), lines_above=1, source=source)


def _of_json(text: str, limits: Limits) -> Pasted | None:
    """Return what a JSON text holds; None for any other text."""
    if text[0] not in "{[":
        return None
    try:
        value = parse_json(text.encode(errors="replace"))
    except RequestUnreadableError:
        if text[0] == "[":  # of a link in Markdown, or of a defanged host
            return None
        raise
    if isinstance(value, list):
        value = {"urls" if all(isinstance(each, str) for each in value) else "records": value}
    elif isinstance(value, dict) and not any(kind in value for kind in _KINDS):
        value = {"record": value}
    request = predict_request_of(value, limits)
    if len(request.items) == 1:
        kind = "url" if request.is_text else "record"
        return Pasted(PredictRequest(kind, request.items, request.pipeline))
    if request.is_text:
        return Pasted(table=_as_csv(["url"], ([each] for each in request.items)), lines_above=1)
    return Pasted(table=_of_records(request.items), lines_above=1, pipeline=request.pipeline)


def _of_records(records: Sequence[object]) -> str:
    if not all(isinstance(each, dict) for each in records):
        raise RequestRejectedError("a record is an object of column: value")
    named: list[dict[str, Any]] = [each for each in records if isinstance(each, dict)]
    header = list(dict.fromkeys(name for each in named for name in each))
    return _as_csv(header, ([each.get(name) for name in header] for each in named))


def _as_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _cells(line: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.split(delimiter_of(line))]
