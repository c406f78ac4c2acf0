"""When two URLs are one: the form in which they are then the same text.

| part | what makes no difference |
|---|---|
| scheme | http, https or none at all |
| host | capitals, a leading `www.`, a trailing dot, percent-encoding, punycode or the letters |
| port | 80 and 443, as no port |
| path, query | whether letters, digits and ``-._~`` are escaped; ``%2f`` or ``%2F``; a bare ``/`` |
| fragment | dropped, as the server never sees it; kept where it names the page (``#/``, ``#!``) |

All else does: capitals in the path, the order of the query, user names, other spellings of an IP
address. The rules for percent-encoding are those of RFC 3986, 6.2.2.
"""

import re
from urllib.parse import quote

from include.features.address import Address, take_apart

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.\-]*):(?:[/\\]+|(?![0-9]+(?:[/?#]|$)))")
_AUTHORITY_END = re.compile(r"[/\\?#]")
_BLANKS = re.compile(r"[\x00-\x20\x7f]+")
_ESCAPED = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_WEB = ("", "http", "https")
_PAGES = ("/", "!")


def normalise(url: str) -> str:
    """Return the text that is equal for two URLs exactly if they are one.

    Parameters
    ----------
    url : str
        Any text: what is no URL is read as one all the same.
    """
    return normal_form(url, take_apart(url))


def normal_form(url: str, address: Address) -> str:
    """Return what `normalise` does of a URL that is taken apart already."""
    scheme, rest = _split(url)
    authority = _AUTHORITY_END.split(rest, maxsplit=1)[0]
    tail, _, fragment = rest[len(authority) :].partition("#")
    if fragment.startswith(_PAGES):
        tail = f"{tail}#{fragment}"
    if not tail.startswith("/"):
        tail = f"/{tail}"
    return "".join(
        (
            "" if scheme in _WEB else f"{scheme}:",
            f"{address.userinfo}@" if address.userinfo else "",
            quote(address.host, safe=":[]", errors="replace"),
            f":{address.port}" if address.port else "",
            _ESCAPED.sub(_plain, quote(tail, safe=_ASCII, errors="replace")),
        )
    )


def scheme_of(url: str) -> str:
    """Return the scheme in lower case; empty where there is none."""
    return _split(url)[0]


def _split(url: str) -> tuple[str, str]:
    """Return the scheme, and what stands behind it and its slashes."""
    whole = _BLANKS.sub("", url)
    if found := _SCHEME.match(whole):
        return found[1].lower(), whole[found.end() :].lstrip("/\\")
    return "", whole.lstrip("/\\")


def _plain(escaped: re.Match[str]) -> str:
    """Return what ``%xx`` stands for where it need not be escaped, else the same in capitals."""
    char = chr(int(escaped[1], 16))
    return char if _UNRESERVED.fullmatch(char) else escaped[0].upper()
