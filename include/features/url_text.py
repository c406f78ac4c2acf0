"""The texts of a URL, taken apart once for everything that is counted and numbered in them."""

import re
from typing import NamedTuple

from include.urls.address import Address

MAX_SHOWN_CHARS = 400
"""How much of a path figures count."""
_WORD = re.compile(r"[a-z0-9\u0080-\uffff]+")


class PathText(NamedTuple):
    """A path with its query, in lower case.

    Attributes
    ----------
    text : str
    folders : str
        Without query and fragment.
    words : list of str
    """

    text: str
    folders: str
    words: list[str]


class UrlText(NamedTuple):
    """The texts of a URL.

    Attributes
    ----------
    address : Address
    path : PathText
        The whole, in one line: words are separated by line ends when they are numbered.
    shown : PathText
        Its first `MAX_SHOWN_CHARS` characters as they are; mostly the same.
    label_words, subdomain_words : list of str
        Of the host.
    """

    address: Address
    path: PathText
    shown: PathText
    label_words: list[str]
    subdomain_words: list[str]


def text_of(address: Address) -> UrlText:
    """Return the texts of a URL."""
    raw, sub = address.path, address.subdomain
    lower = raw.lower()
    shown = path_text(lower)
    path = shown
    if len(raw) > MAX_SHOWN_CHARS or "\n" in raw:
        path = path_text(lower.replace("\n", " "))
        shown = path_text(raw[:MAX_SHOWN_CHARS].lower())
    return UrlText(address, path, shown, words_in(address.label), words_in(sub) if sub else [])


def path_text(path: str) -> PathText:
    """Return the texts of a path in lower case."""
    if not path:
        return _NO_PATH
    return PathText(path, folders_of(path), _WORD.findall(path))


def folders_of(path: str) -> str:
    """Return a path without query and fragment."""
    return path.partition("?")[0].partition("#")[0]


def words_in(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return [text] if text.isalnum() and text.isascii() else _WORD.findall(text)


_NO_PATH = PathText("", "", [])
