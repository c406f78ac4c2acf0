"""The header of an uploaded CSV file, in whatever encoding and dialect it was saved."""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from include.contract.foreign_formats import binary_format, text_format
from include.contract.headers import declared_delimiter, delimiter_of, is_blank
from include.errors import RequestRejectedError, RequestUnreadableError
from include.inference.record_schema import shorten

_MAX_COLUMNS = 1000
_MAX_LINE_BYTES = 1024 * 1024
_MAX_ROW_CHARS = 2 * _MAX_LINE_BYTES

# Cells of a row, and the line of the file where it ends, from 1.
Numbered = tuple[list[str], int]


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


def read_table(file: IO[bytes]) -> Table:
    """Return the header of a CSV file, and its rows as text that is not read yet.

    Commas, semicolons, tabs or bars; UTF-8 with or without BOM, UTF-16 with one, else Latin-1.

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
    delimiter, skipped = _delimiter(text)
    cells, header_lines = next(rows_of(text, delimiter, skipped), ([], 0))
    header = [name.strip() for name in cells]
    while header and not header[-1]:
        header.pop()  # a spreadsheet's empty columns
    if not header:
        raise RequestRejectedError("the file has no header line")
    if len(header) > _MAX_COLUMNS:
        raise RequestRejectedError(f"{len(header)} columns, the limit is {_MAX_COLUMNS}")
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise RequestRejectedError(f"the header names {shorten(min(twice))!r} twice")
    return Table(header, text, delimiter, header_lines)


def _delimiter(text: io.TextIOWrapper) -> tuple[str, int]:
    """Return the delimiter, and how many lines stand above the header; the file is at the next.

    Raises
    ------
    RequestUnreadableError
        If the file is of another format; names it.
    """
    try:
        first = text.readline()
    except UnicodeError as err:
        raise not_text() from err
    if found := text_format(first):
        raise RequestUnreadableError(f"the file is no CSV, it is {found}")
    if declared := declared_delimiter(first):
        return declared, 1
    text.seek(0)
    return delimiter_of(first), 0


def rows_of(lines: Iterable[str], delimiter: str, before: int) -> Iterator[Numbered]:
    """Yield the rows of `lines`, which come after so many others; rows of empty cells are none.

    Raises
    ------
    RequestRejectedError
        If a row of many lines is too long: it would be in memory as a whole.
    RequestUnreadableError
        If a row is no CSV.
    """
    bounded = _BoundedRow(lines)
    reader = csv.reader(bounded, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            bounded.n_chars = 0
            if not is_blank(cells):
                yield cells, before + reader.line_num
    except csv.Error as err:
        line = before + reader.line_num
        raise RequestUnreadableError(f"line {line}: not CSV: {err}") from err
    except UnicodeError as err:
        raise not_text() from err


class _BoundedRow:
    """Lines, of which no row may take more than `_MAX_ROW_CHARS`; reset `n_chars` after each."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.n_chars = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.n_chars += len(line)
        if self.n_chars > _MAX_ROW_CHARS:
            raise RequestRejectedError(f"a row is longer than {_MAX_ROW_CHARS} characters")
        return line


def not_text() -> RequestUnreadableError:
    """Return the error of a file whose UTF-16 is broken."""
    return RequestUnreadableError("the file begins as UTF-16, but is not UTF-16 text")


def _encoding(file: IO[bytes]) -> str:
    """Return the encoding of a file, after a look at all of it; it is at its beginning again.

    Raises
    ------
    RequestRejectedError
        If a line is too long.
    RequestUnreadableError
        If it is no text.
    """
    file.seek(0)
    start = file.read(16)
    if found := binary_format(start):
        raise RequestUnreadableError(f"the file is no CSV, it is {found}")
    is_utf16 = start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    is_sound = _read_through(file, "utf-16" if is_utf16 else "utf-8")
    if is_utf16 and not is_sound:
        raise not_text()
    file.seek(0)
    return "utf-16" if is_utf16 else "utf-8-sig" if is_sound else "latin-1"


def _read_through(file: IO[bytes], encoding: str) -> bool:
    """Return whether a file is of an encoding, if no line is too long to be in memory."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    is_sound = True
    while block := file.read(_MAX_LINE_BYTES):
        text: Any = block
        if is_sound:
            try:
                text = decoder.decode(block)
            except UnicodeDecodeError:
                is_sound = False
        ends = ("\n", "\r") if isinstance(text, str) else (b"\n", b"\r")
        if len(block) == _MAX_LINE_BYTES and not any(end in text for end in ends):
            raise RequestRejectedError(f"a line is longer than {_MAX_LINE_BYTES} bytes")
    try:
        decoder.decode(b"", final=is_sound)
    except UnicodeDecodeError:
        return False
    return is_sound
