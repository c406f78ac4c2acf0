"""Numeric features of one URL: lengths, counts, shares and flags, from its text alone."""

import math
import re
from typing import Final

from include.features.url_text import MAX_SHOWN_CHARS, UrlText, folders_of
from include.features.word_lists import BRANDS, LURES
from include.urls.address import Address

N_LEXICAL: Final = 76
SHARES: Final = (14, 15, 21, 22, 66)
"""Figures between 0 and 1 that are neither yes nor no."""
_MAX_HOST_CHARS = 256
_MARKS = ("-", "_", ".", "%", "@", "=", "//", "~", "+", ":")
_NO_LETTERS: list[float] = [0] * 7
_NO_MARKS: list[float] = [0] * (len(_MARKS) + 4)
_NO_PATH: list[float] = [*[0] * 12, 1, 0, 0]
_FILE_TYPES = ("html", "htm", "php", "asp", "aspx", "jsp", "pdf", "cgi", "js")
_FILE_NUMBERS = {kind: number for number, kind in enumerate(_FILE_TYPES, start=1)}


def _any_of(words: str) -> re.Pattern[str]:
    """Match any of the words, the longest first; grouped by first letter, which is far faster."""
    tails: dict[str, list[str]] = {}
    for word in sorted(words.split(), key=len, reverse=True):
        tails.setdefault(word[0], []).append(word[1:])
    return re.compile("|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in tails.items()))


def _kinds(**letters: bytes) -> bytes:
    """Return a table that makes each of some letters its kind, and all others a blank."""
    table = bytearray(b" " * 256)
    for kind, members in letters.items():
        for code in members:
            table[code] = ord(kind)
    return bytes(table)


_BRAND, _LURE = _any_of(BRANDS), _any_of(LURES)
_BRAND_LABELS = frozenset(BRANDS.split())
# Letters are deleted, translated and counted many times quicker than a pattern is searched for.
_DIGITS, _VOWELS, _CAPITALS = b"0123456789", b"aeiou", bytes(range(ord("A"), ord("Z") + 1))
_LETTERS_DIGITS = _kinds(a=bytes(range(ord("a"), ord("z") + 1)), d=_DIGITS)
_CONSONANTS = _kinds(c=b"bcdfghjklmnpqrstvwxz")
_HEXADECIMAL = _kinds(h=_DIGITS + b"abcdef")
_CONSONANT_RUN, _HEXADECIMAL_RUN = re.compile(rb"c{4,}"), re.compile(rb"h{12,}")
_LONG_HEXADECIMAL = b"h" * 12
_MIXED = re.compile(rb"ad|da")
_N_LOG_N = [0.0, *(count * math.log2(count) for count in range(1, MAX_SHOWN_CHARS + 1))]
_FILE = re.compile(r"\.([a-z0-9]{1,5})$")


def figures(text: UrlText) -> list[float]:
    """Return `N_LEXICAL` figures of a URL."""
    path = text.shown.text
    return [
        *_lengths(text),
        *_name_letters(text.address.label),
        *_name_letters(text.address.subdomain),
        *_word_lengths(text.subdomain_words + text.label_words),
        *(_path_letters(text) if path else _NO_PATH),
        *(_marks(path) if path else _NO_MARKS),
        *_oddities(text.address),
        *_lures(text.address, path),
    ]


def _lengths(text: UrlText) -> list[float]:
    address, path = text.address, text.address.path
    n_chars, query = len(path), path.find("?")
    # A few letters are two letters in lower case.
    folders = text.path.folders if len(text.path.text) == n_chars else folders_of(path)
    return [
        address.n_chars,
        len(address.host),
        len(address.subdomain),
        len(address.label),
        len(address.suffix),
        n_chars,
        len(folders),
        n_chars - query - 1 if query >= 0 else 0,
        address.host.count("."),
        address.subdomain.count(".") + bool(address.subdomain),
        address.suffix.count("."),
        folders.count("/"),
    ]


def _name_letters(name: str) -> list[float]:
    if not name:
        return _NO_LETTERS
    n_chars, plain = len(name), name.encode("ascii", "replace")
    kinds, consonants = plain.translate(_LETTERS_DIGITS), plain.translate(_CONSONANTS)
    n_digits = kinds.count(b"d")
    return [
        plain.count(b"-"),
        n_digits,
        n_digits / n_chars,
        (n_chars - len(plain.translate(None, _VOWELS))) / n_chars,
        _entropy(name),
        len(_CONSONANT_RUN.findall(consonants)) if b"cccc" in consonants else 0,
        len(_MIXED.findall(kinds)) if n_digits else 0,
    ]


def _word_lengths(words: list[str]) -> tuple[float, float]:
    return len(words), max(map(len, words), default=0)


def _path_letters(text: UrlText) -> list[float]:
    lower, folders, words = text.shown
    path, plain = text.address.path[:MAX_SHOWN_CHARS], lower.encode("ascii", "replace")
    kinds, hexadecimal = plain.translate(_LETTERS_DIGITS), plain.translate(_HEXADECIMAL)
    n_digits, last = kinds.count(b"d"), folders.rpartition("/")[2]
    file = _FILE.search(folders[-8:]) if "." in folders[-8:] else None
    return [
        *_word_lengths(words),
        len(_MIXED.findall(kinds)) if b"ad" in kinds or b"da" in kinds else 0,
        n_digits,
        kinds.count(b"ad") + kinds.count(b" d") + kinds.startswith(b"d") if n_digits else 0,
        _count(path, _CAPITALS) if path != lower else 0,
        len(_HEXADECIMAL_RUN.findall(hexadecimal)) if _LONG_HEXADECIMAL in hexadecimal else 0,
        len(last),
        _count(last, _DIGITS) if n_digits else 0,
        _entropy(last),
        bool(file),
        _FILE_NUMBERS.get(file[1], 0) if file else 0,
        0,
        path != lower,
        lower.endswith("/"),
    ]


def _marks(path: str) -> list[float]:
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
    seen, sub = address.seen_host[:_MAX_HOST_CHARS], address.subdomain
    brands, lures = _BRAND.findall(seen), _LURE.findall(seen)
    # No brand and no lure holds a dot: what the subdomain holds, a host shown as it is holds too.
    as_it_is = seen == address.host
    is_brand = address.label in _BRAND_LABELS
    return [
        len(brands),
        sum(map(len, brands)) / (len(seen) or 1),
        bool(brands and not is_brand),
        is_brand,
        len(_BRAND.findall(sub)) if sub and (brands or not as_it_is) else 0,
        len(_BRAND.findall(path)) if path else 0,
        len(lures),
        len(_LURE.findall(sub)) if sub and (lures or not as_it_is) else 0,
        len(_LURE.findall(path)) if path else 0,
        "http" in path,
        ".com" in sub or "com-" in seen,
    ]


def _count(text: str, letters: bytes) -> int:
    """Return how many of a text's characters are among some ASCII letters."""
    return len(text) - len(text.encode("ascii", "replace").translate(None, letters))


def _entropy(text: str) -> float:
    """Return the Shannon entropy of a text's characters, in bits."""
    # Sorted: a set of text has no order of its own, and sums of floats depend on it.
    counts = sorted(map(text.count, set(text)))
    n_chars = len(text) or 1
    spread = sum([_N_LOG_N[count] for count in counts])
    return math.log2(n_chars) - spread / n_chars
