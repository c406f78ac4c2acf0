"""Rows of files as they are written, for those that are scored: bad ones are kept."""

import csv
from collections.abc import Iterator
from pathlib import Path

from include.contract.headers import fit_row, is_blank
from include.errors import UrlRefusedError
from include.ingest.files.layout import Layout
from include.ingest.files.lists import entries
from include.ingest.files.reader import data_lines
from include.ingest.files.tables import Table, split_cells
from include.ingest.files.text_lines import BadLine

Cells = list[str]  # one for each column of the table


def read_lines(path: Path, layout: Layout) -> Iterator[tuple[int, Table, str | BadLine]]:
    """Yield the lines of a table or list that may hold rows, with their numbers.

    Parameters
    ----------
    path : Path
    layout : Layout
        Without a label: see `Layout.unlabelled`.

    Raises
    ------
    DataRejectedError
        If the file is neither a table with the columns of the layout nor a list.
    """
    return data_lines(path, layout, {layout.target.source: 0})


def rows_of_line(number: int, line: str | BadLine, table: Table) -> list[Cells | BadLine]:
    """Return the rows of a line: in most cases one; several of a hosts file; none without cells."""
    if isinstance(line, BadLine):
        return [line]
    if not table.delimiter:
        try:
            return [[entry] for entry in entries(line, str)]
        except (ValueError, UrlRefusedError) as err:
            return [BadLine(number, str(err), {table.header[0]: line.strip()})]
    try:
        written = split_cells(line, table.delimiter, table.quotechar)
    except csv.Error as err:
        return [BadLine(number, str(err))]
    if is_blank(written):
        return []
    cells = fit_row(written, table.header)
    if cells is None:
        return [BadLine(number, f"{len(written)} cells instead of {len(table.header)}")]
    return [cells]


def read_rows(path: Path, layout: Layout) -> Iterator[tuple[Table, Cells | BadLine]]:
    """Yield the rows of a file and the table they are of; parameters and errors as `read_lines`."""
    for number, table, line in read_lines(path, layout):
        for row in rows_of_line(number, line, table):
            yield table, row
