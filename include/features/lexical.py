"""Numeric features of one URL: lengths, counts, shares and flags, from its text alone."""

import math
import re
from typing import Final

from include.features.word_lists import BRANDS, LURES
from include.urls.address import Address

N_FIGURES: Final = 76
SHARES: Final = (14, 15, 21, 22, 66)
"""Figures between 0 and 1 that are neither yes nor no."""
_MAX_HOST_CHARS = 256
_MAX_PATH_CHARS = 400
_MARKS = ("-", "_", ".", "%", "@", "=", "//", "~", "+", ":")
_NO_LETTERS: list[float] = [0] * 7
_NO_MARKS: list[float] = [0] * (len(_MARKS) + 4)
_NO_PATH: list[float] = [*[0] * 12, 1, 0, 0]
_FILE_TYPES = ("html", "htm", "php", "asp", "aspx", "jsp", "pdf", "cgi", "js")


def _any_of(words: str) -> re.Pattern[str]:
    """Match any of the words, the longest first; grouped by first letter, which is far faster."""
    tails: dict[str, list[str]] = {}
    for word in sorted(words.split(), key=len, reverse=True):
        tails.setdefault(word[0], []).append(word[1:])
    return re.compile("|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in tails.items()))


_BRAND, _LURE = _any_of(BRANDS), _any_of(LURES)
_BRAND_LABELS = frozenset(BRANDS.split())
_WORD = re.compile(r"[a-z0-9\u0080-\uffff]+")
_DIGITS = re.compile(r"[0-9]+")
_UPPER = re.compile(r"[A-Z]")
_DIGITS_ASCII, _VOWELS_ASCII = b"0123456789", b"aeiou"
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{4,}")
_HEXADECIMAL = re.compile(r"[0-9a-f]{12,}")
_MIXED = re.compile(r"[a-z][0-9]|[0-9][a-z]")
_N_LOG_N = [0.0, *(count * math.log2(count) for count in range(1, _MAX_PATH_CHARS + 1))]
_FILE = re.compile(r"\.([a-z0-9]{1,5})$")


def figures(address: Address) -> list[float]:
    """Return `N_FIGURES` figures of a URL."""
    path = address.path[:_MAX_PATH_CHARS].lower()
    return [
        *_lengths(address),
        *_host_letters(address.label, address.subdomain[:_MAX_HOST_CHARS]),
        *_path_letters(address.path[:_MAX_PATH_CHARS], path),
        *_marks(path),
        *_oddities(address),
        *_lures(address, path),
    ]


def _lengths(address: Address) -> list[float]:
    folders = folders_of(address.path)
    return [
        address.n_chars,
        len(address.host),
        len(address.subdomain),
        len(address.label),
        len(address.suffix),
        len(address.path),
        len(folders),
        len(address.path.partition("?")[2]),
        address.host.count("."),
        address.subdomain.count(".") + bool(address.subdomain),
        address.suffix.count("."),
        folders.count("/"),
    ]


def _host_letters(label: str, sub: str) -> list[float]:
    letters: list[float] = []
    for text in (label, sub):
        if not text:
            letters += _NO_LETTERS
            continue
        n_chars, n_digits = len(text), _count(text, _DIGITS_ASCII)
        letters += [
            text.count("-"),
            n_digits,
            n_digits / n_chars,
            _count(text, _VOWELS_ASCII) / n_chars,
            _entropy(text),
            len(_CONSONANTS.findall(text)),
            len(_MIXED.findall(text)) if n_digits else 0,
        ]
    words = _WORD.findall(f"{sub}.{label}")
    return [*letters, len(words), max(map(len, words), default=0)]


def _path_letters(path: str, lower: str) -> list[float]:
    if not path:
        return _NO_PATH
    words = _WORD.findall(lower)
    folders = folders_of(lower)
    last = folders.rpartition("/")[2]
    n_digits = _count(lower, _DIGITS_ASCII)
    file = _FILE.search(folders[-8:])
    kind = file[1] if file else ""
    return [
        len(words),
        max(map(len, words), default=0),
        len(_MIXED.findall(lower)) if n_digits else 0,
        n_digits,
        len(_DIGITS.findall(lower)) if n_digits else 0,
        len(_UPPER.findall(path)) if path != lower else 0,
        len(_HEXADECIMAL.findall(lower)) if len(lower) >= 12 else 0,
        len(last),
        _count(last, _DIGITS_ASCII),
        _entropy(last),
        bool(file),
        _FILE_TYPES.index(kind) + 1 if kind in _FILE_TYPES else 0,
        path == "",
        path != lower,
        lower.endswith("/"),
    ]


def _marks(path: str) -> list[float]:
    if not path:
        return _NO_MARKS
    query = path.partition("?")[2]
    return [
        *map(path.count, _MARKS),
        query.count("="),
        query.count("&"),
        "?" in path,
        "#" in path,
    ]


def _oddities(address: Address) -> list[float]:
    return [
        bool(address.userinfo),
        bool(address.port),
        address.is_ip,
        address.is_odd_ip,
        "xn--" in address.host,
        address.seen_host != address.host,
        address.n_decoded,
        not address.path.isascii(),
    ]


def _lures(address: Address, path: str) -> list[float]:
    seen, sub = address.seen_host[:_MAX_HOST_CHARS], address.subdomain[:_MAX_HOST_CHARS]
    brands = _BRAND.findall(seen)
    is_brand = address.label in _BRAND_LABELS
    return [
        len(brands),
        sum(map(len, brands)) / (len(seen) or 1),
        bool(brands and not is_brand),
        is_brand,
        len(_BRAND.findall(sub)) if sub else 0,
        len(_BRAND.findall(path)) if path else 0,
        len(_LURE.findall(seen)),
        len(_LURE.findall(sub)) if sub else 0,
        len(_LURE.findall(path)) if path else 0,
        "http" in path,
        ".com" in sub or "com-" in seen,
    ]


def folders_of(path: str) -> str:
    """Return a path without query and fragment."""
    return path.partition("?")[0].partition("#")[0]


def _count(text: str, letters: bytes) -> int:
    """Return how many of a text's characters are among some ASCII letters."""
    # Far quicker than finding each of them.
    return len(text) - len(text.encode("ascii", "replace").translate(None, letters))


def _entropy(text: str) -> float:
    """Return the Shannon entropy of a text's characters, in bits."""
    # Sorted: a set of text has no order of its own, and sums of floats depend on it.
    counts = sorted(map(text.count, set(text)))
    n_chars = len(text) or 1
    spread = sum([_N_LOG_N[count] for count in counts])
    return math.log2(n_chars) - spread / n_chars
