"""Remove from a pasted URL what stands around it, and what browsers ignore."""

import re

from include.errors import UrlRefusedError

_INVISIBLE = "\u00ad\u034f\u061c\u115f\u1160\u180e\u2800\u3164\ufeff\uffa0" + "".join(
    map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)))
)
_BLANKS = "".join(chr(code) for code in range(0x3001) if code == 0x7F or chr(code).isspace())
_OUTSIDE = _BLANKS + "".join(map(chr, range(0x20))) + _INVISIBLE
_BEFORE = _OUTSIDE + '"<\u201c\u201d\u201e\u00ab\u2039'
_BEHIND = _OUTSIDE + '">\u201c\u201d\u00bb\u203a'
_PAIRS = {"'": "'", "`": "`", "\u2018": "\u2019", "(": ")"}
_MAX_PAIRS = 4
_IGNORED = dict.fromkeys(map(ord, "\t\n\r"))
_UNSEEN = dict.fromkeys(map(ord, _INVISIBLE))
_ANOTHER = re.compile(r"[\n\r][ \t]{0,8}h..ps?:", re.IGNORECASE)
_SCHEME = re.compile(r"[^:/?#]*:")


def clean(text: str) -> str:
    """Return a text without blanks, quotes and brackets around it, tabs and line ends in it.

    Tabs and line ends inside are removed as in browsers (WHATWG URL, 4.4); other blanks inside
    stay, so that two names never become one. Invisible characters go from the scheme, which they
    would hide; the parser takes them out of the host.

    Raises
    ------
    UrlRefusedError
        If the lines of the text are several URLs.
    """
    for _ in range(_MAX_PAIRS):
        text = text.lstrip(_BEFORE).rstrip(_BEHIND)
        if not (len(text) > 1 and _PAIRS.get(text[0]) == text[-1]):
            break
        text = text[1:-1]
    if "\n" in text or "\r" in text or "\t" in text:
        if _ANOTHER.search(text):
            raise UrlRefusedError("several URLs in one text: send each by itself")
        text = text.translate(_IGNORED)
    if scheme := _SCHEME.match(text):
        text = scheme[0].translate(_UNSEEN) + text[scheme.end() :]
    return text
