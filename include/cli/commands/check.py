"""Score URLs without a server: with the version in production, or the last one verified here."""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from include.cli.followed import list_in_effect, production_model
from include.cli.installation import Installation
from include.cli.screen import Screen, complain
from include.errors import UrlRefusedError
from include.inference.record_schema import Fault
from include.inference.row_scoring import score_rows
from include.inference.verdict import describe_model
from include.ingest.files.lists import entries
from include.ingest.files.text_lines import BadLine, open_lines
from include.urls.finding import find_urls, find_urls_in_html, find_urls_in_mail, is_mail
from include.urls.reading import read_url

PIPELINE = "urls"
SUSPICIOUS_FOUND = 4
PHISHING_FOUND = 5
_EXIT_CODES = {"Phishing": PHISHING_FOUND, "Suspicious": SUSPICIOUS_FOUND}
_UNREADABLE = 1
_BATCH = 1000
_MAX_MAIL_BYTES = 64 * 1024 * 1024
_STDIN = "-"
_TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_PAGES = (".html", ".htm")
_MAILS = (".eml",)


class _Found(NamedTuple):
    """A text that should be a URL, and where it stands, for messages."""

    text: str
    place: str


def check(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Print a verdict for each URL; the exit code is that of the worst one.

    Returns
    -------
    int
        0 if all are legitimate, 1 if a text is no URL, 4 if one is suspicious, 5 if one is
        phishing; the largest that holds.
    """
    store = installation.open_store()
    in_production = production_model(installation, store, PIPELINE)
    lookup = list_in_effect(installation, store, PIPELINE)
    described = describe_model(in_production)
    found = (each for given in args.texts for each in _read(given))
    worst = 0
    while batch := list(islice(found, _BATCH)):
        scored = score_rows([[each.text] for each in batch], in_production, lookup, time.time())
        for (text, place), said in zip(batch, scored, strict=True):
            if isinstance(said, Fault):
                complain(f"{place}: {said.detail}")
                worst = max(worst, _UNREADABLE)
                continue
            worst = max(worst, _EXIT_CODES.get(said["prediction"], 0))
            line = {"url": text, **said, "model": described}
            screen.show(json.dumps(line) if args.json else _as_text(line))
    return worst


def _as_text(line: Mapping[str, Any]) -> str:
    read_as = f"  (read as {line['scored_url']})" if line["scored_url"] != line["url"] else ""
    return f"{line['prediction']:<11}{line['probability']:.4f}  {line['url']}{read_as}"


def _read(given: str) -> Iterable[_Found]:
    """Yield what should be URLs of an argument: a text, a file, or standard input."""
    if given == _STDIN:
        return _of_bytes(sys.stdin.buffer.read(), "standard input")
    path = Path(given)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # too long for a name, or with a NUL
        is_file = False
    if not is_file:
        return [_Found(given, ascii(given[:80]))]
    name = given.lower()
    if name.endswith(_TABLES):
        return _of_table(path)
    with path.open("rb") as file:
        head = file.read(16_384)
    if name.endswith((*_MAILS, *_PAGES)) or is_mail(head):
        with path.open("rb") as file:
            return _of_bytes(file.read(_MAX_MAIL_BYTES), given, is_page=name.endswith(_PAGES))
    return _of_lines(path)


def _of_bytes(body: bytes, place: str, *, is_page: bool = False) -> Iterable[_Found]:
    if is_page:
        return _named(find_urls_in_html(body.decode(errors="replace")), place)
    if is_mail(body):
        return _named(find_urls_in_mail(body), place)
    lines = enumerate(body.decode("utf-8-sig", errors="replace").splitlines(), start=1)
    return _of_numbered(lines, place)


def _of_lines(path: Path) -> Iterator[_Found]:
    with open_lines(path) as lines:
        yield from _of_numbered(lines, str(path))


def _of_numbered(lines: Iterable[tuple[int, str | BadLine]], place: str) -> Iterator[_Found]:
    for number, line in lines:
        if isinstance(line, BadLine):
            complain(f"{place}, line {number}: {line.reason}")
        else:
            yield from _named(_of_line(line), f"{place}, line {number}")


def _of_line(line: str) -> list[str]:
    """Return the URLs in prose, or the entries of a line of a list."""
    is_prose = len(line.split()) > 1
    if is_prose and (found := find_urls(line)):
        return found
    try:
        return entries(line, _unchanged)
    except (ValueError, UrlRefusedError):
        # A word by itself should have been a URL and is refused by name; prose may hold none.
        return [] if is_prose else [line.strip()]


def _of_table(path: Path) -> Iterator[_Found]:
    from include.ingest.files.rows import read_rows
    from include.pipelines.urls.records import LAYOUT, URL

    for number, (table, cells) in enumerate(read_rows(path, LAYOUT.unlabelled()), start=1):
        place = f"{path}, row {number}"
        if isinstance(cells, BadLine):
            complain(f"{path}, line {cells.line}: {cells.reason}")
        else:
            yield _Found(cells[table.columns.index(URL)], place)


def _named(texts: Iterable[str], place: str) -> Iterator[_Found]:
    return (_Found(text, place) for text in texts)


def _unchanged(text: str) -> str:
    read_url(text)
    return text
