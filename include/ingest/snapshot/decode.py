"""Batches of BSON to Arrow: by layout where that is proved right, else value by value."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.contract.schema import InputField
from include.ingest.snapshot.bson_layout import Batch, BsonLayout, Found
from include.ingest.snapshot.values import (
    ARROW_TYPES,
    EARLIEST_MS,
    LATEST_MS,
    Decoded,
    decode_documents,
    table_schema,
)
from include.stores.bson_elements import DOUBLE, NULL, OBJECT_ID, STRING

# A layout must fit this share of a batch, so there are at most as many; and at least so many rows.
_MAX_LAYOUTS = 16
_MIN_ROWS = 32
# Where documents differ that much, reading them value by value costs less than comparing layouts.
_MAX_MISSES = 4
_HEX_PAIRS = np.array([f"{byte:02x}".encode() for byte in range(256)])

Values = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


class BatchDecoder:
    """Decodes the batches of one collection, and caches their layouts.

    Parameters
    ----------
    columns : sequence of InputField
    """

    def __init__(self, columns: Sequence[InputField]) -> None:
        self._columns = columns
        self._dtypes = {"_id": "id", **{column.name: column.dtype for column in columns}}
        self._layouts: list[BsonLayout] = []

    def decode(self, encoded: memoryview) -> Decoded:
        """Return the rows of a BSON array of documents, in any order.

        Raises
        ------
        DataRejectedError
            If a document is not valid BSON.
        """
        reading = _Reading(Batch.of(encoded), self._columns)
        worth = max(_MIN_ROWS, len(reading.left) // _MAX_LAYOUTS)
        known = [layout for layout in self._layouts if reading.by(layout) >= worth]
        misses = 0
        while len(reading.left) >= _MIN_ROWS and misses < _MAX_MISSES:
            layout = BsonLayout.learn(reading.batch.document(reading.left[0]), self._dtypes)
            n_read = reading.by(layout) if layout else reading.set_aside()
            if layout and n_read >= worth:
                known.append(layout)
            else:
                misses += 1
        self._layouts = known
        return reading.finish()


class _Reading:
    """One batch: the rows read so far, and those left."""

    def __init__(self, batch: Batch, columns: Sequence[InputField]) -> None:
        self.batch = batch
        self.left = np.arange(len(batch.starts))
        self._columns = columns
        self._odd: list[npt.NDArray[np.int64]] = []
        self._tables = [table_schema(columns).empty_table()]

    def by(self, layout: BsonLayout) -> int:
        """Return how many of the rows left had this layout; they are read now."""
        found = layout.find(self.batch, self.left)
        if not len(found.rows):
            return 0
        table, held = _table(self.batch, found, self._columns)
        self._tables.append(table if held.all() else table.filter(pa.array(held)))
        self._odd.append(found.rows[~held])
        self.left = np.setdiff1d(self.left, found.rows, assume_unique=True)
        return len(found.rows)

    def set_aside(self) -> int:
        """Return 0; the first row left will be read value by value."""
        self._odd.append(self.left[:1])
        self.left = self.left[1:]
        return 0

    def finish(self) -> Decoded:
        """Return all rows; those that no layout fitted are read value by value."""
        odd = np.concatenate([*self._odd, self.left])
        slow = decode_documents((self.batch.document(row) for row in odd), self._columns)
        return Decoded(pa.concat_tables([*self._tables, slow.table]), slow.type_errors)


def _table(batch: Batch, found: Found, columns: Sequence[InputField]) -> tuple[pa.Table, Mask]:
    """Return found documents as a table, and which of its rows are held exactly."""
    ids, held = _ids(batch, *found.values["_id"])
    arrays = [ids]
    for column in columns:
        kind, values = found.values.get(column.name, (NULL, held))
        if kind == NULL:
            array, fits = pa.nulls(len(values), ARROW_TYPES[column.dtype]), held
        elif kind == STRING:
            array, fits = _strings(batch, values)
        elif column.dtype == "timestamp":
            array = pa.array(values).cast(ARROW_TYPES["timestamp"])
            fits = (values >= EARLIEST_MS) & (values < LATEST_MS)
        else:
            array, fits = _numbers(column.dtype, kind, values)
        arrays.append(array)
        held = held & fits
    return pa.Table.from_arrays(arrays, schema=table_schema(columns)), held


def _numbers(dtype: str, kind: int, values: Values) -> tuple[pa.Array, Mask]:
    """Return numbers as ``"int8"`` or ``"float32"``, NaN as null, and which of them fit."""
    missing = np.isnan(values) if kind == DOUBLE else None
    with np.errstate(invalid="ignore", over="ignore"):
        narrow = values.astype(np.int8 if dtype == "int8" else np.float32)
    fits = narrow == values if dtype == "int8" else np.isfinite(narrow) | np.isinf(values)
    if missing is not None:
        fits |= missing
    return pa.array(narrow, mask=missing), fits


def _ids(batch: Batch, kind: int, values: Values) -> tuple[pa.Array, Mask]:
    """Return `_id` as text, and which of them are held exactly."""
    if kind == STRING:
        return _strings(batch, values)
    if kind == OBJECT_ID:
        octets = values.view(np.uint8).reshape(-1, 12)
        values = _HEX_PAIRS[octets].view("S24").ravel()
    return pa.array(values).cast(pa.string()), np.ones(len(values), dtype=np.bool_)


def _strings(batch: Batch, extents: Values) -> tuple[pa.Array, Mask]:
    """Return the strings at these extents of the batch, null where they are not UTF-8.

    Seen as one Arrow array over the batch's own bytes, every second entry is a string and the
    others are what lies between; taking the strings copies them out.
    """
    edges = np.empty(2 * len(extents), dtype=np.int32)
    edges[0::2] = extents[:, 0]
    edges[1::2] = extents[:, 0] + extents[:, 1]
    buffers = [None, pa.py_buffer(edges), pa.py_buffer(batch.encoded)]
    pieces = pa.Array.from_buffers(pa.binary(), len(edges) - 1, buffers)
    strings = pieces.take(pa.array(np.arange(0, len(pieces), 2)))
    try:
        return strings.cast(pa.string()), np.ones(len(strings), dtype=np.bool_)
    except pa.ArrowInvalid:
        texts = [_text(string.as_py()) for string in strings]
        return pa.array(texts, pa.string()), np.array([text is not None for text in texts])


def _text(encoded: bytes) -> str | None:
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        return None
