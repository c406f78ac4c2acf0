"""CSV files are read and scored here, chunk by chunk, in bounded memory."""

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import IO

from include.errors import RequestRejectedError, RequestUnreadableError
from include.services.scorer.model import OnnxModel
from include.services.scorer.records import MAX_FAULTS, Fault, RecordSchema, shorten

_CHUNK_ROWS = 4096
_MAX_COLUMNS = 1000
_MAX_LINE_CHARS = 1024 * 1024
_MAX_DISTINCT_REMEMBERED = 100_000
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Line:
    """One data row.

    Attributes
    ----------
    number : int
        Line of the file where it ends, from 1.
    cells : list of str
    """

    number: int
    cells: list[str]


@dataclass(frozen=True)
class Table:
    """A CSV file whose header was read.

    Attributes
    ----------
    header : list of str
    lines : iterator of Line
    """

    header: list[str]
    lines: Iterator[Line]


@dataclass(frozen=True)
class ScoredLine:
    """One data row with its probability of phishing."""

    cells: list[str]
    probability: float


def read_table(file: IO[bytes]) -> Table:
    """Return the header of a CSV file and its rows, which are read as they are asked for.

    Commas, semicolons or tabs; UTF-8 with or without BOM, UTF-16 with one, else Latin-1.

    Parameters
    ----------
    file : binary file
        Seekable; read from its beginning.

    Raises
    ------
    RequestRejectedError
        If there is no header, or it names a column twice or too many of them.
    RequestUnreadableError
        If it is no CSV.
    """
    text = io.TextIOWrapper(file, encoding=_encoding(file), newline="")
    lines = _bounded_lines(text)
    first = next(lines, "")
    delimiter = max(_DELIMITERS, key=first.count)
    rows = _rows(first, lines, delimiter)
    header = [name.strip() for name in next(rows, Line(1, [])).cells]
    if not any(header):
        raise RequestRejectedError("the file has no header line")
    if len(header) > _MAX_COLUMNS:
        raise RequestRejectedError(f"{len(header)} columns, the limit is {_MAX_COLUMNS}")
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise RequestRejectedError(f"the header names {shorten(min(twice))!r} twice")
    return Table(header, rows)


def score_table(table: Table, model: OnnxModel, max_rows: int) -> Iterator[ScoredLine]:
    """Yield every row with its probability; equal rows are scored once.

    Raises
    ------
    RequestRejectedError
        If a column is missing or there are too many rows; or with the faults, whose `row` is a
        line of the file, of the first chunk of rows that breaks a rule.
    """
    pick = _picker(table.header, model.schema)
    width = len(table.header)
    known: dict[tuple[str, ...], float] = {}
    n_rows = 0
    while chunk := list(islice(table.lines, _CHUNK_ROWS)):
        n_rows += len(chunk)
        if n_rows > max_rows:
            raise RequestRejectedError(f"more than {max_rows} rows in one file")
        _check_widths(chunk, width)
        picked = [pick(line.cells) for line in chunk]
        if len(known) > _MAX_DISTINCT_REMEMBERED:
            known.clear()
        _score_unknown(chunk, picked, model, known)
        for line, cells in zip(chunk, picked, strict=True):
            yield ScoredLine(line.cells, known[cells])


def _score_unknown(
    chunk: Sequence[Line],
    picked: Sequence[tuple[str, ...]],
    model: OnnxModel,
    known: dict[tuple[str, ...], float],
) -> None:
    unknown: dict[tuple[str, ...], int] = {}
    for line, cells in zip(chunk, picked, strict=True):
        if cells not in known:
            unknown.setdefault(cells, line.number)
    if not unknown:
        return
    faults: list[Fault] = []
    rows = []
    for cells, number in unknown.items():
        rows.append(model.schema.parse_cells(number, cells, faults))
        if len(faults) >= MAX_FAULTS:
            break
    if faults:
        raise RequestRejectedError("the file breaks rules of the model", tuple(faults))
    probabilities = model.score(model.schema.matrix(rows)).tolist()
    known.update(zip(unknown, probabilities, strict=True))


def _check_widths(chunk: Sequence[Line], width: int) -> None:
    faults = tuple(
        Fault(line.number, "", "length", f"{len(line.cells)} cells, the header has {width}")
        for line in chunk
        if len(line.cells) != width
    )
    if faults:
        raise RequestRejectedError(
            "rows are longer or shorter than the header", faults[:MAX_FAULTS]
        )


def _picker(header: Sequence[str], schema: RecordSchema) -> Callable[[list[str]], tuple[str, ...]]:
    missing = [name for name in schema.names if name not in header]
    if missing:
        faults = [Fault(1, name, "missing", "the column is missing") for name in missing]
        raise RequestRejectedError("the file lacks columns", tuple(faults[:MAX_FAULTS]))
    positions = [header.index(name) for name in schema.names]
    if len(positions) == 1:
        return lambda cells: (cells[positions[0]],)
    return itemgetter(*positions)


def _rows(first: str, rest: Iterator[str], delimiter: str) -> Iterator[Line]:
    def lines() -> Iterator[str]:
        yield first
        yield from rest

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if cells:
                yield Line(reader.line_num, cells)
    except csv.Error as err:
        raise RequestUnreadableError(f"line {reader.line_num}: not CSV: {err}") from err


def _bounded_lines(text: io.TextIOWrapper) -> Iterator[str]:
    try:
        while line := text.readline(_MAX_LINE_CHARS):
            if len(line) == _MAX_LINE_CHARS and not line.endswith(("\n", "\r")):
                raise RequestRejectedError(f"a line is longer than {_MAX_LINE_CHARS} characters")
            yield line
    except UnicodeError as err:
        raise RequestUnreadableError("the file is not text in UTF-16, as it says it is") from err


def _encoding(file: IO[bytes]) -> str:
    file.seek(0)
    start = file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    else:
        encoding = "utf-8-sig" if _is_utf8(file) else "latin-1"
    file.seek(0)
    return encoding


def _is_utf8(file: IO[bytes]) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := file.read(1024 * 1024):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
