"""Figures of one URL: lengths, counts, shares and yes or no, all of its string alone."""

import math
import re
from operator import mul
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
_DIGIT = re.compile(r"[0-9]")
_DIGITS = re.compile(r"[0-9]+")
_UPPER = re.compile(r"[A-Z]")
_VOWEL = re.compile(r"[aeiou]")
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{4,}")
_HEXADECIMAL = re.compile(r"[0-9a-f]{12,}")
_MIXED = re.compile(r"[a-z][0-9]|[0-9][a-z]")
_PATH_END = re.compile(r"[?#]")
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
    folders = _PATH_END.split(address.path, maxsplit=1)[0]
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
        n_chars, n_digits = len(text), len(_DIGIT.findall(text))
        letters += [
            text.count("-"),
            n_digits,
            n_digits / n_chars,
            len(_VOWEL.findall(text)) / n_chars,
            _entropy(text),
            len(_CONSONANTS.findall(text)),
            len(_MIXED.findall(text)),
        ]
    words = _WORD.findall(f"{sub}.{label}")
    return [*letters, len(words), max(map(len, words), default=0)]


def _path_letters(path: str, lower: str) -> list[float]:
    if not path:
        return _NO_PATH
    words = _WORD.findall(lower)
    folders = _PATH_END.split(lower, maxsplit=1)[0]
    last = folders.rpartition("/")[2]
    file = _FILE.search(folders[-8:])
    kind = file[1] if file else ""
    return [
        len(words),
        max(map(len, words), default=0),
        len(_MIXED.findall(lower)),
        len(_DIGIT.findall(lower)),
        len(_DIGITS.findall(lower)),
        len(_UPPER.findall(path)),
        len(_HEXADECIMAL.findall(lower)),
        len(last),
        len(_DIGIT.findall(last)),
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
        len(_BRAND.findall(sub)),
        len(_BRAND.findall(path)),
        len(_LURE.findall(seen)),
        len(_LURE.findall(sub)),
        len(_LURE.findall(path)),
        "http" in path,
        ".com" in sub or "com-" in seen,
    ]


def _entropy(text: str) -> float:
    """Return the Shannon entropy of a text's characters, in bits."""
    # Sorted: a set of text has no order of its own, and sums of floats depend on it.
    counts = sorted(map(text.count, set(text)))
    n_chars = len(text) or 1
    spread: float = sum(map(mul, counts, map(math.log2, counts)))
    return math.log2(n_chars) - spread / n_chars
