"""Rows of numbers on disk, their zeros a bit each, read as an array is but a few at a time.

Of the columns of a URL two thirds are 0: they take a third of the room of the array.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any, Self

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
_VALUE_BYTES = 4
_PIECE = 4_096
"""So many rows are read at once."""


@dataclass(frozen=True)
class Part:
    """Some rows, packed.

    Attributes
    ----------
    bits : ndarray of shape (n_rows, ceil(n_columns / 8)), uint8
        Which numbers are not 0, as `numpy.packbits` has it.
    values : ndarray of shape (n_values,), float32
        Those numbers, row by row.
    """

    bits: npt.NDArray[np.uint8]
    values: npt.NDArray[np.float32]

    @classmethod
    def of(cls, rows: Matrix) -> Self:
        """Return an array of shape (n_rows, n_columns) as a part."""
        held = rows != 0
        return cls(np.packbits(held, axis=1), rows[held])

    @classmethod
    def joined(cls, parts: Sequence["Part"]) -> Self:
        """Return parts of equal columns as one."""
        return cls(
            np.concatenate([part.bits for part in parts]),
            np.concatenate([part.values for part in parts]),
        )


class _Spool:
    """Parts one behind the other in two files that have no name and go with the object.

    Parameters
    ----------
    parts : iterable of Part
    n_columns : int
    """

    def __init__(self, parts: Iterable[Part], n_columns: int) -> None:
        self.n_columns, self.n_bytes = n_columns, -(-n_columns // 8)
        # They are closed with the last of the rows that are read of them.
        self._bits: IO[bytes] = TemporaryFile(prefix="nightcatch-rows-")  # noqa: SIM115
        self._values: IO[bytes] = TemporaryFile(prefix="nightcatch-rows-")  # noqa: SIM115
        counts = [np.zeros(1, np.int64)]
        for part in parts:
            self._bits.write(part.bits.tobytes())
            self._values.write(part.values.tobytes())
            counts.append(np.bitwise_count(part.bits).sum(axis=1, dtype=np.int64))
        self._bits.flush()
        self._values.flush()
        self._ends = np.concatenate(counts).cumsum()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getstate__(self) -> tuple[list[Part], int]:
        """Return what another process makes the files of."""
        return [self._read(0, len(self))], self.n_columns

    def __setstate__(self, state: tuple[list[Part], int]) -> None:
        self.__init__(*state)  # type: ignore[misc]  # an object of another process begins here

    def fill(self, rows: Matrix, first: int) -> None:
        """Write consecutive rows, from the one numbered `first` on, into an array."""
        part = self._read(first, first + len(rows))
        held = np.unpackbits(part.bits, axis=1, count=self.n_columns).view(np.bool_)
        rows[:] = 0
        rows[held] = part.values

    def _read(self, first: int, stop: int) -> Part:
        begin, end = int(self._ends[first]), int(self._ends[stop])
        bits = os.pread(self._bits.fileno(), (stop - first) * self.n_bytes, first * self.n_bytes)
        values = os.pread(self._values.fileno(), (end - begin) * _VALUE_BYTES, begin * _VALUE_BYTES)
        return Part(
            np.frombuffer(bits, np.uint8).reshape(-1, self.n_bytes),
            np.frombuffer(values, np.float32),
        )


class PackedRows:
    """An array of shape (n_rows, n_columns), float32, of which only what is asked for is in memory.

    ``X[rows]`` are other rows of the same files; ``X[rows, columns]`` and ``numpy.asarray(X)`` are
    arrays. Rows are read quickest in ascending order.

    Parameters
    ----------
    parts : iterable of Part
        In order; read once.
    n_columns : int
    """

    ndim = 2
    dtype = np.dtype(np.float32)

    def __init__(self, parts: Iterable[Part], n_columns: int) -> None:
        self._spools: tuple[_Spool, ...] = (_Spool(parts, n_columns),)
        self._rows: Indices = np.arange(len(self._spools[0]))

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns there are."""
        return len(self._rows), self._spools[0].n_columns

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: Any) -> Any:
        """Return rows as `PackedRows`; of one row, or of some columns, an array."""
        if not isinstance(key, tuple):
            rows = self._rows[key]
            return self._dense(np.array([rows]))[0] if np.ndim(rows) == 0 else self._of(rows)
        wanted, columns = self[key[0]], np.arange(self.shape[1])[key[1]]
        if isinstance(wanted, np.ndarray):
            return wanted[columns]
        found = np.empty((len(wanted), *np.shape(columns)), np.float32)
        for block in blocks(len(wanted)):
            found[block] = wanted._dense(wanted._rows[block])[:, columns]
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Return all rows as an array."""
        return self._dense(self._rows).astype(dtype or self.dtype, copy=False)

    def behind(self, first: "PackedRows") -> "PackedRows":
        """Return other rows with these behind them."""
        n_before = sum(map(len, first._spools))
        return self._of(np.append(first._rows, self._rows + n_before), first._spools)

    def _of(self, rows: Indices, before: tuple[_Spool, ...] = ()) -> "PackedRows":
        other = object.__new__(PackedRows)
        other._spools, other._rows = (*before, *self._spools), rows
        return other

    def _dense(self, rows: Indices) -> Matrix:
        found = np.empty((len(rows), self.shape[1]), np.float32)
        order = np.argsort(rows, kind="stable")
        starts = np.cumsum([0, *map(len, self._spools)])
        ascending = rows[order]
        spools = starts.searchsorted(ascending, side="right") - 1
        within = ascending - starts[spools]
        for run in _runs(spools, within // _PIECE):
            first = within[run.start]
            piece = np.empty((within[run.stop - 1] + 1 - first, self.shape[1]), np.float32)
            self._spools[spools[run.start]].fill(piece, int(first))
            found[order[run]] = piece[within[run] - first]
        return found


def blocks(n_rows: int, size: int = _PIECE) -> Iterator[slice]:
    """Yield the rows 0 to `n_rows` in blocks of at most `size`."""
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))


def by_block(score: Callable[[Matrix], npt.NDArray[Any]], X: Any) -> npt.NDArray[Any]:
    """Return what `score` makes of the rows, which are an array a block at a time."""
    return np.concatenate([score(np.asarray(X[block])) for block in blocks(len(X), 4 * _PIECE)])


def stacked(first: Any, second: Any) -> Any:
    """Return the rows of two arrays, or of two `PackedRows`, one behind the other."""
    if isinstance(first, PackedRows) and isinstance(second, PackedRows):
        return second.behind(first)
    return np.concatenate([first, second])


def _runs(*keys: Indices) -> Iterator[slice]:
    """Yield the ranges in which all keys stay equal."""
    if not len(keys[0]):
        return
    changes = np.any([np.diff(key) != 0 for key in keys], axis=0)
    ends = [*(np.flatnonzero(changes) + 1), len(keys[0])]
    yield from map(slice, [0, *ends[:-1]], ends)
