"""Numbers of pieces of text (feature hashing, Weinberger et al. 2009, arXiv 0902.2206).

The same for one text as for many: all operations are on arrays of one row or of thousands.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.uint32]
_GOLDEN = np.uint32(0x9E3779B1)
_PRIME = np.uint32(0x01000193)
_MIXER = np.uint32(0x85EBCA6B)


@dataclass(frozen=True)
class GramSection:
    """Character n-grams of one kind of text.

    Attributes
    ----------
    width : int
        How many characters count, the two marks of start and end included.
    sizes : tuple of int
        Ascending.
    bits : int
        Numbers are below ``2 ** bits``.
    """

    width: int
    sizes: tuple[int, ...]
    bits: int

    @cached_property
    def n_grams(self) -> int:
        """How many n-grams of all sizes a text has at most."""
        return sum(self.width - size + 1 for size in self.sizes)


class GramHasher:
    """Numbers every n-gram of several texts of a record at once.

    Parameters
    ----------
    sections : sequence of GramSection
        One per text.
    """

    def __init__(self, sections: Sequence[GramSection]) -> None:
        self._sections = sections
        self._longest = max(size for section in sections for size in section.sizes)
        self._n_chars = sum(section.width + self._longest for section in sections)
        firsts, lasts, shifts = [], [], []
        begin = 0
        for section in sections:
            for size in section.sizes:
                starts = begin + np.arange(section.width - size + 1)
                firsts.append((size - 1) * self._n_chars + starts)
                lasts.append(starts + size - 1)
                shifts.append(np.full(len(starts), 32 - section.bits, np.uint32))
            begin += section.width + self._longest
        self._grams = np.concatenate(firsts)
        self._lasts = np.concatenate(lasts)
        self._shifts = np.concatenate(shifts)

    def numbers(self, records: Sequence[Sequence[str]]) -> Numbers:
        """Return the number of every n-gram, size by size; 0 behind the end of a text.

        Parameters
        ----------
        records : sequence of sequence of str
            A text for each section.

        Returns
        -------
        ndarray of shape (n_records, n_grams of all sections)
        """
        n_chars, longest = self._n_chars, self._longest
        padding = bytes(longest)
        rows = b"".join(
            [
                _marked(text, section.width) + padding
                for texts in records
                for text, section in zip(texts, self._sections, strict=True)
            ]
        )
        chars = np.zeros((len(records), n_chars + longest), np.uint32)
        chars[:, :n_chars] = np.frombuffer(rows, np.uint8).reshape(len(records), n_chars)
        hashes = np.empty((len(records), longest, n_chars), np.uint32)
        state = np.full((len(records), n_chars), _GOLDEN)
        for size in range(longest):
            state ^= chars[:, size : size + n_chars]
            state *= _PRIME
            state ^= state >> np.uint32(15)
            hashes[:, size] = state
        grams = hashes.reshape(len(records), -1).take(self._grams, axis=1)
        grams *= _MIXER
        grams >>= self._shifts
        grams *= chars.take(self._lasts, axis=1) != 0
        return grams


class WordHasher:
    """Numbers the words of several lists of a record at once.

    Parameters
    ----------
    sections : sequence of (int, int)
        Of each list, how many words count and how many bits its numbers have.
    """

    def __init__(self, sections: Sequence[tuple[int, int]]) -> None:
        self._most = [n_most for n_most, _ in sections]
        shifts = [np.full(n_most, 32 - bits, np.uint32) for n_most, bits in sections]
        self._shifts = np.concatenate(shifts)
        self._positions = np.concatenate([np.arange(n_most) for n_most in self._most])

    def numbers(self, records: Iterable[Sequence[Sequence[str]]]) -> Numbers:
        """Return a number for each word of each list, then 0 up to how many count.

        Parameters
        ----------
        records : iterable of sequence of sequence of str
            Lists of words; no word holds an end of line.

        Returns
        -------
        ndarray of shape (n_records, words that count of all lists)
        """
        flat: list[str] = []
        lengths: list[int] = []
        for lists in records:
            for words, n_most in zip(lists, self._most, strict=True):
                kept = words[:n_most]
                lengths.append(len(kept))
                flat += kept
        # One encoding for all of them.
        encoded = "\n".join(flat).encode("utf-8", "replace").split(b"\n")
        counts = np.array(lengths).reshape(-1, len(self._most))
        filled = self._positions < counts.repeat(self._most, axis=1)
        numbers = np.zeros(filled.shape, np.uint32)
        numbers[filled] = np.fromiter(map(crc32, encoded), np.uint32, len(encoded))
        numbers *= _GOLDEN
        numbers >>= self._shifts
        return numbers


def crc(text: str) -> int:
    """Return the CRC-32 of any text."""
    return crc32(text.encode("utf-8", "replace"))


def _marked(text: str, width: int) -> bytes:
    """Return a text as bytes of that width, its start and its end marked."""
    if not text:
        return bytes(width)
    inner = text[: width - 2].encode("ascii", "replace").replace(b"\0", b"?")
    return (b"\x02" + inner + b"\x03").ljust(width, b"\0")
