"""Parquet files that somebody else may have written: neither rows nor values are without end.

A few kilobytes can hold a billion rows, or one long string that each of a million rows repeats; and
the sizes that the file states need not be those of its pages.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.errors import DataRejectedError
from include.stores.memory_limit import memory_limit

MAX_UNPACKED_BYTES = 512 * 1024 * 1024
_BATCH_ROWS = 65_536
_STREAMED_BYTES = 64 * 1024 * 1024
_BUFFER_BYTES = 64 * 1024
_DECODING_BYTES = 256 * 1024 * 1024


def read_parquet(
    body: bytes, columns: Sequence[str], *, max_rows: int, max_bytes: int = MAX_UNPACKED_BYTES
) -> pa.Table:
    """Return columns of a Parquet file, none of them nested.

    Parameters
    ----------
    body : bytes
    columns : sequence of str
    max_rows : int
    max_bytes : int
        Of all values together, unpacked.

    Raises
    ------
    DataRejectedError
        If it is no such file, lacks a column, or has too many rows or bytes.
    """
    try:
        return _read(pa.BufferReader(body), columns, max_rows, max_bytes)
    except (pa.ArrowException, OSError, KeyError, MemoryError) as err:
        raise DataRejectedError(f"it is not a Parquet file of these columns: {err}") from err


def stream_parquet(path: Path, n_rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file in order, so many at a time; fewer where texts are long.

    Memory grows neither with the file nor with its row groups.

    Raises
    ------
    DataRejectedError
        If it is no such file.
    """
    try:
        texts = [field.name for field in pq.read_schema(path) if _is_text(field.type)]
        with (
            pq.ParquetFile(path, read_dictionary=texts, buffer_size=_BUFFER_BYTES) as measured,
            pq.ParquetFile(path, buffer_size=_BUFFER_BYTES) as file,
        ):
            for group in range(file.num_row_groups):
                with memory_limit(_DECODING_BYTES):
                    longest = _longest_repeated(measured, group, texts)
                at_once = max(1, min(n_rows, _STREAMED_BYTES // max(1, longest)))
                batches = file.iter_batches(at_once, row_groups=[group])
                while batch := _next(batches):
                    yield batch.replace_schema_metadata()
    except (pa.ArrowException, OSError, KeyError, MemoryError) as err:
        raise DataRejectedError(f"{path}: it is not a Parquet file: {err}") from err


def _next(batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
    with memory_limit(_DECODING_BYTES):
        return next(batches, None)


def _longest_repeated(file: pq.ParquetFile, group: int, texts: Sequence[str]) -> int:
    """Return the bytes of the longest texts that rows of a group may repeat, one of each column."""
    first = next(file.iter_batches(1, row_groups=[group], columns=list(texts)), None)
    if first is None:
        return 0
    # The first row comes with the whole dictionary of its column.
    lengths = (pc.max(pc.binary_length(column.dictionary)).as_py() for column in first.columns)
    return sum(length or 0 for length in lengths)


def _read(
    source: pa.BufferReader, columns: Sequence[str], max_rows: int, max_bytes: int
) -> pa.Table:
    metadata = pq.read_metadata(source)
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    _refuse_over("rows", max(metadata.num_rows, len(groups) - 1), max_rows)
    stated = sum(max(0, group.total_byte_size) for group in groups)
    _refuse_over("bytes unpacked", stated, max_bytes)
    types = {field.name: field.type for field in metadata.schema.to_arrow_schema()}
    nested = [name for name in columns if not _is_flat(types[name])]
    if nested:
        raise DataRejectedError(f"columns of another type than was written: {', '.join(nested)}")
    texts = [name for name in columns if _is_text(types[name])]
    # A text that many rows repeat is in memory once, until it is known how long all are together.
    file = pq.ParquetFile(source, read_dictionary=texts)
    batches, rows, size_bytes = [], 0, 0
    # Pages, their values and dictionaries; and eight bytes for each cell.
    with memory_limit(_DECODING_BYTES + 4 * stated + 8 * max(0, metadata.num_rows) * len(columns)):
        for batch in file.iter_batches(_BATCH_ROWS, columns=list(columns)):
            rows, size_bytes = rows + batch.num_rows, size_bytes + _unpacked_bytes(batch)
            _refuse_over("rows", rows, max_rows)
            _refuse_over("bytes unpacked", size_bytes, max_bytes)
            batches.append(batch)
    schema = pa.schema([(name, types[name]) for name in columns])
    if not batches:
        return schema.empty_table()
    return pa.Table.from_batches(batches).select(columns).cast(schema)


def _refuse_over(what: str, found: int, limit: int) -> None:
    if found > limit:
        raise DataRejectedError(f"it has {found:,} {what}, the limit is {limit:,}")


def _is_text(kind: pa.DataType) -> bool:
    return kind in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())


def _is_flat(kind: pa.DataType) -> bool:
    return _is_text(kind) or bool(pa.types.is_primitive(kind))


def _unpacked_bytes(batch: pa.RecordBatch) -> int:
    return sum(
        int(pc.sum(pc.binary_length(column.dictionary).take(column.indices)).as_py() or 0)
        if pa.types.is_dictionary(column.type)
        else column.nbytes
        for column in batch.columns
    )
