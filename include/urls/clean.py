"""Remove from a pasted URL what stands around it, and what browsers ignore."""

import re

from include.errors import UrlRefusedError

_INVISIBLE = "\u00ad\u034f\u061c\u115f\u1160\u180e\u2800\u3164\ufeff\uffa0" + "".join(
    map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)))
)
_BLANKS = "".join(chr(code) for code in range(0x3001) if code == 0x7F or chr(code).isspace())
_OUTSIDE = _BLANKS + "".join(map(chr, range(0x20))) + _INVISIBLE
_OPENING = _OUTSIDE + '"<\u201c\u201d\u201e\u00ab\u2039'
# Of each mark behind a URL, the marks that it closes; one that closes a mark in the URL stays.
_CLOSING = {
    ">": "<",
    "\u201d": "\u201c\u201e",
    "\u201c": "\u201e",
    "\u00bb": "\u00ab",
    "\u203a": "\u2039",
}
_PAIRS = {"'": "'", "`": "`", "*": "*", "\u2018": "\u2019", "(": ")", "[": "]", "{": "}"}
_MAX_PAIRS = 4
_IPV6 = re.compile(r"\[[0-9a-fA-F.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*\]")
_MARKDOWN = re.compile(r"!?\[[^\[\]]*\]\(\s*<?(h[^\s()<>]*)(?:>|>?\s[^()]*)?\)", re.IGNORECASE)
_NAMED = re.compile(r"ur[il]\s?[:=]\s*(?=h..ps?\W)", re.IGNORECASE)
_IGNORED = dict.fromkeys(map(ord, "\t\n\r"))
_UNSEEN = dict.fromkeys(map(ord, _INVISIBLE))
_ANOTHER = re.compile(r"[\n\r\t][ \t]{0,8}h..ps?:", re.IGNORECASE)
_SCHEME = re.compile(r"[^:/?#]*:")
_SCHEME_NAME = re.compile(r"\W?h.{2,4}\W?:|[a-z][a-z0-9+\-]*:(?![0-9])", re.IGNORECASE)
_AUTHORITY = re.compile(r"[^/\\?#]*")


def clean(text: str) -> str:
    """Return a text without blanks, quotes and brackets around it, tabs and line ends in it.

    Tabs and line ends inside are removed as in browsers (WHATWG URL, 4.4); other blanks inside
    stay, so that two names never become one. Invisible characters go from the scheme, which they
    would hide; the parser takes them out of the host.

    Raises
    ------
    UrlRefusedError
        If the text is several URLs or hosts.
    """
    text = _unquoted(text)
    if link := _MARKDOWN.fullmatch(text):
        text = link[1]
    text = _NAMED.sub("", text, count=1) if _NAMED.match(text) else text
    if "\n" in text or "\r" in text or "\t" in text:
        text = _one_line(text)
    if scheme := _SCHEME.match(text):
        text = scheme[0].translate(_UNSEEN) + text[scheme.end() :]
    return text


def _one_line(text: str) -> str:
    plain = text.translate(_IGNORED)
    host = _AUTHORITY.match(text)
    # Browsers remove them from a URL; a host without a scheme is no URL of theirs.
    is_bare = not _SCHEME_NAME.match(plain) and host and host[0] != host[0].translate(_IGNORED)
    if is_bare or _ANOTHER.search(text):
        raise UrlRefusedError("several URLs or cells in one text: send each URL by itself")
    return plain


def _unquoted(text: str) -> str:
    """Return a text without the quotes and brackets around it; those within it stay."""
    for _ in range(_MAX_PAIRS):
        inside = text.lstrip(_OPENING)
        n_quotes = text[: len(text) - len(inside)].count('"')
        text = _without_closing(inside, n_quotes)
        if not _is_in_pair(text):
            break
        text = text[1:-1]
    return text


def _without_closing(text: str, n_quotes: int) -> str:
    """Return a text without the marks at its end that close none within it."""
    n_within = text.count('"')
    surplus = {'"': n_quotes if n_quotes % 2 == n_within % 2 else n_within % 2}
    surplus |= {
        mark: text.count(mark) - sum(map(text.count, opening)) for mark, opening in _CLOSING.items()
    }
    end = len(text)
    while end and (text[end - 1] in _OUTSIDE or surplus.get(text[end - 1], 0) > 0):
        end -= 1
        if text[end] in surplus:
            surplus[text[end]] -= 1
    return text[:end]


def _is_in_pair(text: str) -> bool:
    """Return whether the first character of a text opens what its last one closes."""
    if len(text) < 2 or _PAIRS.get(text[0]) != text[-1] or _IPV6.fullmatch(text):
        return False
    depth, opening, closing = 0, text[0], text[-1]
    if opening == closing:
        return True
    for mark in text[1:-1]:
        depth += (mark == opening) - (mark == closing)
        if depth < 0:
            return False
    return depth == 0
