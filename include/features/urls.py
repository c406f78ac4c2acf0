"""URLs as one float32 matrix, from their strings and the reference data of a version alone.

The same in training and in serving. A row holds figures, lexical ones and those of what is known
of the domain, then the group of its registrable domain, then the numbers of the pieces it is made
of: character n-grams of the host and of the path, words, traits, and the level of each lexical
figure; 0 where there are no more. Last stand its peers, one number for each thing that other
domains may have in common with it. All but levels share numbers by chance.
"""

from array import array
from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from include.features.hashing import GramHasher, GramSection, WordHasher, crc
from include.features.knowledge import N_KNOWN, known_figures
from include.features.lexical import N_LEXICAL, SHARES, figures
from include.features.tokens import N_PEERS, form_of, peers_of, shape_of, traits_of, words_of
from include.features.url_text import UrlText, text_of
from include.urls.address import take_apart
from include.urls.reference.facts import Reference

URL_FEATURES = "urls-4"
"""Names these columns in manifests; a changed column needs another name."""

N_FIGURES = N_LEXICAL + N_KNOWN
N_WORDS, WORD_BITS = 40, 20
N_TRAITS, TRAIT_BITS = 44, 18
N_LEVELS = 64
PEER_BITS = 21
_HOST_GRAMS = GramSection(48, (2, 3, 4, 5, 6), 20)
_PATH_GRAMS = GramSection(80, (2, 3, 4, 5), 18)

GROUP = N_FIGURES
HOST = (GROUP + 1, GROUP + 1 + _HOST_GRAMS.n_grams)
PATH = (HOST[1], HOST[1] + _PATH_GRAMS.n_grams)
WORDS = (PATH[1], PATH[1] + N_WORDS)
TRAITS = (WORDS[1], WORDS[1] + N_TRAITS)
LEVELS = (TRAITS[1], TRAITS[1] + N_LEXICAL)
PEERS = (LEVELS[1], LEVELS[1] + N_PEERS, 1 << PEER_BITS)
"""First column of the peers, the one behind the last, and what their numbers are below."""
N_COLUMNS = PEERS[1]
SECTIONS = (
    (*HOST, 1 << _HOST_GRAMS.bits),
    (*PATH, 1 << _PATH_GRAMS.bits),
    (*WORDS, 1 << WORD_BITS),
    (*TRAITS, 1 << TRAIT_BITS),
    (*LEVELS, N_LEXICAL * N_LEVELS + 1),
)
"""First column of each kind of piece, the one behind its last, and what its numbers are below."""

_GRAMS = GramHasher((_HOST_GRAMS, _PATH_GRAMS))
_WORDS = WordHasher(((N_WORDS, WORD_BITS), (N_TRAITS, TRAIT_BITS), (N_PEERS, PEER_BITS)))
_LEVEL_ENDS = np.array([2 ** (level / 2) - 1 for level in range(1, N_LEVELS)])
_FIRST_LEVELS = np.arange(N_LEXICAL) * N_LEVELS + 1
_SCALES = np.ones(N_LEXICAL)
_SCALES[list(SHARES)] = 30
_CHUNK = 64
"""So many rows are made at once that what they are made of stays in the processor's cache."""

Matrix = npt.NDArray[np.float32]


def featurise(urls: Sequence[str], reference: Reference) -> Matrix:
    """Return an array of shape (n_urls, `N_COLUMNS`), each row of its URL and the reference data.

    Parameters
    ----------
    urls : sequence of str
        As `read_url` takes them.
    reference : Reference

    Raises
    ------
    UrlRefusedError
        If one of them is not a web address.
    """
    matrix = np.empty((len(urls), N_COLUMNS), np.float32)
    for start in range(0, len(urls), _CHUNK):
        _fill(matrix[start : start + _CHUNK], urls[start : start + _CHUNK], reference)
    return matrix


def group_of(url: str) -> str:
    """Return what a URL's side of the split depends on: its registrable domain.

    Raises
    ------
    UrlRefusedError
        If it is not a web address.
    """
    return take_apart(url).domain


def _fill(rows: Matrix, urls: Sequence[str], reference: Reference) -> None:
    """Write the features of some URLs into their rows."""
    texts = [text_of(take_apart(url)) for url in urls]
    each_figure = chain.from_iterable(
        (*figures(text), *known_figures(text.address, text.path.text, reference)) for text in texts
    )
    flat = array("d", each_figure)
    shown = np.frombuffer(flat).reshape(-1, N_FIGURES)
    rows[:, :N_FIGURES] = shown
    rows[:, GROUP] = [crc(text.address.domain) & 0xFFFFFF for text in texts]
    grams = [(text.address.host, text.path.text) for text in texts]
    rows[:, HOST[0] : PATH[1]] = _GRAMS.numbers(grams)
    pieces = _WORDS.numbers(map(_pieces, texts))
    rows[:, WORDS[0] : TRAITS[1]] = pieces[:, :-N_PEERS]
    rows[:, LEVELS[0] : LEVELS[1]] = _levels(shown[:, :N_LEXICAL])
    rows[:, PEERS[0] :] = pieces[:, -N_PEERS:]


def _pieces(text: UrlText) -> tuple[list[str], list[str], list[str]]:
    """Return the words, traits and peers of a URL."""
    path = text.path.text
    shape = shape_of(path)
    form = form_of(text, shape)
    return words_of(text, shape), traits_of(form, path), peers_of(form, path)


def _levels(shown: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the number of each figure's level: two levels to every doubling."""
    return _LEVEL_ENDS.searchsorted(shown * _SCALES, side="right") + _FIRST_LEVELS
