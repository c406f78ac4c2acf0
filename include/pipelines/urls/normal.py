"""When two URLs are one: the form in which they are then the same text.

| part | what makes no difference |
|---|---|
| scheme | http, https or none at all |
| host | how it is written, a leading `www.`, a trailing dot |
| port | 80 and 443, as no port |
| path, query | whether letters, digits and ``-._~`` are escaped; ``%2f`` or ``%2F``; a bare ``/`` |
| fragment | dropped, as the server never sees it; kept where it names the page (``#/``, ``#!``) |

And whatever browsers read alike, and what `read_url` takes off: blanks and quotes around a URL,
defanging, links that hold it. All else makes a difference: capitals in the path, the order of the
query, user names. The rules for percent-encoding are those of RFC 3986, 6.2.2.
"""

import re

from include.urls.address import site_host
from include.urls.parse import ParsedUrl
from include.urls.reading import read_url

_ESCAPED = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]")
_PAGES = ("/", "!")


def normalise(text: str) -> str:
    """Return the text that is equal for two URLs exactly if they are one.

    Raises
    ------
    UrlRefusedError
        If the text is not a web address.
    """
    return normal_form(read_url(text).parsed)


def normal_form(url: ParsedUrl) -> str:
    """Return what `normalise` returns of a URL that was read already."""
    tail, _, fragment = url.tail.partition("#")
    if fragment.startswith(_PAGES):
        tail = f"{tail}#{fragment}"
    return "".join(
        (
            f"{url.userinfo}@" if url.userinfo else "",
            site_host(url.host),
            "" if url.port in ("", "80", "443") else f":{url.port}",
            _ESCAPED.sub(_plain, tail) if "%" in tail else tail,
        )
    )


def _plain(escaped: re.Match[str]) -> str:
    """Return what ``%xx`` stands for where it need not be escaped, else the same in capitals."""
    char = chr(int(escaped[1], 16))
    return char if _UNRESERVED.fullmatch(char) else escaped[0].upper()
