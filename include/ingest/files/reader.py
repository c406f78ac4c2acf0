"""Read CSV and ARFF files and plain lists as a stream of records.

One line is one record, so a broken quote costs one line and memory stays bounded by the longest
line allowed. Values outside a column's allowed set pass: validation quarantines them later.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from include.contract.headers import fit_row, is_absent, is_blank
from include.ingest.files.layout import Layout, Record, Value
from include.ingest.files.lists import entries
from include.ingest.files.tables import Table, read_head, split_cells
from include.ingest.files.text_lines import BadLine, open_lines
from include.ingest.files.values import parse_date, parse_label, parse_number


@dataclass(frozen=True)
class Row:
    """A record and the line of the file it stands in, counted from 1.

    Attributes
    ----------
    line : int
    record : Record
    label : str
        The label as the file has it; empty where it was given.
    lost_date : str
        A date that could not be read, or is nonsense, and is missing from the record.
    """

    line: int
    record: Record
    label: str = field(default="", compare=False)
    lost_date: str = field(default="", compare=False)


@dataclass(frozen=True)
class TableForm:
    """What the caller states about a table.

    Attributes
    ----------
    columns : tuple of str
        The names of its columns, where it has no header.
    keep : callable (mapping of str to str) -> bool, optional
        Whether a row, its cells by column, is read.
    """

    columns: tuple[str, ...] = ()
    keep: Callable[[Mapping[str, str]], bool] | None = None


def read_records(
    path: Path,
    layout: Layout,
    given: Mapping[str, Value] | None = None,
    *,
    inverted: bool = False,
    form: TableForm | None = None,
) -> Iterator[Row | BadLine]:
    """Yield each line's record, or the reason why it holds none, in the order of the file.

    Parameters
    ----------
    path : Path
        CSV (comma, semicolon, tab or bar), ARFF or, where one column is all that is not given, a
        list of its values, one per line (hosts files too); plain or gzipped.
    layout : Layout
        The columns expected.
    given : mapping of str to value, optional
        Values of columns that the file does not have, or of details that it leaves out.
    inverted : bool
        Whether the two numbers of the label mean the opposite of the pipeline's.
    form : TableForm, optional
        What a table does not say itself.

    Raises
    ------
    DataRejectedError
        If the file cannot be read as a table with these columns; names the file and line.
    """
    form = form or TableForm()
    rows = _Rows(layout, given or {}, inverted, form)
    for number, table, line in data_lines(path, layout, given or {}, form.columns):
        if isinstance(line, BadLine):
            yield line
        elif table.delimiter:
            if row := rows.of_table(number, line, table):
                yield row
        else:
            yield from rows.of_list(number, line)


def read_mappings(
    mappings: Iterable[Mapping[str, str]], layout: Layout, given: Mapping[str, Value]
) -> Iterator[Row | BadLine]:
    """Yield the record of each mapping of columns to cells, or why it holds none.

    Parameters
    ----------
    mappings : iterable of mapping of str to str
        Its keys are columns of the layout.
    layout : Layout
    given : mapping of str to value
        As in `read_records`.
    """
    rows = _Rows(layout, given, False, TableForm())
    for number, cells in enumerate(mappings, start=1):
        yield rows.of_mapping(number, cells)


def read_cells(path: Path, layout: Layout) -> Iterator[dict[str, str]]:
    """Yield the cells of each row of a table as they are written, by column of the layout.

    Parameters
    ----------
    path : Path
    layout : Layout

    Raises
    ------
    DataRejectedError
        As `read_records` does.
    """
    for _, table, line in data_lines(path, layout, {}):
        if isinstance(line, str):
            try:
                cells = split_cells(line, table.delimiter, table.quotechar)
            except csv.Error:
                continue
            yield {name: cell for name, cell in zip(table.columns, cells, strict=False) if name}


def data_lines(
    path: Path, layout: Layout, given: Mapping[str, Value], columns: tuple[str, ...] = ()
) -> Iterator[tuple[int, Table, str | BadLine]]:
    """Yield the lines behind the head that are neither empty nor comments.

    Parameters and errors are those of `read_records`; `columns` are those of `TableForm`.
    """
    with open_lines(path) as lines:
        table, lines = read_head(path, lines, layout, given, columns)
        for number, line in lines:
            if isinstance(line, BadLine) or (
                line.strip() and not (table.comment and line.lstrip().startswith(table.comment))
            ):
                yield number, table, line


class _Rows:
    """Lines of one file turned into records."""

    def __init__(
        self, layout: Layout, given: Mapping[str, Value], inverted: bool, form: TableForm
    ) -> None:
        self._layout = layout
        self._keep = form.keep
        self._given = given
        self._inverted = inverted
        self._text = layout.fields[0].name

    def of_list(self, number: int, line: str) -> Iterator[Row | BadLine]:
        """Yield the records of a line of a list: one, or several of a hosts file."""
        try:
            values = entries(line, self._layout.read_text)
        except ValueError as err:
            yield BadLine(number, str(err), {self._text: line.strip()})
            return
        for value in values:
            yield self._whole(number, {self._text: value})

    def of_table(self, number: int, line: str, table: Table) -> Row | BadLine | None:
        """Return the record of a line of a table; None of a row without any content."""
        try:
            written = split_cells(line, table.delimiter, table.quotechar)
            if is_blank(written):
                return None
            cells = fit_row(written, table.header)
            if cells is None:
                n_named = len(table.columns)
                return BadLine(number, f"{len(written)} cells instead of {n_named}")
            if self._keep and not self._keep(dict(zip(table.header, cells, strict=True))):
                return None
        except (csv.Error, ValueError) as err:
            return BadLine(number, str(err))
        return self.of_mapping(number, dict(zip(table.columns, cells, strict=True)))

    def of_mapping(self, number: int, cells: Mapping[Any, str]) -> Row | BadLine:
        """Return the record of cells by column of the layout; those of no column are left out."""
        try:
            read = self._of_cells(number, cells)
        except ValueError as err:
            read = BadLine(number, str(err))
        if isinstance(read, BadLine):
            return replace(read, cells={name: cell for name, cell in cells.items() if name})
        return read

    def _of_cells(self, number: int, cells: Mapping[Any, str]) -> Row | BadLine:
        record: Record = {}
        label, lost_date = "", ""
        dtypes, target = self._layout.dtypes, self._layout.target.source
        for column, cell in cells.items():
            if column is None or is_absent(cell):
                continue
            dtype = dtypes[column]
            if column == target:
                label = cell
                record[column] = parse_label(cell, self._layout, inverted=self._inverted)
            elif dtype == "timestamp":
                moment = parse_date(cell)
                if moment is None:
                    lost_date = cell
                else:
                    record[column] = moment
            elif dtype == "string":
                record[column] = self._read(column, cell)
            else:
                record[column] = parse_number(column, cell, dtype)
        if not record:
            return BadLine(number, "every cell is empty")
        return self._whole(number, record, label, lost_date)

    def _read(self, column: str, cell: str) -> str:
        if column != self._text or self._layout.read_text is None:
            return cell
        try:
            return self._layout.read_text(cell)
        except ValueError as err:
            raise ValueError(f"{column}: {err}") from err

    def _whole(
        self, number: int, record: Record, label: str = "", lost_date: str = ""
    ) -> Row | BadLine:
        whole = {**self._given, **record}
        fault = _fault(whole, self._layout)
        return BadLine(number, fault) if fault else Row(number, whole, label, lost_date)


def _fault(record: Record, layout: Layout) -> str:
    """Return why a record does not say what it is about; nothing if it does."""
    if layout.identity is None:
        return ""
    for column in layout.identity.columns:
        if column not in record:
            return f"{column} is missing"
    label = layout.target.source
    if record[label] not in layout.labels.values():
        return f"{label}: {record[label]} is not a label"
    return ""
