"""Where the fields of an encoded BSON document lie; nothing is decoded.

The format: https://bsonspec.org/spec.html
"""

import struct
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

DOUBLE, STRING, DOCUMENT, ARRAY, BINARY = 0x01, 0x02, 0x03, 0x04, 0x05
OBJECT_ID, BOOLEAN, DATE, NULL = 0x07, 0x08, 0x09, 0x0A
INT32, TIMESTAMP, INT64, DECIMAL128 = 0x10, 0x11, 0x12, 0x13
LENGTH_BYTES = 4
FIXED_BYTES = {
    DOUBLE: 8,
    OBJECT_ID: 12,
    BOOLEAN: 1,
    DATE: 8,
    NULL: 0,
    INT32: 4,
    TIMESTAMP: 8,
    INT64: 8,
    DECIMAL128: 16,
}
# What a value takes besides the bytes that the length at its beginning counts.
_BESIDES_COUNTED_BYTES = {STRING: 4, DOCUMENT: 0, ARRAY: 0, BINARY: 5}

int32_at = struct.Struct("<i").unpack_from
int64_at = struct.Struct("<q").unpack_from


class Element(NamedTuple):
    """One field: its name, its BSON type, and where its value starts (or that value's length)."""

    name: str
    kind: int
    start: int


def elements(document: bytes | memoryview) -> Iterator[Element]:
    """Yield the fields of a document in order; the first one of a type unknown here is the last."""
    position = LENGTH_BYTES
    while (kind := document[position]) != 0:
        name_stop = position + 1
        while document[name_stop]:
            name_stop += 1
        start = name_stop + 1
        yield Element(bytes(document[position + 1 : name_stop]).decode(), kind, start)
        if kind in FIXED_BYTES:
            position = start + FIXED_BYTES[kind]
        elif kind in _BESIDES_COUNTED_BYTES:
            position = start + _BESIDES_COUNTED_BYTES[kind] + int32_at(document, start)[0]
        else:
            return


def array_starts(array: bytes | memoryview) -> list[int]:
    """Return where each document of a BSON array of documents starts.

    The names of an array's elements are their numbers in decimal digits: 0, 1, 2 and so on.
    """
    starts: list[int] = []
    position, end = LENGTH_BYTES, int32_at(array)[0] - 1
    for n_digits in count(1):
        for _ in range(9 * 10 ** (n_digits - 1) + (n_digits == 1)):
            if position >= end:
                return starts
            start = position + 1 + n_digits + 1
            starts.append(start)
            position = start + int32_at(array, start)[0]
    raise AssertionError("unreachable: count() has no end")
