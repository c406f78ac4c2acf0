"""An even share of what was named, however much there is and however often it comes."""

import hashlib
from typing import Generic, TypeVar

V = TypeVar("V")
_RANKS = 1 << 64


class DistinctSample(Generic[V]):
    """At most `max_items` values by name: all, or a uniform sample of the names.

    Which names are kept hangs on the names alone, not on their order or on how often one came:
    distinct sampling (Gibbons, VLDB 2001).

    Parameters
    ----------
    max_items : int
        What memory may hold.
    """

    def __init__(self, max_items: int) -> None:
        self._max_items = max_items
        self._limit = _RANKS
        self._kept: dict[str, V] = {}

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def share(self) -> float:
        """The share of the names that is kept: 1, or a half, a quarter, and so on."""
        return self._limit / _RANKS

    @property
    def n_names(self) -> int:
        """How many names there were; an estimate where `share` is below 1."""
        return round(len(self._kept) / self.share)

    def get(self, name: str) -> V | None:
        """Return what is kept under a name, if it is."""
        return self._kept.get(name)

    def put(self, name: str, value: V) -> None:
        """Keep the value in the place of an earlier one of that name, unless there is no room."""
        if self._limit < _RANKS and _rank(name) >= self._limit:
            return
        self._kept[name] = value
        while len(self._kept) > self._max_items:
            self._limit //= 2
            self._kept = {each: v for each, v in self._kept.items() if _rank(each) < self._limit}

    def in_order(self) -> list[tuple[str, V]]:
        """Return names and values in the order of the names."""
        return sorted(self._kept.items(), key=lambda item: item[0])


def _rank(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())
