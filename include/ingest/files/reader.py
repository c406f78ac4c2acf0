"""Reads CSV and ARFF files and plain lists as a stream of records; knows columns, not meanings.

One line is one record, so a broken quote costs one line and memory stays bounded by the longest
line allowed. Values outside a column's allowed set pass: validation quarantines them later.
"""

import csv
import gzip
import io
import itertools
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from include.errors import DataRejectedError
from include.ingest.files.layout import Layout, Record, Value

LINE_LIMIT_BYTES = 65_536
ABSENT = ("", "?")
_LIST_HINT = "; a plain list is read where its label is given"
_WHOLE = re.compile(r"[+-]?[0-9]{1,10}(\.0*)?", re.ASCII)
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?|[0-9]*\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
_INT32 = range(-(2**31), 2**31)
_NAME = re.compile(r"[\w .\-]*")
_ATTRIBUTE = re.compile(r"@attribute\s+('[^']*'|\"[^\"]*\"|[^\s{]+)", re.IGNORECASE)

_Lines = Iterator[tuple[int, "str | BadLine"]]


@dataclass(frozen=True)
class Row:
    """A record and the line of the file it stands in, counted from 1."""

    line: int
    record: Record


@dataclass(frozen=True)
class BadLine:
    """A line that holds no record, counted from 1, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class _Table:
    """What the head of a file says of its rows; None stands for a column that is left out.

    Without a delimiter each line is one cell; a line that starts with `comment` is none.
    """

    columns: tuple[str | None, ...]
    delimiter: str
    quotechar: str = '"'
    comment: str | None = None


def read_records(
    path: Path, layout: Layout, given: Mapping[str, Value] | None = None
) -> Iterator[Row | BadLine]:
    """Yield each line's record, or the reason why it holds none, in the order of the file.

    Parameters
    ----------
    path : Path
        CSV (comma, semicolon or tab), ARFF or, where one column is all that is not given, a list
        of its values, one per line; plain or gzipped, UTF-8.
    layout : Layout
        The columns expected.
    given : mapping of str to value, optional
        Values of columns that the file does not have, or of details that it leaves out.

    Raises
    ------
    DataRejectedError
        If the file cannot be read as a table with these columns; names the file and line.
    """
    given = given or {}
    with _opened(path) as stream:
        table, lines = _head(path, _lines(stream), layout, given)
        for number, line in lines:
            if isinstance(line, BadLine):
                yield line
            elif line.strip() and not (table.comment and line.lstrip().startswith(table.comment)):
                yield _row(number, line, table, layout, given)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a plain or gzipped file, told by its first bytes; its faults name the file."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            yield io.BufferedReader(gzip.GzipFile(fileobj=raw)) if packed else raw
    except (gzip.BadGzipFile, EOFError, zlib.error) as err:
        raise DataRejectedError(f"{path}: damaged gzip: {err}") from err
    except OSError as err:
        raise DataRejectedError(f"{path}: cannot be read: {err.strerror or err}") from err


def _lines(stream: BinaryIO) -> _Lines:
    """Yield numbered lines as text, never holding more than the limit of one."""
    number = 0
    while data := stream.readline(LINE_LIMIT_BYTES):
        number += 1
        if len(data) == LINE_LIMIT_BYTES and not data.endswith(b"\n"):
            while data and not data.endswith(b"\n"):
                data = stream.readline(LINE_LIMIT_BYTES)
            yield number, BadLine(number, f"longer than {LINE_LIMIT_BYTES} bytes")
            continue
        try:
            text = data.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            yield number, BadLine(number, "not UTF-8 text")
            continue
        yield number, BadLine(number, "not text") if "\0" in text else text


def _head(
    path: Path, lines: _Lines, layout: Layout, given: Mapping[str, Value]
) -> tuple[_Table, _Lines]:
    """Read up to the first row of data; what its columns are, and the lines from there on."""
    asked = [name for name in layout.required if name not in given]
    listed = asked[0] if len(asked) == 1 else None
    for number, line in lines:
        where = f"{path}, line {number}"
        if isinstance(line, BadLine):
            raise DataRejectedError(f"{where}: {line.reason}; is this a CSV file?")
        if not line.strip() or line.startswith("%") or (listed and line.startswith("#")):
            continue
        if line.startswith("@"):
            return _arff_head(path, lines, layout, given), lines
        delimiter = max(",;\t", key=line.count)
        try:
            names = _cells(line, delimiter, '"')
        except csv.Error as err:
            if not listed:
                raise DataRejectedError(f"{where}: {err}") from err
            names = []
        if listed and listed not in _known(names, layout) and not _is_head(names):
            return _Table((listed,), "", comment="#"), itertools.chain([(number, line)], lines)
        return _Table(_matched(where, names, layout, given), delimiter), lines
    raise DataRejectedError(f"{path}: the file is empty")


def _arff_head(path: Path, lines: _Lines, layout: Layout, given: Mapping[str, Value]) -> _Table:
    """Read the @attribute lines up to @data; the @relation line is behind us."""
    names: list[str] = []
    for number, line in lines:
        where = f"{path}, line {number}"
        if isinstance(line, BadLine):
            raise DataRejectedError(f"{where}: {line.reason}")
        if found := _ATTRIBUTE.match(line.strip()):
            names.append(found[1].strip("'\""))
        elif line.strip().lower() == "@data":
            return _Table(_matched(where, names, layout, given), ",", "'", "%")
    raise DataRejectedError(f"{path}: an ARFF file without @data")


def _is_head(names: list[str]) -> bool:
    """Return whether a line names columns, known or not, rather than being the first of a list."""
    return len(names) > 1 and all(_NAME.fullmatch(name) for name in names)


def _known(names: list[str], layout: Layout) -> list[str | None]:
    """Return each file column's name in the layout, None for those it does not know."""
    known = {name.lower(): name for name in layout.dtypes} | dict(layout.aliases)
    return [known.get(name.lower()) for name in names]


