"""Numbers of pieces of text (feature hashing, Weinberger et al. 2009, arXiv 0902.2206).

The same for one text as for many: all operations are on arrays of one row or of thousands.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle
from zlib import crc32

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.uint32]
# Arrays of no dimension: NumPy takes them quicker than its numbers, and far quicker than Python's.
_GOLDEN, _PRIME, _HALF, _MIXER, _ONE = (
    np.array(number, np.uint32) for number in (0x9E3779B1, 0x01000193, 15, 0x85EBCA6B, 1)
)


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
        longest = max(size for section in sections for size in section.sizes)
        widths = [section.width + longest for section in sections]
        # Behind the last text no n-gram begins.
        self._n_chars, self._n_starts = sum(widths), sum(widths) - longest
        self._longest = longest
        firsts, lasts, shifts = [], [], []
        begin = 0
        for section, width in zip(sections, widths, strict=True):
            for size in section.sizes:
                starts = begin + np.arange(section.width - size + 1)
                firsts.append((size - 1) * self._n_starts + starts)
                lasts.append(starts + size - 1)
                shifts.append(np.full(len(starts), 32 - section.bits, np.uint32))
            begin += width
        self._grams = np.concatenate(firsts)
        self._lasts = np.concatenate(lasts)
        self._shifts = np.concatenate(shifts)[:, np.newaxis]

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
        n_records, n_starts, padding = len(records), self._n_starts, bytes(self._longest)
        rows = b"".join(
            [
                _marked(text, section.width) + padding
                for texts in records
                for text, section in zip(texts, self._sections, strict=True)
            ]
        )
        # A column is a record here: what is read together lies together, however many there are.
        chars = np.frombuffer(rows, np.uint8).reshape(n_records, self._n_chars).T
        chars = chars.astype(np.uint32, order="C")
        hashes = np.empty((self._longest, n_starts, n_records), np.uint32)
        shifted = np.empty((n_starts, n_records), np.uint32)
        before: Numbers = _GOLDEN
        for size, state in enumerate(hashes):
            np.bitwise_xor(before, chars[size : size + n_starts], out=state)
            np.multiply(state, _PRIME, out=state)
            np.right_shift(state, _HALF, out=shifted)
            np.bitwise_xor(state, shifted, out=state)
            before = state
        grams = hashes.reshape(-1, n_records).take(self._grams, axis=0)
        np.multiply(grams, _MIXER, out=grams)
        np.right_shift(grams, self._shifts, out=grams)
        np.minimum(chars, _ONE, out=chars)
        np.multiply(grams, chars.take(self._lasts, axis=0), out=grams)
        return grams.T


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
        hashes = np.fromiter(map(crc32, encoded), np.uint32, len(encoded)).tobytes()
        rows, begin = [], 0
        for length, n_most in zip(lengths, cycle(self._most), strict=False):
            end = begin + 4 * length
            rows.append(hashes[begin:end])
            rows.append(bytes(4 * (n_most - length)))
            begin = end
        numbers = np.frombuffer(b"".join(rows), np.uint32).reshape(-1, len(self._shifts)) * _GOLDEN
        np.right_shift(numbers, self._shifts, out=numbers)
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
