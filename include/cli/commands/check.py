"""Score URLs without a server: with the version in production, or the last one verified here."""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from include.cli.installation import Installation
from include.cli.screen import Screen, complain
from include.errors import ModelUnavailableError, UrlRefusedError
from include.inference.decisions import decisions
from include.inference.listed import ListLookup
from include.inference.model import OnnxModel, load_model
from include.inference.record_schema import describe_reading
from include.inference.verdict import describe_model, verdict
from include.ingest.files.lists import entries
from include.ingest.files.text_lines import BadLine, open_lines
from include.registry.follow import Follower, LastGood, ListFollower, ProductionModel
from include.stores.objects import ObjectStore
from include.urls.finding import find_urls, find_urls_in_html, find_urls_in_mail, is_mail
from include.urls.reading import UrlReading, read_url

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
    in_production = _production_model(installation, store)
    lookup = _list(installation, store)
    found = (each for given in args.texts for each in _read(given))
    worst = 0
    while batch := list(islice(found, _BATCH)):
        readable = []
        for text, place in batch:
            try:
                readable.append((text, read_url(text)))
            except UrlRefusedError as err:
                complain(f"{place}: {err}")
                worst = max(worst, _UNREADABLE)
        for line in _score(readable, in_production, lookup):
            worst = max(worst, _EXIT_CODES.get(line["prediction"], 0))
            screen.show(json.dumps(line) if args.json else _as_text(line))
    return worst


def _production_model(installation: Installation, store: ObjectStore) -> ProductionModel[OnnxModel]:
    trusted_keys = installation.trusted_keys
    follower = Follower(
        store,
        PIPELINE,
        trusted_keys,
        LastGood(installation.versions_dir / PIPELINE, trusted_keys.max_model_bytes),
        load_model,
        now=lambda: datetime.now(UTC),
    )
    follower.restore()
    outcome = follower.poll_once()
    in_production = follower.in_production
    if in_production is None:
        raise ModelUnavailableError(
            f"no version of {PIPELINE} is in production ({outcome.reason}):"
            f" ./nightcatch demo --pipeline {PIPELINE} trains one"
        )
    if outcome.failure:
        version = in_production.pointer.version
        complain(f"{outcome.reason}; version {version} is used, verified earlier")
    return in_production


def _list(installation: Installation, store: ObjectStore) -> ListLookup | None:
    path = installation.versions_dir / PIPELINE / "list.json"
    sites = ListFollower(store, PIPELINE, installation.trusted_keys.approvers, path, ListLookup)
    sites.restore()
    sites.poll_once()
    return sites.current


def _score(
    found: Sequence[tuple[str, UrlReading]],
    in_production: ProductionModel[OnnxModel],
    lookup: ListLookup | None,
) -> Iterator[dict[str, Any]]:
    """Yield the members of the scorer's response that a URL has without a server."""
    if not found:
        return
    model, manifest = in_production.model, in_production.manifest
    matrix = model.schema.matrix([[reading.url] for _, reading in found])
    decided = decisions([reading.url for _, reading in found], lookup, time.time())
    scored = zip(found, model.score(matrix).tolist(), decided, strict=True)
    for (text, reading), probability, decided_by in scored:
        read_as = describe_reading(text, reading.url)
        predicted = verdict(probability, manifest, decided_by)
        yield {"url": text, **read_as, **predicted, "model": describe_model(in_production)}


def _as_text(line: dict[str, Any]) -> str:
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
    from include.ingest.files.reader import read_cells
    from include.pipelines.urls.records import LABEL, LAYOUT, URL

    any_label = {LABEL: 0}  # none is needed to be scored
    for number, cells in enumerate(read_cells(path, LAYOUT, any_label), start=1):
        yield _Found(cells.get(URL, ""), f"{path}, row {number}")


def _named(texts: Iterable[str], place: str) -> Iterator[_Found]:
    return (_Found(text, place) for text in texts)


def _unchanged(text: str) -> str:
    read_url(text)
    return text