def _matched(
    where: str, names: list[str], layout: Layout, given: Mapping[str, Value]
) -> tuple[str | None, ...]:
    """Return each file column's name in the layout, None for those left out."""
    columns = _known(names, layout)
    unknown = [
        name
        for name, column in zip(names, columns, strict=True)
        if column is None and layout.strict and name.lower() not in layout.ignored
    ]
    faults = {
        "unknown": unknown,
        "missing": [name for name in layout.required if name not in {*columns, *given}],
        "repeated": [name for name in layout.dtypes if columns.count(name) > 1],
        "given although present,": [
            name for name in layout.required if name in given and name in columns
        ],
    }
    for kind, found in faults.items():
        if found:
            shown = ", ".join(ascii(name)[:60] for name in found[:5])
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""
            is_list = len(layout.fields) == 1 and kind == "missing" and len(found) == 2
            hint = _LIST_HINT if is_list else ""
            raise DataRejectedError(f"{where}: {kind} column {shown}{more}{hint}")
    return tuple(columns)


def _row(
    number: int, line: str, table: _Table, layout: Layout, given: Mapping[str, Value]
) -> Row | BadLine:
    """Turn one line into a record, or say why it holds none."""
    dtypes = layout.dtypes
    try:
        cells = _cells(line, table.delimiter, table.quotechar)
        if len(cells) != len(table.columns):
            return BadLine(number, f"{len(cells)} cells instead of {len(table.columns)}")
        record = {
            column: _label(cell, layout)
            if column == layout.target.source
            else _value(column, cell, dtypes[column])
            for column, cell in zip(table.columns, cells, strict=True)
            if column is not None and cell not in ABSENT
        }
    except (csv.Error, ValueError) as err:
        return BadLine(number, str(err))
    if not record:
        return BadLine(number, "every cell is empty")
    whole = {**given, **record}
    fault = _fault(whole, layout)
    return BadLine(number, fault) if fault else Row(number, whole)


def _fault(record: Record, layout: Layout) -> str:
    """Return why there is no telling what a record is about; nothing if there is."""
    if layout.identity is None:
        return ""
    for column in layout.identity.columns:
        if column not in record:
            return f"{column} is missing"
    label = layout.target.source
    if record[label] not in layout.labels.values():
        return f"{label}: {record[label]} is no label"
    return ""


def _cells(line: str, delimiter: str, quotechar: str) -> list[str]:
    if not delimiter:
        return [line.strip()]
    reader = csv.reader([line], delimiter=delimiter, quotechar=quotechar, strict=True)
    return [cell.strip() for cell in next(reader)]


def _label(cell: str, layout: Layout) -> Value:
    """Convert a cell of the label's column: a whole number, or the label in words."""
    word = layout.labels.get(cell.lower())
    return _value(layout.target.source, cell, "int8") if word is None else word


def _value(column: str, cell: str, dtype: str) -> Value:
    """Convert a cell; whole numbers fit MongoDB's int32, a time without zone is UTC."""
    if dtype == "string":
        return cell
    if dtype == "timestamp":
        try:
            moment = datetime.fromisoformat(cell)
        except ValueError:
            raise ValueError(f"{column}: {cell[:40]!a} is no date of ISO 8601") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if dtype == "float32":
        if _DECIMAL.fullmatch(cell) and math.isfinite(number := float(cell)):
            return number
        raise ValueError(f"{column}: {cell[:40]!a} is not a finite number")
    if _WHOLE.fullmatch(cell) and int(float(cell)) in _INT32:
        return int(float(cell))
    raise ValueError(f"{column}: {cell[:40]!a} is not a whole number")
