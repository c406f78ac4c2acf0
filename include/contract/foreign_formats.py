"""Recognise files that are not tables or lists, with what to do; for load and uploads."""

import re

_BINARY = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook: unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save the sheet as CSV"),
    (b"\x1f\x8b", "a gzip archive: unpack it"),
    (b"BZh", "a bzip2 archive: unpack it"),
    (b"\xfd7zXZ", "an xz archive: unpack it"),
    (b"7z\xbc\xaf", "a 7-Zip archive: unpack it"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive: unpack it"),
    (b"Rar!", "a RAR archive: unpack it"),
    (b"%PDF", "a PDF document: save its table as CSV"),
    (b"PAR1", "a Parquet file: convert it to CSV"),
    (b"SQLite format 3", "an SQLite database: export its table as CSV"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
)
_TEXT = (
    (r"\{\\rtf", "an RTF document: save it as plain text"),
    (r"<{7} ", "a file with unresolved merge conflicts: take it from a clean checkout"),
    (r"\{|\[\s*(?:[{\"\[]|$)", "JSON: convert it to CSV with a header line"),
    (
        r"<",
        "HTML or XML, perhaps an error page in place of the file: open the address in a browser, "
        "and download the file again",
    ),
    (
        r"version https://git-lfs\.github\.com/spec/",
        "a Git LFS pointer, not the file itself: run `git lfs pull`, or download the raw file",
    ),
    (
        r"\[adblock|@@|\|\||[^\s/#]+#@?#",
        "Adblock rules: take the list's edition for hosts or domains",
    ),
    (r"(?:address|server|local)=/", "a dnsmasq configuration: take the list's edition for hosts"),
    (r"(?:payload|---)\s*:?\s*$|%YAML", "YAML: convert it to CSV with a header line"),
)
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), name) for pattern, name in _TEXT)


def binary_format(start: bytes) -> str | None:
    """Return what a file is by its first bytes, and what to do; None where it may be text."""
    return next((name for magic, name in _BINARY if start.startswith(magic)), None)


def text_format(line: str) -> str | None:
    """Return what a text is by its first line, and what to do; None for a table or a list."""
    line = line.strip()
    return next((name for pattern, name in _PATTERNS if pattern.match(line)), None)
