"""The URL of another site that a URL hands on, as open redirects do."""

import re
from urllib.parse import unquote

from include.errors import UrlRefusedError
from include.urls.address import take_apart
from include.urls.reading import read_url

_ENCODED = r"(?::|%(?:25)*3a)(?:/|%(?:25)*2f){2}"
_EMBEDDED = re.compile(rf"(?<![a-z0-9])(https?{_ENCODED}[^\s&]+)", re.IGNORECASE)
_MOST_DECODINGS = 3
_ARCHIVES = ("archive.org", "archive.ph", "archive.today", "perma.cc", "webcitation.org")
"""They show copies and never lead to the site."""


def embedded_url(url: str) -> str:
    """Return the first URL behind a URL's host that is of another registrable domain.

    Parameters
    ----------
    url : str
        As `read_url` returned it.

    Returns
    -------
    str
        As `read_url` reads it; empty where there is none, and for archives of the web.
    """
    if "http" not in url[8:].lower():
        return ""
    outer = take_apart(url)
    if outer.domain in _ARCHIVES or not (found := _EMBEDDED.search(outer.path)):
        return ""
    try:
        inner = read_url(_decoded(found[1])).url
        return inner if take_apart(inner).domain != outer.domain else ""
    except UrlRefusedError:
        return ""


def _decoded(text: str) -> str:
    """Return a URL whose scheme was percent-encoded as it was before."""
    for _ in range(_MOST_DECODINGS):
        if "%" not in text[: len("https%2525")]:
            break
        text = unquote(text)
    return text
