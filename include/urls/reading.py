"""Read a URL out of what people paste: the one reading that every part of NightCatch uses."""

import re
from functools import lru_cache
from typing import NamedTuple

import ada_url

from include.errors import UrlRefusedError
from include.urls.clean import clean
from include.urls.defang import refang
from include.urls.parse import IPV4, ParsedUrl, parse_url
from include.urls.redirectors import unwrap

MAX_UNWRAPPED = 3
_REMEMBERED_URLS, _REMEMBERED_CHARS = 2048, 1024
# Nothing around it, nothing invisible, and a host that is not defanged.
_ORDINARY = re.compile(r"(?i:https?)://[A-Za-z0-9.\-]+(?::[0-9]+)?(?:[/?#][!-~]*)?(?<![\">])")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.\-]*):")
_PORT = re.compile(r"[0-9]+(?:[/?#\\]|$)")
_AUTHORITY = re.compile(r"[^/\\?#]*")
_NO_HOST = "/\\?#"
_PLAIN = re.compile(r"https?://(?![/\\])", re.IGNORECASE)
_BARE_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+\.?")
_LISTED = re.compile(r".*[,;]h..ps?")  # of a list, the first URL and the scheme of the second
_SHOWN_CHARS = 30


class UrlReading(NamedTuple):
    """A URL that was read out of a text.

    Attributes
    ----------
    url : str
        As it was written, where a reader sees the host that browsers go to, else in the standard's
        form. Reading it again gives the same.
    parsed : ParsedUrl
        Its parts.
    unwrapped : tuple of str
        The services whose links held it, the outermost first.
    """

    url: str
    parsed: ParsedUrl
    unwrapped: tuple[str, ...]


def read_url(text: str) -> UrlReading:
    """Return the URL of a text: cleaned, refanged, and out of the links that hold it.

    Parameters
    ----------
    text : str
        A URL or a host, as people and feeds write them, of any length.

    Raises
    ------
    UrlRefusedError
        If the text is not a web address, or none that a browser opens.
    """
    # What scores a URL reads it several times: for rules, lists, features and the response.
    return _remembered(text) if len(text) <= _REMEMBERED_CHARS else _reading(text)


def _reading(text: str) -> UrlReading:
    url, parsed = _read(text)
    unwrapped: list[str] = []
    while len(unwrapped) < MAX_UNWRAPPED and (inside := unwrap(parsed)):
        name, target = inside
        try:
            url, parsed = _read(target)
        except UrlRefusedError:
            break
        unwrapped.append(name)
    return UrlReading(url, parsed, tuple(unwrapped))


_remembered = lru_cache(_REMEMBERED_URLS)(_reading)


def _read(text: str) -> tuple[str, ParsedUrl]:
    if _ORDINARY.fullmatch(text):
        return _url_of(text, parse_url(text))
    text = _refanged(clean(text))
    if _has_scheme(text):
        return _url_of(text, parse_url(text))
    parsed = parse_url(f"http://{text}")
    _check_bare_host(parsed)
    url, _ = _url_of(f"http://{text}", parsed)
    return (text if url == f"http://{text}" else url), parsed


def _url_of(url: str, parsed: ParsedUrl) -> tuple[str, ParsedUrl]:
    """Return a URL as written where a reader sees the host that a browser goes to, else its href.

    How an IPv4 address was written stays in either: it tells what the URL is for.
    """
    written, host = parsed.written_host.lower(), parsed.host
    if ("," in host or ";" in host) and _LISTED.fullmatch(host) and parsed.tail.startswith("//"):
        raise UrlRefusedError("several URLs in one text: send each URL by itself")
    is_ipv4 = IPV4.fullmatch(host) is not None
    is_seen = written == host or is_ipv4
    is_seen = is_seen or ("xn--" in host and written == ada_url.idna_to_unicode(host))
    if is_seen and _PLAIN.match(url) and "\\" not in url:
        return url, parsed
    if is_ipv4:
        before = f"{parsed.scheme}://{parsed.userinfo}" + "@" * bool(parsed.userinfo)
        return f"{before}{parsed.written_host}{parsed.href[len(before + host) :]}", parsed
    return _check_refanged(parsed.href), parsed


def _refanged(text: str) -> str:
    plain = refang(text)
    return plain if plain == text else _check_refanged(plain)


def _check_refanged(url: str) -> str:
    """Return a URL that means nothing else once it is refanged again."""
    if refang(url) != url:
        raise UrlRefusedError("brackets within brackets: this is no URL")
    return url


def _has_scheme(text: str) -> bool:
    """Return whether a text begins with http or https, or else with a host.

    Raises
    ------
    UrlRefusedError
        If it begins with anything else.
    """
    if not text:
        raise UrlRefusedError("the text is empty")
    if text[0] in _NO_HOST and not text.startswith("//"):
        raise UrlRefusedError(f"a web address cannot begin with {text[0]}")
    found = _SCHEME.match(text)
    if found is None or _PORT.match(text, found.end()):
        return False
    name = found[1].lower()
    if name in ("http", "https"):
        return True
    if "." in name and "@" in _AUTHORITY.match(text, found.end())[0]:  # type: ignore[index]
        return False
    raise UrlRefusedError(f"{name[:_SHOWN_CHARS]}: is no web address, only http and https are")


def _check_bare_host(parsed: ParsedUrl) -> None:
    """Raise if a text without a scheme is a word or a number rather than a host."""
    host, written = parsed.host, ascii(parsed.written_host[:_SHOWN_CHARS])
    if host.startswith("[") or host == "localhost":
        return
    if IPV4.fullmatch(host) and host != parsed.written_host:
        raise UrlRefusedError(f"{written} is a number: write http:// before it if it is a host")
    if not _BARE_HOST.fullmatch(host):
        raise UrlRefusedError(f"{written} is no host: write http:// before it if it is one")
