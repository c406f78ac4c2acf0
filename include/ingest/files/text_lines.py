"""A file as numbered lines of text: plain or gzipped, any usual encoding, any line end."""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from include.contract.foreign_formats import binary_format
from include.errors import DataRejectedError

LINE_LIMIT_CHARS = 65_536
UNPACKED_LIMIT_BYTES = 16 * 1024**3
_GZIP = b"\x1f\x8b"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f]")


@dataclass(frozen=True)
class BadLine:
    """A line that holds no record, counted from 1, and why.

    Attributes
    ----------
    line : int
    reason : str
    cells : mapping of str to str
        What it holds, by column; empty where it could not be taken apart.
    """

    line: int
    reason: str
    cells: Mapping[str, str] = field(default_factory=dict, compare=False)


Lines = Iterator[tuple[int, str | BadLine]]


@contextmanager
def open_lines(path: Path) -> Iterator[Lines]:
    """Open a file as its numbered lines; its faults name it.

    UTF-16 where a byte order mark says so, else UTF-8; a line that is no UTF-8 is Latin-1. Lines
    end with LF, CR LF or CR. At most one line is held, so memory stays bounded.

    Raises
    ------
    DataRejectedError
        If the file cannot be read, or is of a format that is no text; names what it is.
    """
    try:
        with path.open("rb") as raw, _unpacked(path, raw) as stream:
            yield _lines(path, stream)
    except (gzip.BadGzipFile, EOFError, zlib.error) as err:
        raise DataRejectedError(f"{path}: damaged gzip: {err}") from err
    except UnicodeError as err:
        raise DataRejectedError(f"{path}: not UTF-16, as its first bytes say: {err}") from err
    except OSError as err:
        raise DataRejectedError(f"{path}: cannot be read: {err.strerror or err}") from err


def _unpacked(path: Path, raw: io.BufferedReader) -> io.BufferedReader:
    if not raw.peek(2).startswith(_GZIP):
        return raw
    return io.BufferedReader(_BoundedGzip(path, raw))


class _BoundedGzip(gzip.GzipFile):
    """A gzip file that is refused once it unpacks to more than any list or table has."""

    def __init__(self, path: Path, raw: io.BufferedReader) -> None:
        super().__init__(fileobj=raw)
        self._path = path

    def readinto(self, target: Any) -> int:
        n_bytes = super().readinto(target)
        if self.tell() > UNPACKED_LIMIT_BYTES:
            raise DataRejectedError(
                f"{self._path}: unpacked it has more than {UNPACKED_LIMIT_BYTES} bytes"
            )
        return n_bytes


def _lines(path: Path, stream: io.BufferedReader) -> Lines:
    start = stream.peek(16)[:16]
    if found := binary_format(start):
        raise DataRejectedError(f"{path}: this is {found}")
    is_utf16 = start.startswith(_UTF16)
    # Latin-1 maps each byte to one character, so the bytes of a line are not lost.
    text = io.TextIOWrapper(stream, encoding="utf-16" if is_utf16 else "latin-1", newline=None)
    number = 0
    while line := text.readline(LINE_LIMIT_CHARS):
        number += 1
        if len(line) == LINE_LIMIT_CHARS and not line.endswith("\n"):
            while line and not line.endswith("\n"):
                line = text.readline(LINE_LIMIT_CHARS)
            yield number, BadLine(number, f"longer than {LINE_LIMIT_CHARS} characters")
            continue
        line = line if is_utf16 else _utf8(line)
        if number == 1:
            line = line.removeprefix("\ufeff")
        yield number, BadLine(number, "not text") if _NOT_TEXT.search(line) else line


def _utf8(line: str) -> str:
    try:
        return line.encode("latin-1").decode()
    except UnicodeDecodeError:
        return line
