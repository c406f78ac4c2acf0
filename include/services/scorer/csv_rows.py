"""CSV files are read and scored here, chunk by chunk, in bounded memory."""

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import IO

from include.errors import RequestRejectedError, RequestUnreadableError
from include.services.scorer.model import OnnxModel
from include.services.scorer.records import MAX_FAULTS, Fault, RecordSchema, shorten

_CHUNK_ROWS = 4096
_MAX_COLUMNS = 1000
_MAX_LINE_BYTES = 1024 * 1024
_MAX_DISTINCT_REMEMBERED = 100_000
_DELIMITERS = ",;\t"


@dataclass
class Chunk:
    """Data rows that follow each other.

    Attributes
    ----------
    rows : list of list of str
    lines : list of int
        Line of the file where each row ends, from 1.
    """

    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Table:
    """A CSV file whose header was read.

    Attributes
    ----------
    header : list of str
    chunks : iterator of Chunk
    """

    header: list[str]
    chunks: Iterator[Chunk]


@dataclass(frozen=True)
class ScoredChunk:
    """Data rows with the probability of phishing of each."""

    rows: list[list[str]]
    probabilities: list[float]


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
        If there is no header, it names a column twice or too many of them, or a line is too long.
    RequestUnreadableError
        If it is no CSV.
    """
    text = io.TextIOWrapper(file, encoding=_encoding(file), newline="")
    chunks = _chunks(text)
    header = [name.strip() for name in next(chunks, Chunk([[]])).rows[0]]
    if not any(header):
        raise RequestRejectedError("the file has no header line")
    if len(header) > _MAX_COLUMNS:
        raise RequestRejectedError(f"{len(header)} columns, the limit is {_MAX_COLUMNS}")
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise RequestRejectedError(f"the header names {shorten(min(twice))!r} twice")
    return Table(header, chunks)


def score_table(table: Table, model: OnnxModel, max_rows: int) -> Iterator[ScoredChunk]:
    """Yield every row with its probability; equal rows are scored once.

    Raises
    ------
    RequestRejectedError
        If a column is missing or there are too many rows; or with the faults, whose `row` is a
        line of the file, of the first chunk of rows that breaks a rule.
    """
    pick = _picker(table.header, model.schema)
    known: dict[tuple[str, ...], float] = {}
    n_rows = 0
    for chunk in table.chunks:
        n_rows += len(chunk.rows)
        if n_rows > max_rows:
            raise RequestRejectedError(f"more than {max_rows} rows in one file")
        _check_widths(chunk, len(table.header))
        picked = [pick(cells) for cells in chunk.rows]
        if len(known) > _MAX_DISTINCT_REMEMBERED:
            known.clear()
        _score_unknown(picked, chunk.lines, model, known)
        yield ScoredChunk(chunk.rows, [known[cells] for cells in picked])


def _score_unknown(
    picked: Sequence[tuple[str, ...]],
    lines: Sequence[int],
    model: OnnxModel,
    known: dict[tuple[str, ...], float],
) -> None:
    unknown: dict[tuple[str, ...], int] = {}
    for line, cells in zip(lines, picked, strict=True):
        if cells not in known:
            unknown.setdefault(cells, line)
    if not unknown:
        return
    faults: list[Fault] = []
    rows = []
    for cells, line in unknown.items():
        rows.append(model.schema.parse_cells(line, cells, faults))
        if len(faults) >= MAX_FAULTS:
            break
    if faults:
        raise RequestRejectedError("the file breaks rules of the model", tuple(faults))
    probabilities = model.score(model.schema.matrix(rows)).tolist()
    known.update(zip(unknown, probabilities, strict=True))


def _check_widths(chunk: Chunk, width: int) -> None:
    if {len(cells) for cells in chunk.rows} == {width}:
        return
    faults = [
        Fault(line, "", "length", f"{len(cells)} cells, the header has {width}")
        for line, cells in zip(chunk.lines, chunk.rows, strict=True)
        if len(cells) != width
    ]
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


def _chunks(text: io.TextIOWrapper) -> Iterator[Chunk]:
    """Yield the first row by itself, and then chunks of rows; empty lines are no rows."""
    chunk, wanted = Chunk(), 1
    try:
        first = text.readline()
        text.seek(0)
        reader = csv.reader(text, delimiter=max(_DELIMITERS, key=first.count), strict=True)
        for cells in reader:
            if cells:
                chunk.rows.append(cells)
                chunk.lines.append(reader.line_num)
            if len(chunk.rows) == wanted:
                yield chunk
                chunk, wanted = Chunk(), _CHUNK_ROWS
    except csv.Error as err:
        raise RequestUnreadableError(f"line {reader.line_num}: not CSV: {err}") from err
    except UnicodeError as err:
        raise RequestUnreadableError("the file is not text in UTF-16, as it says it is") from err
    if chunk.rows:
        yield chunk


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
