"""Many BSON documents read at once, because they are laid out alike.

Records of one collection mostly have the same fields, of the same BSON types, in the same order:
between two strings every field name, type byte and value then has a fixed place. A layout is
learned from one document; others are read by it only if every byte that is not part of a value is
the same, so nothing is guessed, and what does not fit is left to `include.ingest.snapshot.values`.
BSON: https://bsonspec.org/spec.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from include.stores.bson_elements import (
    DATE,
    DOUBLE,
    FIXED_BYTES,
    INT32,
    INT64,
    LENGTH_BYTES,
    NULL,
    OBJECT_ID,
    STRING,
    array_starts,
    elements,
    int32_at,
)

_VALUE_DTYPES = {DOUBLE: "<f8", DATE: "<i8", INT32: "<i4", INT64: "<i8", OBJECT_ID: "V12"}
_NUMBERS = frozenset({NULL, DOUBLE, INT32, INT64})
_HELD_KINDS = {
    "id": frozenset({STRING, OBJECT_ID, INT32, INT64}),
    "int8": _NUMBERS,
    "float32": _NUMBERS,
    "string": frozenset({NULL, STRING}),
    "timestamp": frozenset({NULL, DATE}),
}
_WORD_BYTES = 8
# As many documents as fit the processor's cache when each takes a few hundred bytes.
_BLOCK_ROWS = 2048

Indices = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Batch:
    """Encoded documents, not copied.

    Attributes
    ----------
    encoded : memoryview
        At least one word longer than the last document, so that it can be compared in words.
    starts, stops : ndarray of shape (n_documents,), int64
    """

    encoded: memoryview
    starts: Indices
    stops: Indices

    @classmethod
    def of(cls, encoded: memoryview) -> Self:
        """Return the batch of a BSON array of documents with at least 8 bytes behind it."""
        starts = np.array(array_starts(encoded), dtype=np.int64)
        lengths = np.ndarray(len(encoded) - 3, "<i4", buffer=encoded, strides=(1,))[starts]
        return cls(encoded, starts, starts + lengths)

    def document(self, row: int) -> bytes:
        """Return one document."""
        return bytes(self.encoded[self.starts[row] : self.stops[row]])

    def windows(self, positions: Indices, n_bytes: int) -> Bytes:
        """Return the bytes that follow each position, as an array (n_positions, n_bytes)."""
        content = np.frombuffer(self.encoded, dtype=np.uint8)
        return sliding_window_view(content, n_bytes)[positions]


@dataclass(frozen=True)
class Place:
    """Where a field's value lies in its segment.

    Attributes
    ----------
    name : str
    kind : int
        BSON type. The value of a string is its length; its bytes follow the segment.
    offset : int
    """

    name: str
    kind: int
    offset: int


@dataclass(frozen=True)
class Segment:
    """Bytes between two strings, of the same length in every document of a layout.

    Attributes
    ----------
    size : int
        In bytes; each document is compared in ``len(pattern)`` words.
    pattern, fixed : ndarray of uint64
        The segment of the document learned from, and which of its bits must be the same.
    places : tuple of Place
    """

    size: int
    pattern: npt.NDArray[np.uint64]
    fixed: npt.NDArray[np.uint64]
    places: tuple[Place, ...]

    @property
    def ends_in_string(self) -> bool:
        """Whether a string follows (its length is the segment's last value)."""
        return bool(self.places) and self.places[-1].kind == STRING


@dataclass(frozen=True)
class Found:
    """The documents that have a layout, and what they hold.

    Attributes
    ----------
    rows : ndarray of shape (n_found,)
        Indices into the batch, ascending.
    values : dict of str to (int, ndarray)
        BSON type and values by field name; a string's are its first byte's place in the batch and
        its length in bytes, in two columns.
    """

    rows: Indices
    values: dict[str, tuple[int, npt.NDArray[Any]]]


@dataclass(frozen=True)
class BsonLayout:
    """Field names, types and places that documents have in common."""

    segments: tuple[Segment, ...]

    @classmethod
    def learn(cls, document: bytes, dtypes: Mapping[str, str]) -> Self | None:
        """Return the layout of a document, or None when it cannot be read by places.

        Parameters
        ----------
        document : bytes
        dtypes : mapping of str to str
            What each field's column holds: ``"id"``, ``"int8"``, ``"float32"``, ``"string"`` or
            ``"timestamp"``. A field of any other BSON type, or of another name, cannot be read.
        """
        segments: list[Segment] = []
        start, places = 0, [Place("", INT32, 0)]
        seen: set[str] = set()
        for name, kind, offset in elements(document):
            if name in seen or kind not in _HELD_KINDS.get(dtypes.get(name, ""), ()):
                return None
            seen.add(name)
            places.append(Place(name, kind, offset - start))
            if kind == STRING:
                text = offset + LENGTH_BYTES
                segments.append(_segment(document[start:text], places))
                start, places = text + int32_at(document, offset)[0], []
        segments.append(_segment(document[start:], places))
        return cls(tuple(segments))

    def find(self, batch: Batch, rows: Indices) -> Found:
        """Return which of these rows of the batch have this layout, and their values."""
        values = {
            place.name: (place.kind, _empty(place.kind, len(rows)))
            for segment in self.segments
            for place in segment.places
        }
        same = np.empty(len(rows), dtype=np.bool_)
        for first in range(0, len(rows), _BLOCK_ROWS):
            block = slice(first, first + _BLOCK_ROWS)
            same[block] = self._read(batch, rows[block], block, values)
        if not same.all():
            values = {name: (kind, array[same]) for name, (kind, array) in values.items()}
        return Found(rows[same], values)

    def _read(
        self,
        batch: Batch,
        rows: Indices,
        block: slice,
        values: dict[str, tuple[int, npt.NDArray[Any]]],
    ) -> npt.NDArray[np.bool_]:
        position, stops = batch.starts[rows], batch.stops[rows]
        same = np.ones(len(rows), dtype=np.bool_)
        for segment in self.segments:
            same &= position + segment.size <= stops
            if not same.any():
                return same
            width = len(segment.pattern) * _WORD_BYTES
            window = batch.windows(np.where(same, position, 0), width)
            differing = (window.view(np.uint64) ^ segment.pattern) & segment.fixed
            same &= np.bitwise_or.reduce(differing, axis=1) == 0
            position = position + segment.size
            for place in segment.places:
                found = _column(window, place)
                if place.kind != STRING:
                    values[place.name][1][block] = found
                    continue
                same &= found > 0
                values[place.name][1][block, 0] = position
                values[place.name][1][block, 1] = found - 1
                position = position + found
        same &= position == stops
        return same


def _segment(content: bytes, places: list[Place]) -> Segment:
    fixed = np.full(len(content), 0xFF, dtype=np.uint8)
    for place in places:
        n_bytes = LENGTH_BYTES if place.kind == STRING else FIXED_BYTES[place.kind]
        fixed[place.offset : place.offset + n_bytes] = 0
    padding = -len(content) % _WORD_BYTES
    return Segment(
        size=len(content),
        pattern=np.frombuffer(content + bytes(padding), dtype=np.uint64),
        fixed=np.concatenate([fixed, np.zeros(padding, dtype=np.uint8)]).view(np.uint64),
        places=tuple(place for place in places if place.name),
    )


def _empty(kind: int, n_rows: int) -> npt.NDArray[Any]:
    if kind == STRING:
        return np.empty((n_rows, 2), dtype=np.int64)
    return np.empty(n_rows, dtype=_VALUE_DTYPES.get(kind, np.bool_))


def _column(window: Bytes, place: Place) -> npt.NDArray[Any]:
    """Return the place's value in each row of the window, without copying."""
    if place.kind == NULL:
        return np.zeros(len(window), dtype=np.bool_)
    dtype = _VALUE_DTYPES.get(place.kind, "<i4")
    return np.ndarray(
        len(window), dtype, buffer=window, offset=place.offset, strides=(window.strides[0],)
    )
