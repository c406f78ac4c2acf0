"""BSON to Arrow without silent loss: a value its column cannot hold is missing *and* reported.

Each value is held exactly, or is missing, or is listed with its `_id`, text and BSON type.
pymongoarrow 1.15 cuts 0.5 to 0 and takes true for 1 silently, so it needs a second query that lists
values of wrong types: reading 1,000,000 records of 31 integers took it 52 s and that query 84 s,
where ``list(find())`` takes 58 s and this code 8 s, and its memory grows with the rows.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import bson
import numpy as np
import pyarrow as pa
from bson import json_util
from bson.binary import UUID_SUBTYPE, Binary
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.errors import InvalidBSON
from bson.int64 import Int64
from bson.objectid import ObjectId

from include.contract.schema import InputField
from include.errors import DataRejectedError

ARROW_TYPES = {
    "int8": pa.int8(),
    "float32": pa.float32(),
    "string": pa.string(),
    "timestamp": pa.timestamp("ms", tz="UTC"),
}
TYPE_ERRORS_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("_id", "column", "value", "bson_type")]
)
_FLOAT32_MAX = 3.4028235677973366e38
_MAX_VALUE_CHARS = 200
_EXACT: CodecOptions[dict[str, Any]] = CodecOptions(
    document_class=dict, datetime_conversion=DatetimeConversion.DATETIME_MS
)
_LENIENT = _EXACT.with_options(unicode_decode_error_handler="replace")
_REPLACED = "\ufffd"  # what bytes that are no UTF-8 are decoded to
# Dates that numpy, pandas and Python's datetime all hold, in whatever unit and time zone.
EARLIEST_MS = int(np.datetime64("1700-01-01", "ms").astype(np.int64))
LATEST_MS = int(np.datetime64("2262-01-01", "ms").astype(np.int64))
_BSON_TYPES: dict[type, str] = {
    bool: "bool",
    int: "int",
    Int64: "long",
    float: "double",
    Decimal128: "decimal",
    str: "string",
    dict: "object",
    list: "array",
    bytes: "binData",
    Binary: "binData",
    DatetimeMS: "date",
    ObjectId: "objectId",
}


@dataclass(frozen=True)
class Decoded:
    """Rows of one batch.

    Attributes
    ----------
    table : pyarrow.Table
        Column `_id` (string), then the asked-for columns, typed; rows in no particular order.
    type_errors : pyarrow.Table
        Columns `_id`, `column`, `value` (text, at most 200 characters) and `bson_type` (as
        MongoDB's ``$type`` names it) of each value that is missing from `table` because its
        column cannot hold it.
    """

    table: pa.Table
    type_errors: pa.Table


def table_schema(columns: Sequence[InputField]) -> pa.Schema:
    """Return the Arrow schema of records: `_id` as a string, then the columns."""
    fields = [(column.name, ARROW_TYPES[column.dtype]) for column in columns]
    return pa.schema([("_id", pa.string()), *fields])


def id_text(value: object) -> str:
    """Return an `_id` of any BSON type as text: hex of an ObjectId, a string as it is."""
    if isinstance(value, Binary) and value.subtype == UUID_SUBTYPE:
        value = value.as_uuid()
    if isinstance(value, (str, ObjectId, int, UUID)) and not isinstance(value, bool):
        return str(value)
    return json_util.dumps(value, json_options=json_util.CANONICAL_JSON_OPTIONS)


def decode_documents(documents: Iterable[bytes], columns: Sequence[InputField]) -> Decoded:
    """Return the rows of single BSON documents, each value checked on its own.

    Parameters
    ----------
    documents : iterable of bytes
    columns : sequence of InputField

    Raises
    ------
    DataRejectedError
        If a document is not valid BSON.
    """
    ids: list[str] = []
    cells: list[list[Any]] = [[] for _ in columns]
    holders = [(column.name, _HOLD[column.dtype]) for column in columns]
    errors: list[tuple[str, str, str, str]] = []
    for encoded in documents:
        document, is_utf8 = _decoded(encoded)
        ids.append(id_text(document["_id"]))
        for (name, hold), column_cells in zip(holders, cells, strict=True):
            value = document.get(name)
            is_broken = not is_utf8 and isinstance(value, str) and _REPLACED in value
            held = None if is_broken else hold(value)
            column_cells.append(held)
            if held is None and not _is_missing(value):
                kind = "string, not UTF-8" if is_broken else _bson_type(value)
                errors.append((ids[-1], name, _value_text(value), kind))
    return Decoded(
        pa.table([ids, *cells], schema=table_schema(columns)),
        pa.table(
            [list(part) for part in zip(*errors, strict=True)] or [[]] * 4,
            schema=TYPE_ERRORS_SCHEMA,
        ),
    )


def _decoded(encoded: bytes) -> tuple[dict[str, Any], bool]:
    """Return a document, and whether all its text is UTF-8; MongoDB stores any bytes as text."""
    try:
        return bson.decode(encoded, _EXACT), True
    except (InvalidBSON, UnicodeDecodeError):
        pass
    try:
        return bson.decode(encoded, _LENIENT), False
    except (InvalidBSON, UnicodeDecodeError) as err:
        raise DataRejectedError(f"a record is not valid BSON: {err}") from err


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _int8(value: Any) -> int | None:
    if type(value) in (int, Int64, float) and -128 <= value <= 127 and value == int(value):
        return int(value)
    return None


def _float32(value: Any) -> float | None:
    if type(value) in (int, Int64, float) and (abs(value) <= _FLOAT32_MAX or math.isinf(value)):
        return float(value)
    return None


def _string(value: object) -> str | None:
    return value if type(value) is str else None


def _timestamp(value: object) -> int | None:
    if isinstance(value, DatetimeMS) and EARLIEST_MS <= int(value) < LATEST_MS:
        return int(value)
    return None


# A missing value (None, NaN) is held as None, like one that cannot be held.
_HOLD: dict[str, Callable[[object], object]] = {
    "int8": _int8,
    "float32": _float32,
    "string": _string,
    "timestamp": _timestamp,
}


def _bson_type(value: object) -> str:
    return _BSON_TYPES.get(type(value), type(value).__name__.lower())


def _value_text(value: object) -> str:
    if isinstance(value, DatetimeMS):
        value = np.datetime64(int(value), "ms")
    return str(value)[:_MAX_VALUE_CHARS]
