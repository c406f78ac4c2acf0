"""Parse a URL by the WHATWG standard, with the parser of Node.js (`ada`)."""

import re
from typing import NamedTuple
from urllib.parse import unquote

import ada_url

from include.errors import UrlRefusedError

MAX_HOST_CHARS = 253
MAX_LABEL_CHARS = 63
IPV4 = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_HTTP = re.compile(r"https?:[/\\]*([^/\\?#]*)", re.IGNORECASE)
_HREF = re.compile(r"(https?)://(?:([^/@]*)@)?(\[[^]]*\]|[^:/?#]*)(?::([0-9]+))?(.*)", re.DOTALL)
_PORT = re.compile(r":[0-9]*$")
_DOTS = re.compile("[.\u3002\uff0e\uff61]")


class ParsedUrl(NamedTuple):
    """The parts of a URL as a browser takes them; all but the last are ASCII.

    Attributes
    ----------
    href : str
        The whole in the standard's own form.
    scheme : str
        ``http`` or ``https``.
    userinfo : str
        User name and password, percent-encoded; empty where there are none.
    host : str
        Lower case, IDNA-encoded; IP addresses in their usual form, IPv6 in brackets.
    port : str
        Empty where it is the scheme's own.
    tail : str
        Path, query and fragment, percent-encoded; begins with a slash.
    written_host : str
        The host as it stands in the text.
    """

    href: str
    scheme: str
    userinfo: str
    host: str
    port: str
    tail: str
    written_host: str


def parse_url(url: str) -> ParsedUrl:
    """Return the parts of a URL with the scheme http or https, and without tabs and line ends.

    The lengths of host and labels are checked before anything is encoded: the time grows with the
    length of the URL and not faster.

    Raises
    ------
    UrlRefusedError
        If a browser would not open it, or its host is longer than a name can be.
    """
    begin = _HTTP.match(url)
    if begin is None:
        raise UrlRefusedError("no http or https URL")
    written = _PORT.sub("", begin[1].rpartition("@")[2])
    if not written:
        raise UrlRefusedError("the URL has no host")
    _check_lengths(unquote(written) if "%" in written else written)
    try:
        href = ada_url.normalize_url(url)
    except ValueError:
        raise UrlRefusedError(_why(begin[1], written)) from None
    found = _HREF.fullmatch(href)
    if found is None:
        raise UrlRefusedError("no http or https URL")
    scheme, userinfo, host, port, tail = found.groups("")
    if host != written:
        _check_lengths(host)
    return ParsedUrl(href, scheme, userinfo, host, port, tail, written)


def _check_lengths(host: str) -> None:
    """Raise if no such name can be looked up (RFC 1035, 2.3.4)."""
    if len(host) > MAX_HOST_CHARS:
        raise UrlRefusedError(f"the host has more than {MAX_HOST_CHARS} characters")
    if len(host) > MAX_LABEL_CHARS and max(map(len, _DOTS.split(host))) > MAX_LABEL_CHARS:
        raise UrlRefusedError(f"a label of the host has more than {MAX_LABEL_CHARS} characters")


def _why(authority: str, host: str) -> str:
    """Return why a URL of sound scheme and lengths cannot be opened."""
    shown = ascii(host[:60])
    port = authority.rpartition("@")[2][len(host) + 1 :]
    if any(char.isspace() for char in host):
        return f"blanks in the host {shown}: this is no URL, or several"
    if port and (len(port.lstrip("0")) > 5 or int(port) > 65_535):
        return "the port is over 65535"
    if ":" in host and not host.startswith("["):
        return f"{shown} is no host with a port"
    return f"no browser opens the host {shown}"
