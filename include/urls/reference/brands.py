"""Brands: how they are written in URLs, and which domains are theirs."""

import re
from collections.abc import Iterable
from typing import NamedTuple

_WORD = re.compile(r"[a-z0-9\u0080-\uffff]+")


class Brand(NamedTuple):
    """A brand.

    Attributes
    ----------
    key : str
        Names it in explanations.
    names : tuple of str
        Found anywhere in a text.
    words : tuple of str
        Short or of another meaning: count as a whole word only.
    domains : tuple of str
        Owned by the brand, with every name below them.
    """

    key: str
    names: tuple[str, ...]
    words: tuple[str, ...]
    domains: tuple[str, ...]


class Brands:
    """Finds the brands that a text names, and the owners of a domain.

    Parameters
    ----------
    brands : iterable of Brand
    """

    def __init__(self, brands: Iterable[Brand]) -> None:
        self._owners: dict[str, set[str]] = {}
        self._by_name: dict[str, str] = {}
        self._by_word: dict[str, str] = {}
        for brand in brands:
            for domain in brand.domains:
                self._owners.setdefault(domain, set()).add(brand.key)
            self._by_name.update(dict.fromkeys(brand.names, brand.key))
            self._by_word.update(dict.fromkeys(brand.words, brand.key))
        self.by_label = self._by_word | self._by_name
        self._find = _any_of(self._by_name).findall

    def owners_of(self, names: Iterable[str]) -> frozenset[str]:
        """Return the keys of the brands that own a host, given with the names above it."""
        owners = self._owners
        return frozenset().union(*(owners[name] for name in names if name in owners))

    def named_in(self, text: str) -> dict[str, str]:
        """Return the keys of the brands that a text in lower case names, and how it names each."""
        by_name, by_word = self._by_name, self._by_word
        named = {by_word[word]: word for word in _WORD.findall(text) if word in by_word}
        for name in self._find(text):
            named[by_name[name]] = name
        return named


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Match any of the words, the longest first; grouped by first letter, which is far faster."""
    tails: dict[str, list[str]] = {}
    for word in sorted(words, key=len, reverse=True):
        tails.setdefault(word[0], []).append(re.escape(word[1:]))
    # Without a word, nothing matches.
    return re.compile("|".join(f"{a}(?:{'|'.join(rest)})" for a, rest in tails.items()) or "(?!)")
