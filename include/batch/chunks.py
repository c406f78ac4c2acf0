"""Read a file chunk by chunk: the same file always gives the same chunks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from include.contract.headers import find_columns
from include.errors import DataRejectedError
from include.ingest.files.layout import Layout
from include.ingest.files.rows import read_lines, rows_of_line
from include.ingest.files.tables import Table
from include.ingest.files.text_lines import BadLine
from include.stores.parquet import stream_parquet

_STREAMED_ROWS = 1024
_CHUNK_BYTES = 32 * 1024 * 1024
_PARQUET = b"PAR1"
_SHOWN_COLUMNS = 20

Lines = list[tuple[int, str | BadLine]]


@dataclass(frozen=True)
class TextChunk:
    """Lines of a table or list that follow each other.

    Attributes
    ----------
    table : Table
    lines : list of (int, str or BadLine)
        With their numbers in the file.
    """

    table: Table
    lines: Lines


Chunk: TypeAlias = "TextChunk | pa.Table"


@dataclass(frozen=True)
class Rows:
    """The rows of a chunk.

    Attributes
    ----------
    sent : pa.Table
        Every column of the file.
    cells : list
        Of each row the texts of the model's inputs, or why it has none.
    """

    sent: pa.Table
    cells: list[list[str] | BadLine]


def is_parquet(path: Path) -> bool:
    """Return whether a file says at its beginning that it is Parquet."""
    with path.open("rb") as file:
        return file.read(len(_PARQUET)) == _PARQUET


def count_rows(path: Path) -> int | None:
    """Return how many rows a file has; None where only reading it would tell."""
    try:
        return pq.read_metadata(path).num_rows if is_parquet(path) else None
    except (pa.ArrowException, OSError):
        return None  # reading it will say what is wrong


def read_chunks(path: Path, layout: Layout, n_rows: int) -> Iterator[Chunk]:
    """Yield the rows of a file: Parquet, a table of text, or a list; plain or gzipped.

    Parameters
    ----------
    path : Path
    layout : Layout
        Without a label.
    n_rows : int
        Of a chunk; it has fewer where they are long.

    Raises
    ------
    DataRejectedError
        If it cannot be read, or lacks a column that the model takes.
    """
    try:
        read = _of_parquet if is_parquet(path) else _of_text
        yield from read(path, layout, n_rows)
    except OSError as err:
        raise DataRejectedError(f"{path}: cannot be read: {err.strerror or err}") from err


def _of_parquet(path: Path, layout: Layout, n_rows: int) -> Iterator[pa.Table]:
    batches: list[pa.RecordBatch] = []
    rows = size_bytes = 0
    for batch in stream_parquet(path, min(n_rows, _STREAMED_ROWS)):
        if not batches:
            _positions(batch.schema.names, layout, str(path))
        batches.append(batch)
        rows, size_bytes = rows + batch.num_rows, size_bytes + batch.nbytes
        if rows >= n_rows or size_bytes >= _CHUNK_BYTES:
            yield pa.Table.from_batches(batches)
            batches, rows, size_bytes = [], 0, 0
    if batches:
        yield pa.Table.from_batches(batches)


def _of_text(path: Path, layout: Layout, n_rows: int) -> Iterator[TextChunk]:
    lines: Lines = []
    size_chars = 0
    for number, table, line in read_lines(path, layout):
        lines.append((number, line))
        size_chars += len(line) if isinstance(line, str) else 0
        if len(lines) >= n_rows or size_chars >= _CHUNK_BYTES:
            yield TextChunk(table, lines)
            lines, size_chars = [], 0
    if lines:
        yield TextChunk(table, lines)


def rows_of(chunk: Chunk, layout: Layout) -> Rows:
    """Return the rows of a chunk; bad ones keep their place."""
    return _lines_apart(chunk, layout) if isinstance(chunk, TextChunk) else _columns(chunk, layout)


def _columns(table: pa.Table, layout: Layout) -> Rows:
    positions = _positions(table.column_names, layout, "the file")
    columns = [map(_as_cell, table.column(position).to_pylist()) for position in positions]
    names = _unique(table.column_names)
    return Rows(table.rename_columns(names), list(map(list, zip(*columns, strict=True))))


def _as_cell(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return "" if value is None else str(value)


def _lines_apart(chunk: TextChunk, layout: Layout) -> Rows:
    table = chunk.table
    positions = [table.columns.index(field.name) for field in layout.fields]
    width = len(table.header)
    written: list[list[str | None]] = []
    cells: list[list[str] | BadLine] = []
    for number, line in chunk.lines:
        for row in rows_of_line(number, line, table):
            if isinstance(row, BadLine):
                kept: list[str | None] = [None] * width
                kept[positions[0]] = line.rstrip("\r\n") if isinstance(line, str) else None
                written.append(kept)
                cells.append(row)
            else:
                written.append(list(row))
                cells.append([row[position] for position in positions])
    columns = list(zip(*written, strict=True)) or [()] * width
    arrays = [pa.array(map(_storable, column), pa.string()) for column in columns]
    return Rows(pa.Table.from_arrays(arrays, _unique(table.header)), cells)


def _storable(cell: str | None) -> str | None:
    """Return a cell without what no UTF-8 can hold: UTF-16 may have half of a pair."""
    return cell if cell is None or cell.isascii() else cell.encode(errors="replace").decode()


def _positions(names: Sequence[str], layout: Layout, where: str) -> list[int]:
    found = find_columns(names, layout.aliases)
    missing = [field.name for field in layout.fields if field.name not in found.positions]
    if missing:
        has = ", ".join(names[:_SHOWN_COLUMNS])
        raise DataRejectedError(f"{where}: no column {', '.join(missing)}; it has {has}")
    return [found.positions[field.name] for field in layout.fields]


def _unique(names: Sequence[str]) -> list[str]:
    """Return names for columns: numbered where they are empty or repeated."""
    unique: list[str] = []
    for number, name in enumerate(names, start=1):
        wanted = name or f"column_{number}"
        unique.append(wanted if wanted not in unique else f"{wanted}_{number}")
    return unique
