"""URLs as one float32 matrix, from their strings alone: the same in training and in serving.

A row holds figures, then the group its registrable domain falls in, then the numbers of the pieces
it is made of: character n-grams of the host and of the path, words, traits, and the level of each
figure; 0 where there are no more. Last stand its peers, one number for each thing that other
domains may have in common with it. All but levels share numbers by chance (feature hashing,
Weinberger et al. 2009, arXiv 0902.2206).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from include.features.address import take_apart
from include.features.lexical import N_FIGURES, SHARES, figures
from include.features.tokens import N_PEERS, crc, form_of, numbers, peers_of, traits_of, words_of

URL_FEATURES = "urls-2"
"""Names these columns in manifests; whoever changes a column changes the name."""
URL_FEATURES_1 = "urls-1"
"""The same columns without the peers: models of it are served on."""

HOST_CHARS, HOST_SIZES, HOST_BITS = 48, (2, 3, 4, 5, 6), 20
PATH_CHARS, PATH_SIZES, PATH_BITS = 80, (2, 3, 4, 5), 18
N_WORDS, WORD_BITS = 40, 20
N_TRAITS, TRAIT_BITS = 44, 18
N_LEVELS = 64
PEER_BITS = 21
_N_HOST = sum(HOST_CHARS - size + 1 for size in HOST_SIZES)
_N_PATH = sum(PATH_CHARS - size + 1 for size in PATH_SIZES)

GROUP = N_FIGURES
HOST = (GROUP + 1, GROUP + 1 + _N_HOST)
PATH = (HOST[1], HOST[1] + _N_PATH)
WORDS = (PATH[1], PATH[1] + N_WORDS)
TRAITS = (WORDS[1], WORDS[1] + N_TRAITS)
LEVELS = (TRAITS[1], TRAITS[1] + N_FIGURES)
N_COLUMNS_1 = LEVELS[1]
N_COLUMNS = N_COLUMNS_1 + N_PEERS
SECTIONS = (
    (*HOST, 1 << HOST_BITS),
    (*PATH, 1 << PATH_BITS),
    (*WORDS, 1 << WORD_BITS),
    (*TRAITS, 1 << TRAIT_BITS),
    (*LEVELS, N_FIGURES * N_LEVELS + 1),
)
"""First column of each kind of piece, the one behind its last, and what its numbers are below."""
PEERS = (N_COLUMNS_1, N_COLUMNS, 1 << PEER_BITS)
"""First column of the peers, the one behind the last, and what their numbers are below."""

_GOLDEN = 0x9E3779B1
_LEVEL_ENDS = tuple(2 ** (level / 2) - 1 for level in range(1, N_LEVELS))

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
    both = list(zip(addresses, paths, strict=True))
    matrix[:, :N_FIGURES] = [figures(address) for address in addresses]
    matrix[:, GROUP] = [crc(address.domain) & 0xFFFFFF for address in addresses]
    hosts = [address.host for address in addresses]
    matrix[:, slice(*HOST)] = _grams(hosts, HOST_CHARS, HOST_SIZES, HOST_BITS)
    matrix[:, slice(*PATH)] = _grams(paths, PATH_CHARS, PATH_SIZES, PATH_BITS)
    words = [words_of(address, path) for address, path in both]
    matrix[:, slice(*WORDS)] = numbers(words, N_WORDS, WORD_BITS)
    forms = [form_of(address, path) for address, path in both]
    traits = [traits_of(form, path) for form, path in zip(forms, paths, strict=True)]
    matrix[:, slice(*TRAITS)] = numbers(traits, N_TRAITS, TRAIT_BITS)
    matrix[:, slice(*LEVELS)] = _levels(matrix[:, :N_FIGURES])
    peers = [peers_of(form, path) for form, path in zip(forms, paths, strict=True)]
    matrix[:, slice(*PEERS[:2])] = numbers(peers, N_PEERS, PEER_BITS)
    return matrix


def featurise_1(urls: Sequence[str]) -> Matrix:
    """Return an array of shape (n_urls, `N_COLUMNS_1`): what models of `URL_FEATURES_1` are shown.

    Parameters
    ----------
    urls : sequence of str
    """
    return np.ascontiguousarray(featurise(urls)[:, :N_COLUMNS_1])


def group_of(url: str) -> str:
    """Return what a URL's side of the split hangs on: its registrable domain."""
    return take_apart(url).domain


def _levels(shown: Matrix) -> Matrix:
    """Return the number of each figure's level: two levels to every doubling."""
    scaled = shown.astype(np.float64)
    scaled[:, SHARES] *= 30
    levels = np.searchsorted(_LEVEL_ENDS, scaled, side="right")
    numbered: Matrix = (np.arange(N_FIGURES) * N_LEVELS + levels + 1).astype(np.float32)
    return numbered


def _grams(texts: Sequence[str], width: int, sizes: Sequence[int], bits: int) -> Matrix:
    """Return the numbers of every n-gram of each text, 0 behind its end; all sizes grow at once."""
    longest = sizes[-1]
    rows = b"".join(_marked(text, width) + bytes(longest) for text in texts)
    chars = np.frombuffer(rows, np.uint8).reshape(len(texts), width + longest).astype(np.uint32)
    mixed = np.empty((len(sizes), len(texts), width), np.uint32)
    for size, grams in zip(sizes, mixed, strict=True):
        grams[:] = size * _GOLDEN & 0xFFFFFFFF
    for offset in range(longest):
        growing = mixed[sum(size <= offset for size in sizes) :]
        growing ^= chars[:, offset : offset + width]
        growing *= np.uint32(0x01000193)
        growing ^= growing >> np.uint32(15)
    mixed *= np.uint32(0x85EBCA6B)
    mixed >>= np.uint32(32 - bits)
    n_grams = [width - size + 1 for size in sizes]
    for size, grams in zip(sizes, mixed, strict=True):
        grams[chars[:, size - 1 : size - 1 + width] == 0] = 0
    parts = [grams[:, :n] for grams, n in zip(mixed, n_grams, strict=True)]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _marked(text: str, width: int) -> bytes:
    """Return a text as bytes of that width, its start and its end marked."""
    if not text:
        return bytes(width)
    inner = text[: width - 2].encode("ascii", "replace").replace(b"\0", b"?")
    return (b"\x02" + inner + b"\x03").ljust(width, b"\0")
