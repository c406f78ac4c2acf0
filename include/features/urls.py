"""URLs as one float32 matrix, from their strings alone: the same in training and in serving.

A row holds figures, then the group its registrable domain falls in, then the numbers of the pieces
it is made of: character n-grams of the host, of the path, and words; 0 where there are no more.
Pieces share numbers by chance (feature hashing, Weinberger et al. 2009, arXiv 0902.2206).
"""

import re
from collections.abc import Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt

from include.features.address import Address, take_apart
from include.features.figures import N_FIGURES, figures

HOST_CHARS, HOST_SIZES, HOST_BITS = 48, (2, 3, 4, 5, 6), 20
PATH_CHARS, PATH_SIZES, PATH_BITS = 80, (2, 3, 4, 5), 18
N_WORDS, WORD_BITS = 40, 20
_N_HOST = sum(HOST_CHARS - size + 1 for size in HOST_SIZES)
_N_PATH = sum(PATH_CHARS - size + 1 for size in PATH_SIZES)

GROUP = N_FIGURES
HOST = (GROUP + 1, GROUP + 1 + _N_HOST)
PATH = (HOST[1], HOST[1] + _N_PATH)
WORDS = (PATH[1], PATH[1] + N_WORDS)
N_COLUMNS = WORDS[1]
SECTIONS = ((*HOST, 1 << HOST_BITS), (*PATH, 1 << PATH_BITS), (*WORDS, 1 << WORD_BITS))
"""First column of each kind of piece, the one behind its last, and what its numbers are below."""

_WORD = re.compile(r"[a-z0-9\u0080-\uffff]+")
_GOLDEN = 0x9E3779B1

Matrix = npt.NDArray[np.float32]


def featurise(urls: Sequence[str]) -> Matrix:
    """Return an array of shape (n_urls, `N_COLUMNS`); a row depends on nothing but its URL.

    Parameters
    ----------
    urls : sequence of str
        Any text; what is no URL is read as one all the same.
    """
    addresses = [take_apart(url) for url in urls]
    matrix = np.zeros((len(addresses), N_COLUMNS), np.float32)
    if not addresses:
        return matrix
    paths = [address.path.lower() for address in addresses]
    matrix[:, :N_FIGURES] = [figures(address) for address in addresses]
    matrix[:, GROUP] = [_crc(address.domain) & 0xFFFFFF for address in addresses]
    hosts = [address.host for address in addresses]
    matrix[:, slice(*HOST)] = _grams(hosts, HOST_CHARS, HOST_SIZES, HOST_BITS)
    matrix[:, slice(*PATH)] = _grams(paths, PATH_CHARS, PATH_SIZES, PATH_BITS)
    matrix[:, slice(*WORDS)] = [
        _numbers(_words(address, path)) for address, path in zip(addresses, paths, strict=True)
    ]
    return matrix


def group_of(url: str) -> str:
    """Return what a URL's side of the split hangs on: its registrable domain."""
    return take_apart(url).domain


def _grams(texts: Sequence[str], width: int, sizes: Sequence[int], bits: int) -> Matrix:
    """Return the numbers of every n-gram of each text, 0 behind its end."""
    rows = b"".join(_marked(text, width) for text in texts)
    chars = np.frombuffer(rows, np.uint8).reshape(len(texts), width).astype(np.uint32)
    columns = []
    for size in sizes:
        n_grams = width - size + 1
        mixed = np.full((len(texts), n_grams), size * _GOLDEN & 0xFFFFFFFF, np.uint32)
        for offset in range(size):
            mixed = (mixed ^ chars[:, offset : offset + n_grams]) * np.uint32(0x01000193)
            mixed ^= mixed >> np.uint32(15)
        mixed = (mixed * np.uint32(0x85EBCA6B)) >> np.uint32(32 - bits)
        columns.append(np.where(chars[:, size - 1 :] == 0, 0, mixed).astype(np.float32))
    return np.concatenate(columns, axis=1)


def _marked(text: str, width: int) -> bytes:
    """Return a text as bytes of that width, its start and its end marked."""
    if not text:
        return bytes(width)
    inner = text[: width - 2].encode("ascii", "replace").replace(b"\0", b"?")
    return (b"\x02" + inner + b"\x03").ljust(width, b"\0")


def _words(address: Address, path: str) -> list[str]:
    """Return the words of a URL, each marked with where it stands."""
    in_path = _WORD.findall(path)[:12]
    in_label = _WORD.findall(address.label)
    first = in_path[0] if in_path else ""
    words = [
        f"={address.host}",
        f"d{address.domain}",
        f"s{address.suffix}",
        f"t{address.suffix.rpartition('.')[2]}",
        f"l{address.label}",
        f"~{_shape(path)}",
        *(f"S{word}" for word in _WORD.findall(address.subdomain)[:6]),
    ]
    if len(in_label) > 1:
        words += [f"L{word}" for word in in_label[:5]]
    if address.seen_host != address.host:
        words += [f"L{word}" for word in _WORD.findall(address.seen_host)[:6]]
    if path:
        last = in_path[-1] if in_path else ""
        words += [
            f"P{first}",
            f"1{address.domain}/{first}",
            f"b{'/'.join(in_path[:2])}",
            f"E{last}",
        ]
    return words + [f"p{word}" for word in in_path]


def _shape(path: str) -> str:
    """Return a path with every run of letters as one ``a`` and of digits as one ``0``."""
    return re.sub(r"[0-9]+", "0", re.sub(r"[a-z\u0080-\uffff]+", "a", path[:120]))[:30]


def _numbers(words: list[str]) -> list[int]:
    numbers = [(_crc(word) * _GOLDEN & 0xFFFFFFFF) >> (32 - WORD_BITS) for word in words[:N_WORDS]]
    return numbers + [0] * (N_WORDS - len(numbers))


def _crc(text: str) -> int:
    return crc32(text.encode("utf-8", "replace"))
