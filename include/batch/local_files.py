"""Files of this machine as inputs, and one file as the result."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from include.contract.csv_formulas import neutral
from include.contract.run_documents import BatchInput, BatchJob
from include.errors import BatchRefusedError, DatasetRefusedError

_UNFINISHED = ".unfinished"
_INPUT_FILE = "input_file"


def find_inputs(paths: Sequence[Path]) -> tuple[BatchInput, ...]:
    """Return files, and those of folders in order of their names; hidden ones are left out.

    Raises
    ------
    DatasetRefusedError
        If there is none.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            within = sorted(each for each in path.rglob("*") if each.is_file())
            found += [each for each in within if not _is_hidden(each.relative_to(path))]
        elif path.is_file():
            found.append(path)
        else:
            raise DatasetRefusedError(f"{path}: there is no such file or folder")
    if not found:
        raise DatasetRefusedError(f"{', '.join(map(str, paths))}: there is no file")
    return tuple(_describe(path.resolve()) for path in found)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _describe(path: Path) -> BatchInput:
    found = path.stat()
    return BatchInput(str(path), found.st_size, f"{found.st_mtime_ns:x}")


@contextmanager
def open_file(pinned: BatchInput) -> Iterator[Path]:
    """Give the file of an input.

    Raises
    ------
    BatchRefusedError
        If it changed since the job began.
    """
    path = Path(pinned.name)
    if not path.is_file() or _describe(path) != pinned:
        raise BatchRefusedError(f"{path} changed since the job began: choose another destination")
    yield path


def join_parts(folder: Path, job: BatchJob, out: Path, *, as_csv: bool) -> None:
    """Leave the rows of all parts, in order, in one file; it is there whole or not at all.

    With several inputs the first column names the file of each row. Cells of CSV that a
    spreadsheet would take for a formula begin with an apostrophe.

    Raises
    ------
    BatchRefusedError
        If the inputs have different columns, or no row.
    """
    unfinished = out.with_name(f"{out.name}{_UNFINISHED}")
    tables = _tables(folder, job)
    first = next(tables, None)
    if first is None:
        raise BatchRefusedError(f"{out}: the inputs have no row")
    write = _write_csv if as_csv else _write_parquet
    write(unfinished, first.schema, _alike(first, tables, out))
    unfinished.replace(out)


def _tables(folder: Path, job: BatchJob) -> Iterator[pa.Table]:
    for path in sorted(folder.glob("part-*.parquet")):
        table = pq.read_table(path).replace_schema_metadata()
        if len(job.inputs) > 1:
            name = job.inputs[int(path.name.split("-")[1])].name
            names = pa.array([name] * table.num_rows, pa.string())
            table = table.add_column(0, _INPUT_FILE, names)
        yield table


def _alike(first: pa.Table, others: Iterator[pa.Table], out: Path) -> Iterator[pa.Table]:
    yield first
    for table in others:
        if table.schema != first.schema:
            raise BatchRefusedError(
                f"{out}: the inputs have different columns, which one file cannot hold: name a "
                "folder, which then has the rows of each input in files of its own"
            )
        yield table


def _write_parquet(path: Path, schema: pa.Schema, tables: Iterator[pa.Table]) -> None:
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)


def _write_csv(path: Path, schema: pa.Schema, tables: Iterator[pa.Table]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(map(neutral, schema.names))
        for table in tables:
            columns = [map(_cell, column.to_pylist()) for column in table.columns]
            writer.writerows(zip(*columns, strict=True))


def _cell(value: Any) -> object:
    if isinstance(value, int | float):
        return value
    return "" if value is None else neutral(str(value))
