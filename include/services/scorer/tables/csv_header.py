"""The header of an uploaded CSV file, in whatever encoding and dialect it was saved."""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from include.contract.foreign_formats import binary_format, text_format
from include.contract.headers import declared_delimiter, delimiter_of, is_blank
from include.errors import RequestRejectedError, RequestUnreadableError
from include.inference.record_schema import shorten

_MAX_COLUMNS = 1000
_MAX_LINE_BYTES = 1024 * 1024

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
    """Yield the rows of `lines`, which come after so many others; rows of empty cells are none."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if not is_blank(cells):
                yield cells, before + reader.line_num
    except csv.Error as err:
        line = before + reader.line_num
        raise RequestUnreadableError(f"line {line}: not CSV: {err}") from err
    except UnicodeError as err:
        raise not_text() from err


def not_text() -> RequestUnreadableError:
    """Return the error of a file whose UTF-16 is broken."""
    return RequestUnreadableError("the file begins as UTF-16, but is not UTF-16 text")


def _encoding(file: IO[bytes]) -> str:
    """Return the encoding of a file, after a look at all of it; it is at its beginning again."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    start, is_utf8 = b"", True
    while block := file.read(_MAX_LINE_BYTES):
        start = start or block[:16]
        if len(block) == _MAX_LINE_BYTES and b"\n" not in block and b"\r" not in block:
            raise RequestRejectedError(f"a line is longer than {_MAX_LINE_BYTES} bytes")
        is_utf8 = is_utf8 and _decodes(decoder, block)
    is_utf8 = is_utf8 and _decodes(decoder, b"", final=True)
    file.seek(0)
    if found := binary_format(start):
        raise RequestUnreadableError(f"the file is no CSV, it is {found}")
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    return "utf-8-sig" if is_utf8 else "latin-1"


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True
