"""Reads CSV and ARFF files as a stream of records; knows columns and types, not their meaning.

One line is one record, so a broken quote costs one line and memory stays bounded by the longest
line allowed. Values outside a column's allowed set pass: validation quarantines them later.
"""

import csv
import gzip
import io
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from include.contract.schema import InputField, Target
from include.errors import DataRejectedError

LINE_LIMIT_BYTES = 65_536
ABSENT = ("", "?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,10}(\.0*)?", re.ASCII)
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?|[0-9]*\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
_INT32 = range(-(2**31), 2**31)
_ATTRIBUTE = re.compile(r"@attribute\s+('[^']*'|\"[^\"]*\"|[^\s{]+)", re.IGNORECASE)

Value = int | float | str
Record = dict[str, Value]


@dataclass(frozen=True)
class Layout:
    """Which columns a file must have, and how they may be spelled.

    Attributes
    ----------
    fields : tuple of InputField
        The columns of a record, besides the label.
    target : Target
        Names the column that holds the label.
    aliases : mapping of str to str
        Known other spellings of a column, in lower case, to its name.
    ignored : frozenset of str
        Columns, in lower case, that may be present and are left out.
    details : tuple of InputField
        Columns that describe a record and that no model is shown; a file may lack them.
    """

    fields: tuple[InputField, ...]
    target: Target
    aliases: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    details: tuple[InputField, ...] = ()

    @property
    def dtypes(self) -> dict[str, str]:
        """Map each column's name, the label's included, to its dtype."""
        return (
            {column.name: column.dtype for column in self.fields}
            | {self.target.source: "int8"}
            | {column.name: column.dtype for column in self.details}
        )


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
    """What the head of a file says of its rows; None stands for a column that is left out."""

    columns: tuple[str | None, ...]
    delimiter: str
    quotechar: str


def read_records(path: Path, layout: Layout) -> Iterator[Row | BadLine]:
    """Yield each line's record, or the reason why it holds none, in the order of the file.

    Parameters
    ----------
    path : Path
        CSV (comma, semicolon or tab) or ARFF, plain or gzipped, UTF-8.
    layout : Layout
        The columns expected.

    Raises
    ------
    DataRejectedError
        If the file cannot be read as a table with these columns; names the file and line.
    """
    with _opened(path) as stream:
        lines = _lines(stream)
        table = _head(path, lines, layout)
        dtypes = layout.dtypes
        comment = "%" if table.quotechar == "'" else None
        for number, line in lines:
            if isinstance(line, BadLine):
                yield line
            elif line.strip() and not (comment and line.lstrip().startswith(comment)):
                yield _row(number, line, table, dtypes)


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


def _lines(stream: BinaryIO) -> Iterator[tuple[int, str | BadLine]]:
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


def _head(path: Path, lines: Iterator[tuple[int, str | BadLine]], layout: Layout) -> _Table:
    """Read up to the first row of data and match the columns with the layout."""
    for number, line in lines:
        if isinstance(line, BadLine):
            raise DataRejectedError(f"{path}, line {number}: {line.reason}; is this a CSV file?")
        if not line.strip() or line.startswith("%"):
            continue
        if line.startswith("@"):
            return _arff_head(path, lines, layout)
        delimiter = max(",;\t", key=line.count)
        try:
            names = _cells(line, delimiter, '"')
        except csv.Error as err:
            raise DataRejectedError(f"{path}, line {number}: {err}") from err
        return _Table(_matched(f"{path}, line {number}", names, layout), delimiter, '"')
    raise DataRejectedError(f"{path}: the file is empty")


def _arff_head(path: Path, lines: Iterator[tuple[int, str | BadLine]], layout: Layout) -> _Table:
    """Read the @attribute lines up to @data; the @relation line is behind us."""
    names: list[str] = []
    for number, line in lines:
        if isinstance(line, BadLine):
            raise DataRejectedError(f"{path}, line {number}: {line.reason}")
        if found := _ATTRIBUTE.match(line.strip()):
            names.append(found[1].strip("'\""))
        elif line.strip().lower() == "@data":
            return _Table(_matched(f"{path}, line {number}", names, layout), ",", "'")
    raise DataRejectedError(f"{path}: an ARFF file without @data")


def _matched(where: str, names: list[str], layout: Layout) -> tuple[str | None, ...]:
    """Return each file column's name in the layout, None for those left out."""
    known = {name.lower(): name for name in layout.dtypes} | dict(layout.aliases)
    columns = [known.get(name.lower()) for name in names]
    unknown = [
        name
        for name, column in zip(names, columns, strict=True)
        if column is None and name.lower() not in layout.ignored
    ]
    details = {column.name for column in layout.details}
    missing = [name for name in layout.dtypes if name not in columns and name not in details]
    twice = [name for name in layout.dtypes if columns.count(name) > 1]
    for kind, found in (("unknown", unknown), ("missing", missing), ("repeated", twice)):
        if found:
            shown = ", ".join(ascii(name)[:60] for name in found[:5])
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""
            raise DataRejectedError(f"{where}: {kind} column {shown}{more}")
    return tuple(columns)


def _row(number: int, line: str, table: _Table, dtypes: Mapping[str, str]) -> Row | BadLine:
    """Turn one line into a record, or say why it holds none."""
    try:
        cells = _cells(line, table.delimiter, table.quotechar)
        if len(cells) != len(table.columns):
            return BadLine(number, f"{len(cells)} cells instead of {len(table.columns)}")
        record = {
            column: _value(column, cell, dtypes[column])
            for column, cell in zip(table.columns, cells, strict=True)
            if column is not None and cell not in ABSENT
        }
    except (csv.Error, ValueError) as err:
        return BadLine(number, str(err))
    return Row(number, record) if record else BadLine(number, "every cell is empty")


def _cells(line: str, delimiter: str, quotechar: str) -> list[str]:
    reader = csv.reader([line], delimiter=delimiter, quotechar=quotechar, strict=True)
    return [cell.strip() for cell in next(reader)]


def _value(column: str, cell: str, dtype: str) -> Value:
    """Convert a cell; whole numbers fit MongoDB's int32."""
    if dtype == "string":
        return cell
    if dtype == "float32":
        if _DECIMAL.fullmatch(cell) and math.isfinite(number := float(cell)):
            return number
        raise ValueError(f"{column}: {cell[:40]!a} is not a finite number")
    if _WHOLE.fullmatch(cell) and int(float(cell)) in _INT32:
        return int(float(cell))
    raise ValueError(f"{column}: {cell[:40]!a} is not a whole number")
