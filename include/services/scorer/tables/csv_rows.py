"""CSV files are read and scored here, chunk by chunk, in bounded memory.

Equal lines are parsed, checked and scored once: a million records of few values have few different
lines. Only where a cell goes over several lines is the rest of the file read row by row.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import IO, Any

from include.errors import RequestRejectedError, RequestUnreadableError
from include.inference.model import OnnxModel
from include.inference.record_schema import MAX_FAULTS, Fault, RecordSchema, shorten

_CHUNK_CHARS = 128 * 1024
_CHUNK_ROWS = 4096
_MAX_COLUMNS = 1000
_MAX_LINE_BYTES = 1024 * 1024
_MAX_LINES_REMEMBERED = 20_000
_MAX_DISTINCT_REMEMBERED = 100_000
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Table:
    """A CSV file whose header was read.

    Attributes
    ----------
    header : list of str
    text : TextIOWrapper
        After the header.
    delimiter : str
    header_lines : int
        How many lines the header and what comes before it take.
    """

    header: list[str]
    text: io.TextIOWrapper
    delimiter: str
    header_lines: int


@dataclass(slots=True, eq=False)
class ScoredRow:
    """A data row; equal lines of the file share one.

    Attributes
    ----------
    cells : list of str
    probability : float
        Of phishing.
    scored_url : str
        The URL that was read out of the row and scored; empty for a record.
    said : str
        What an answer makes of the row, once it did.
    """

    cells: list[str]
    probability: float
    scored_url: str = ""
    said: str = ""


@dataclass(frozen=True)
class ScoredChunk:
    """Data rows that follow each other."""

    rows: list[ScoredRow]

    @property
    def probabilities(self) -> list[float]:
        """Of each row."""
        return [row.probability for row in self.rows]


# Cells of a row, and the line of the file where it ends, from 1.
_Numbered = tuple[list[str], int]


def read_table(file: IO[bytes]) -> Table:
    """Return the header of a CSV file, and its rows as text that is not read yet.

    Commas, semicolons or tabs; UTF-8 with or without BOM, UTF-16 with one, else Latin-1.

    Parameters
    ----------
    file : binary file
        Seekable; read from its beginning.

    Raises
    ------
    RequestRejectedError
        If there is no header, it names a column twice or too many of them, or a line is too long.
    RequestUnreadableError
        If it is no CSV.
    """
    text = io.TextIOWrapper(file, encoding=_encoding(file), newline="")
    try:
        first = text.readline()
    except UnicodeError as err:
        raise _not_text() from err
    text.seek(0)
    delimiter = max(_DELIMITERS, key=first.count)
    cells, header_lines = next(_rows(text, delimiter, 0), ([], 0))
    header = [name.strip() for name in cells]
    if not any(header):
        raise RequestRejectedError("the file has no header line")
    if len(header) > _MAX_COLUMNS:
        raise RequestRejectedError(f"{len(header)} columns, the limit is {_MAX_COLUMNS}")
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise RequestRejectedError(f"the header names {shorten(min(twice))!r} twice")
    return Table(header, text, delimiter, header_lines)


def score_table(table: Table, model: OnnxModel, max_rows: int) -> Iterator[ScoredChunk]:
    """Yield every row with its probability; empty lines are no rows.

    Raises
    ------
    RequestRejectedError
        If a column is missing or there are too many rows; or with the faults, whose `row` is a
        line of the file, of the first chunk of rows that breaks a rule.
    RequestUnreadableError
        If the file turns out to be no CSV.
    """
    scoring = _Scoring(table, model)
    n_rows = 0
    for rows in scoring.chunks():
        n_rows += len(rows)
        if n_rows > max_rows:
            raise RequestRejectedError(f"more than {max_rows} rows in one file")
        yield ScoredChunk(rows)


class _Scoring:
    """One table on its way through one model."""

    def __init__(self, table: Table, model: OnnxModel) -> None:
        self._table = table
        self._model = model
        self._pick = _picker(table.header, model.schema)
        self._lines: dict[str, ScoredRow | None] = {}  # None for an empty line
        self._known: dict[tuple[str, ...], tuple[float, str]] = {}  # probability, scored URL

    def chunks(self) -> Iterator[list[ScoredRow]]:
        """Yield the rows of some lines at a time."""
        n_lines = self._table.header_lines
        while lines := self._next_lines():
            if not self._learn(lines, n_lines):
                yield from self._row_by_row(lines, n_lines)
                return
            rows = [self._lines[line] for line in lines]
            yield [row for row in rows if row is not None]
            n_lines += len(lines)

    def _next_lines(self) -> list[str]:
        try:
            return self._table.text.readlines(_CHUNK_CHARS)
        except UnicodeError as err:
            raise _not_text() from err

    def _learn(self, lines: Sequence[str], before: int) -> bool:
        """Return whether every line is a row by itself, or empty; they are then all known."""
        if len(self._lines) > _MAX_LINES_REMEMBERED:
            self._lines.clear()
        numbers: dict[str, int] = {}
        for number, line in enumerate(lines, before + 1):
            if line not in self._lines:
                numbers.setdefault(line, number)
        try:
            parsed = list(csv.reader(numbers, delimiter=self._table.delimiter, strict=True))
        except csv.Error:
            return False
        if len(parsed) != len(numbers):
            return False
        numbered = zip(parsed, numbers.values(), strict=True)
        scored = iter(self._score([entry for entry in numbered if entry[0]]))
        self._lines.update(
            (line, next(scored) if cells else None)
            for line, cells in zip(numbers, parsed, strict=True)
        )
        return True

    def _row_by_row(self, lines: list[str], before: int) -> Iterator[list[ScoredRow]]:
        numbered: list[_Numbered] = []
        for entry in _rows(chain(lines, self._table.text), self._table.delimiter, before):
            numbered.append(entry)
            if len(numbered) == _CHUNK_ROWS:
                yield self._score(numbered)
                numbered = []
        yield self._score(numbered)

    def _score(self, numbered: Sequence[_Numbered]) -> list[ScoredRow]:
        _check_widths(numbered, len(self._table.header))
        picked = [self._pick(cells) for cells, _ in numbered]
        if len(self._known) > _MAX_DISTINCT_REMEMBERED:
            self._known.clear()
        unknown: dict[tuple[str, ...], int] = {}
        for cells, (_, line) in zip(picked, numbered, strict=True):
            if cells not in self._known:
                unknown.setdefault(cells, line)
        if unknown:
            schema = self._model.schema
            matrix = schema.matrix(_parsed(unknown, schema))
            probabilities = self._model.score(matrix).tolist()
            urls = matrix[:, 0].tolist() if schema.is_text else [""] * len(unknown)
            scored = zip(probabilities, urls, strict=True)
            self._known.update(zip(unknown, scored, strict=True))
        return [
            ScoredRow(cells, *self._known[inputs])
            for (cells, _), inputs in zip(numbered, picked, strict=True)
        ]


def _parsed(unknown: dict[tuple[str, ...], int], schema: RecordSchema) -> list[list[Any]]:
    faults: list[Fault] = []
    rows = []
    for cells, line in unknown.items():
        rows.append(schema.parse_cells(line, cells, faults))
        if len(faults) >= MAX_FAULTS:
            break
    if faults:
        raise RequestRejectedError("the file breaks rules of the model", tuple(faults))
    return rows


def _check_widths(numbered: Sequence[_Numbered], width: int) -> None:
    faults = [
        Fault(line, "", "length", f"{len(cells)} cells, the header has {width}")
        for cells, line in numbered
        if len(cells) != width
    ]
    if faults:
        raise RequestRejectedError(
            "rows are longer or shorter than the header", tuple(faults[:MAX_FAULTS])
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


def _rows(lines: Iterable[str], delimiter: str, before: int) -> Iterator[_Numbered]:
    """Yield the rows of `lines`, which come after so many others; empty lines are no rows."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if cells:
                yield cells, before + reader.line_num
    except csv.Error as err:
        line = before + reader.line_num
        raise RequestUnreadableError(f"line {line}: not CSV: {err}") from err
    except UnicodeError as err:
        raise _not_text() from err


def _not_text() -> RequestUnreadableError:
    return RequestUnreadableError("the file is not text in UTF-16, as it says it is")


def _encoding(file: IO[bytes]) -> str:
    """Return the encoding of a file, after a look at all of it; it is at its beginning again."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    start, is_utf8 = b"", True
    while block := file.read(_MAX_LINE_BYTES):
        start = start or block[:2]
        if len(block) == _MAX_LINE_BYTES and b"\n" not in block and b"\r" not in block:
            raise RequestRejectedError(f"a line is longer than {_MAX_LINE_BYTES} bytes")
        is_utf8 = is_utf8 and _decodes(decoder, block)
    is_utf8 = is_utf8 and _decodes(decoder, b"", final=True)
    file.seek(0)
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    return "utf-8-sig" if is_utf8 else "latin-1"


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True
