"""Popularity ranks of names in one sorted table of 64-bit words, looked up where they lie."""

import math
from bisect import bisect_left
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

import numpy as np

UNLISTED: Final = 25.0
"""Stands for the log2 rank of a name that is not listed: beyond 32 million."""
_STEPS_PER_DOUBLING = 8
_MOST_STEPS = 0xFF


class Ranks:
    """Log2 ranks by name; a name is found by 56 bits of its BLAKE2b digest.

    An entry has 8 bytes: 7 of the digest, 1 of the rank, eight steps to every doubling. Among a
    million names, one that is not listed is taken for one of them with a probability of
    ``1e6 / 2**56``, or 1.4e-11.

    Parameters
    ----------
    table : bytes-like
        What `pack_ranks` returned; it is not copied.
    """

    def __init__(self, table: bytes | memoryview) -> None:
        self._table = memoryview(table).cast("B").cast("Q")

    def __len__(self) -> int:
        """Return how many names are listed."""
        return len(self._table)

    def __reduce__(self) -> tuple[type["Ranks"], tuple[bytes]]:
        """Return what another process makes them of."""
        return Ranks, (self._table.tobytes(),)

    def log2(self, name: str) -> float:
        """Return the log2 rank of a name, `UNLISTED` if it has none."""
        key, table = _key(name), self._table
        place = bisect_left(table, key)
        if place == len(table) or (step := table[place] ^ key) > _MOST_STEPS:
            return UNLISTED
        return step / _STEPS_PER_DOUBLING


def pack_ranks(ranked: Iterable[tuple[str, int]]) -> bytes:
    """Return the table of names and ranks, which begin at 1; the best rank of a name counts."""
    entries = np.fromiter((_key(name) | _steps(rank) for name, rank in ranked), np.uint64)
    entries.sort()
    digests = entries >> np.uint64(8)
    is_best = np.append(True, digests[1:] != digests[:-1])[: len(entries)]
    table: bytes = entries[is_best].astype("<u8").tobytes()
    return table


def _key(name: str) -> int:
    digest = blake2b(name.encode("utf-8", "replace"), digest_size=7).digest()
    return int.from_bytes(digest, "big") << 8


def _steps(rank: int) -> int:
    return min(_MOST_STEPS, round(math.log2(rank) * _STEPS_PER_DOUBLING))
