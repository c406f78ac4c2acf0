"""The head of a file: whether it is a table or a list, and which columns it has."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from include.contract.foreign_formats import text_format
from include.contract.headers import (
    declared_delimiter,
    delimiter_of,
    find_columns,
    fold,
)
from include.errors import DataRejectedError
from include.ingest.files.layout import Layout, Value
from include.ingest.files.lists import Reader, is_comment, is_entry
from include.ingest.files.text_lines import BadLine, Lines

_SAMPLED_LINES = 100
_MIN_SHARE_OF_ENTRIES = 0.25
_ATTRIBUTE = re.compile(r"@attribute\s+('[^']*'|\"[^\"]*\"|[^\s{]+)", re.IGNORECASE)
_ARFF = re.compile(r"@(?:relation|attribute|data)\b", re.IGNORECASE)
_NAME = re.compile(r"(?!.*\.(?:\s|$))[\w .\-()/]{0,40}")  # and no sentence
_SHOWN_CHARS = 60

_LABEL_HINT = "; if all its records are phishing, or all legitimate, state that as the label"

Given = Mapping[str, Value]


@dataclass(frozen=True)
class Table:
    """The layout of a file's rows, from its head.

    Attributes
    ----------
    columns : tuple of str or None
        Each column's name in the layout; None for one that is left out.
    header : tuple of str
        The names in the file.
    delimiter : str
        Empty for a list, each of whose lines is one value.
    quotechar : str
    comment : str
        Lines that begin with it hold no record; empty where there are none.
    """

    columns: tuple[str | None, ...]
    header: tuple[str, ...]
    delimiter: str
    quotechar: str = '"'
    comment: str = ""


def read_head(
    path: Path, lines: Lines, layout: Layout, given: Given, columns: Sequence[str] = ()
) -> tuple[Table, Lines]:
    """Return what the columns of a file are, and its lines from the first row of data on.

    Parameters
    ----------
    path : Path
    lines : iterator of (int, str or BadLine)
    layout : Layout
    given : mapping of str to value
    columns : sequence of str
        The names of the columns of a table without a header.

    Raises
    ------
    DataRejectedError
        If it is neither a table with these columns nor a list; names the file, the line, and what
        it is instead.
    """
    sample = list(islice(lines, _SAMPLED_LINES))
    declared, comment = "", ""
    for index, (number, line) in enumerate(sample):
        where = f"{path}, line {number}"
        if isinstance(line, BadLine):
            raise DataRejectedError(f"{where}: {line.reason}; is this a CSV file?")
        if not line.strip() or line.startswith("%"):
            continue
        if _ARFF.match(line):
            rest = iter(chain(sample[index:], lines))
            return _arff_head(path, rest, layout, given), rest
        if is_comment(line):
            comment = line.strip().lstrip("#").strip()
        elif delimiter := declared_delimiter(line):
            declared = delimiter
        elif found := text_format(line):
            raise DataRejectedError(f"{where}: this is {found}")
        elif columns:
            named = match_header(where, list(columns), delimiter_of(line), layout, given, "#")
            return named, chain(sample[index:], lines)
        else:
            head = _Head(where, line, layout, given, declared or delimiter_of(line))
            if table := head.below(comment):
                return table, chain(sample[index:], lines)
            if table := head.table():
                return table, chain(sample[index + 1 :], lines)
            texts = [text for _, text in sample[index:] if isinstance(text, str)]
            return head.list_of(texts), chain(sample[index:], lines)
    raise DataRejectedError(f"{path}: the file is empty")


def split_cells(line: str, delimiter: str, quotechar: str = '"') -> list[str]:
    """Return the cells of a line, without blanks around them.

    Raises
    ------
    csv.Error
        If its quotes are broken.
    """
    reader = csv.reader([line], delimiter=delimiter, quotechar=quotechar, strict=True)
    return [cell.strip() for cell in next(reader, [])]


class _Head:
    """The first line of a file that is not a comment, parsed as a header or as data."""

    def __init__(self, where: str, line: str, layout: Layout, given: Given, delimiter: str) -> None:
        self._where = where
        self._line = line
        self._layout = layout
        self._given = given
        self._delimiter = delimiter
        self._missing = [name for name in layout.required if name not in given]
        is_text = len(layout.fields) == 1 and layout.fields[0].dtype == "string"
        self._text = layout.fields[0].name if is_text else ""

    def below(self, comment: str) -> Table | None:
        """Return the table whose header is the comment above the first line, if it is one."""
        try:
            names = split_cells(comment, delimiter_of(comment))
            width = len(split_cells(self._line, delimiter_of(comment)))
        except csv.Error:
            return None
        found = find_columns(names, self._layout.aliases)
        needed = {self._text} if self._text else set(self._missing)
        if len(names) != width or width < 2 or not needed <= set(found.positions):
            return None
        return self._matched(names, delimiter_of(comment), "#")

    def table(self) -> Table | None:
        """Return the table whose header this line is; None if a list may begin here.

        Raises
        ------
        DataRejectedError
            If it is a header without the columns that are needed.
        """
        try:
            names = split_cells(self._line, self._delimiter)
        except csv.Error as err:
            if self._text:
                return None
            raise DataRejectedError(f"{self._where}: {err}") from err
        if self._text in find_columns(names, self._layout.aliases).positions:
            return self._matched(names, self._delimiter)
        if not self._text or self._is_header(names):
            return self._matched(names, self._delimiter)
        return None

    def list_of(self, texts: list[str]) -> Table:
        """Return the list, or the ranked list (``1,example.com``), that begins with these lines.

        Raises
        ------
        DataRejectedError
            If too few lines are entries, each is a row of a table, or the label is not given.
        """
        read = self._layout.read_text
        rows = [_cells(text, self._delimiter) for text in texts if text.strip()]
        ranked = [len(row) == 2 and row[0].isdigit() and is_entry(row[1], read) for row in rows]
        n_entries = sum(is_entry(text, read) for text in texts if text.strip())
        if not all(ranked) and _is_headerless(rows, n_entries, read):
            raise DataRejectedError(
                f"{self._where}: a table without a header: put a line with the names of its "
                f"columns above it, such as {self._text}{self._delimiter}..."
            )
        if not all(ranked) and n_entries < _MIN_SHARE_OF_ENTRIES * len(rows):
            raise DataRejectedError(
                f"{self._where}: {self._line.strip()[:_SHOWN_CHARS]!a} is neither a header with "
                f"the column {self._text!r} nor an entry of a list: a list has one URL or host "
                "per line"
            )
        if self._missing != [self._text]:
            missing = ", ".join(map(repr, self._missing))
            raise DataRejectedError(
                f"{self._where}: missing column {missing}; a plain list is read where its label "
                "is given: say whether it is phishing or legitimate"
            )
        if all(ranked):
            return Table((None, self._text), ("rank", self._text), self._delimiter)
        return Table((self._text,), (self._text,), "", comment="#")

    def _is_header(self, names: list[str]) -> bool:
        """Return whether a line names columns, known or not, rather than being an entry."""
        read = self._layout.read_text
        return (
            len(names) > 1
            and all(map(_NAME.fullmatch, names))
            and not any(name.isdigit() or (read and is_entry(name, read)) for name in names if name)
        )

    def _matched(self, names: list[str], delimiter: str, comment: str = "") -> Table:
        return match_header(self._where, names, delimiter, self._layout, self._given, comment)


def _is_headerless(rows: list[list[str]], n_entries: int, read: Reader | None) -> bool:
    """Return whether lines are rows of a table, rather than URLs that hold the delimiter."""
    if len({len(row) for row in rows}) > 1 or len(rows[0]) == 1 or (n_entries and len(rows) < 3):
        return False
    return any(is_entry(cell, read) for cell in rows[0] if cell)


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return split_cells(line, delimiter)
    except csv.Error:
        return [line]


def match_header(
    where: str,
    names: list[str],
    delimiter: str,
    layout: Layout,
    given: Given,
    comment: str = "",
    quotechar: str = '"',
) -> Table:
    """Return the table with these column names.

    Raises
    ------
    DataRejectedError
        If a column is unknown (where the layout is strict), missing, repeated, or given although
        the file has it.
    """
    label = layout.target.source
    wanted = layout.aliases
    if label in given:  # only its own name can contradict what is given, not an alias
        wanted = wanted | {label: (label,)}
    found = find_columns(names, wanted)
    ignored = {fold(name) for name in layout.ignored}
    unknown = [names[at] for at in found.others if fold(names[at]) not in ignored]
    faults = {
        "unknown": unknown if layout.strict else [],
        "missing": [name for name in layout.required if name not in {*found.positions, *given}],
        "repeated": list(found.repeated),
        "given although present,": [
            name for name in layout.required if name in given and name in found.positions
        ],
    }
    for kind, wrong in faults.items():
        if wrong:
            shown = ", ".join(ascii(name)[:_SHOWN_CHARS] for name in wrong[:5])
            more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
            hint = _LABEL_HINT if wrong == [label] and kind == "missing" else ""
            raise DataRejectedError(f"{where}: {kind} column {shown}{more}{hint}")
    by_position = {position: name for name, position in found.positions.items()}
    columns = tuple(by_position.get(position) for position in range(len(names)))
    return Table(columns, tuple(names), delimiter, quotechar, comment)


def _arff_head(path: Path, lines: Lines, layout: Layout, given: Given) -> Table:
    """Read the @attribute lines up to @data."""
    names: list[str] = []
    for number, line in lines:
        where = f"{path}, line {number}"
        if isinstance(line, BadLine):
            raise DataRejectedError(f"{where}: {line.reason}")
        if found := _ATTRIBUTE.match(line.strip()):
            names.append(found[1].strip("'\""))
        elif line.strip().lower() == "@data":
            return match_header(where, names, ",", layout, given, "%", "'")
    raise DataRejectedError(f"{path}: an ARFF file without @data")
