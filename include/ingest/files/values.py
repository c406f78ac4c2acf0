"""Cells of text become the values of a record."""

import math
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from include.ingest.files.layout import Layout, Value

# Before and after these no URL was phishing: such a date is a placeholder or a slip.
EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_WHOLE = re.compile(r"[+-]?[0-9]{1,10}(\.0*)?", re.ASCII)
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?|[0-9]*\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
_INT32 = range(-(2**31), 2**31)
_YEAR_FIRST = re.compile(r"([0-9]{4})[/.]([0-9]{1,2})[/.]([0-9]{1,2})(?![0-9])")
_UTC = re.compile(r"\s*(?:UTC|GMT|Z)$", re.IGNORECASE)
_EPOCH = re.compile(r"[0-9]{9,10}(?:[0-9]{3})?(?:\.[0-9]+)?", re.ASCII)
_EPOCH_MS_FROM = 10**11


def parse_number(column: str, cell: str, dtype: str) -> Value:
    """Return the number of a cell; whole numbers fit MongoDB's int32.

    Raises
    ------
    ValueError
    """
    if dtype == "float32":
        if _DECIMAL.fullmatch(cell) and math.isfinite(number := float(cell)):
            return number
        raise ValueError(f"{column}: {cell[:40]!a} is not a finite number")
    if _WHOLE.fullmatch(cell) and int(float(cell)) in _INT32:
        return int(float(cell))
    raise ValueError(f"{column}: {cell[:40]!a} is not a whole number")


def parse_label(cell: str, layout: Layout, *, inverted: bool) -> int:
    """Return the stored value of a label: a whole number, or a known word.

    Parameters
    ----------
    cell : str
    layout : Layout
    inverted : bool
        Whether the file's two numbers mean the opposite of the pipeline's.

    Raises
    ------
    ValueError
        Names the known words.
    """
    target = layout.target
    word = layout.label_words.get(cell.lower())
    if word is not None:
        return word
    try:
        number = int(parse_number(target.source, cell, "int8"))  # type: ignore[arg-type]
    except ValueError as err:
        words = ", ".join(layout.label_words)
        raise ValueError(f"{err}, nor one of the known words: {words}") from None
    swapped = {target.positive: target.negative, target.negative: target.positive}
    return swapped.get(number, number) if inverted else number


def parse_date(cell: str) -> datetime | None:
    """Return the moment that a cell names, in UTC; None where it names none, or nonsense.

    ISO 8601, the same with slashes, RFC 2822, and seconds or milliseconds since 1970; without a
    time zone it is UTC. Dates whose day and month could be confused are not read.
    """
    try:
        moment = _moment(cell.strip())
        # At the ends of the calendar a zone leads out of it.
        in_utc = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return in_utc if EARLIEST <= in_utc < LATEST else None


def _moment(text: str) -> datetime:
    if _EPOCH.fullmatch(text):
        seconds = float(text)
        if seconds >= _EPOCH_MS_FROM:
            seconds /= 1000
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    iso = _YEAR_FIRST.sub(lambda found: f"{found[1]}-{found[2]:>02}-{found[3]:>02}", text, count=1)
    try:
        return datetime.fromisoformat(_UTC.sub("", iso))
    except ValueError:
        return parsedate_to_datetime(text)
