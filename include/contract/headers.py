"""Rules for tables of text that `load` and the scorer's uploads share.

Which column a header names, which cells hold nothing, and which rows are only what a spreadsheet
left behind.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from include.contract.schema import InputField

DELIMITERS = ",;\t|"
_ABSENT = frozenset({"", "?", "na", "n/a", "#n/a", "nan", "<na>", "null", "none"})
_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_NOT_IN_NAMES = re.compile(r"[\W_]+")
_INVISIBLE = " \t\ufeff\u200b"
_UNNAMED = re.compile(r"(unnamed[0-9]*)?")  # pandas calls a column without a name "Unnamed: 0"


@dataclass(frozen=True)
class Columns:
    """Where a header has the columns that were looked for.

    Attributes
    ----------
    positions : dict of str to int
        Of each column found.
    repeated : tuple of str
        Columns that the header names more than once.
    others : tuple of int
        Positions of the named columns that were not looked for.
    """

    positions: dict[str, int]
    repeated: tuple[str, ...]
    others: tuple[int, ...]


def fold(name: str) -> str:
    """Return a column name without case, blanks, underscores and other marks."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return _NOT_IN_NAMES.sub("", text) or text.strip(_INVISIBLE)


def is_unnamed(name: str) -> bool:
    """Return whether a column has no name: an index, or what a spreadsheet left behind."""
    return _UNNAMED.fullmatch(fold(name)) is not None


def aliases(fields: Iterable[InputField]) -> dict[str, tuple[str, ...]]:
    """Return the known aliases of each field, as `find_columns` takes them."""
    return {field.name: (field.name, *field.aliases) for field in fields}


def find_columns(header: Sequence[str], wanted: Mapping[str, Sequence[str]]) -> Columns:
    """Return where a header has the wanted columns.

    Parameters
    ----------
    header : sequence of str
    wanted : mapping of str to sequence of str
        Known aliases of each column, its own name first: the first one that the header has is
        taken, so that a column `Domain` beside `URL` is not taken for it.
    """
    at: dict[str, list[int]] = {}
    for position, name in enumerate(header):
        if not is_unnamed(name):
            at.setdefault(fold(name), []).append(position)
    positions: dict[str, int] = {}
    repeated: list[str] = []
    for column, names in wanted.items():
        found = next((at[fold(name)] for name in names if fold(name) in at), [])
        exact = [position for position in found if header[position] == column]
        if len(found) > 1 and len(exact) != 1:
            repeated.append(column)
        if found:
            positions[column] = (exact or found)[0]
    taken = set(positions.values())
    others = tuple(sorted(p for places in at.values() for p in places if p not in taken))
    return Columns(positions, tuple(repeated), others)


def is_absent(cell: str) -> bool:
    """Return whether a cell holds no value: empty, ``?``, ``NaN``, ``NULL`` and such."""
    return cell.strip().casefold() in _ABSENT


def is_blank(cells: Iterable[str]) -> bool:
    """Return whether a row is nothing but empty cells, as spreadsheets append them."""
    return not any(map(str.strip, cells))


def fit_row(cells: list[str], header: Sequence[str]) -> list[str] | None:
    """Return a row as long as its header, or None where named cells are missing or too many.

    Only cells without content and without a name are added or cut.
    """
    surplus, n_missing = cells[len(header) :], len(header) - len(cells)
    if any(map(str.strip, surplus)) or not all(map(is_unnamed, header[len(cells) :])):
        return None
    return cells[: len(header)] + [""] * n_missing


def delimiter_of(header_line: str) -> str:
    """Return what separates the cells: the most frequent candidate of the header's line."""
    return max(DELIMITERS, key=header_line.count)


def declared_delimiter(line: str) -> str | None:
    """Return the delimiter that a first line such as ``sep=;`` declares to Excel, if it does."""
    found = _SEPARATOR.fullmatch(line.strip("\r\n\ufeff "))
    return found[1] if found else None
