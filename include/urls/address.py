# ruff: noqa: RUF001  # letters that look Latin are the point
"""Take a URL apart: what splits, features and explanations see of it."""

import re
import unicodedata
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

import ada_url

from include.urls.domains import split_domain
from include.urls.parse import IPV4, ParsedUrl
from include.urls.reading import read_url

MAX_PATH_CHARS = 2048
_WWW = re.compile(r"www\d{0,2}\.(?=[^.]+\.)")
# Letters that look Latin and are not, as NFKD leaves them.
_LOOKALIKES = str.maketrans(
    "абвгԁеһіјкӏмнорԛгѕтцѵԝхуzαβγεικνορτυχωøłđıſɡɑ",
    "abbrdehijklmhopqrstuvwxyzabyeikvoptuxwoldisga",
)


class Address(NamedTuple):
    """The parts of a URL; scheme, a leading ``www.`` and a usual port are gone.

    Attributes
    ----------
    host : str
        As a browser names it (lower case, IDNA), without dots at the end.
    seen_host : str
        The host as a reader sees it: IDNA undone, letters that look Latin made Latin.
    domain : str
        Registrable domain (eTLD+1) of the host; the host where there is none.
    suffix : str
        Public suffix; empty for an IP address.
    subdomain : str
        What stands before the registrable domain, without the dot.
    label : str
        The registrable domain without its public suffix; the domain where that is all.
    path : str
        Path, query and fragment, percent-decoded at most twice; empty for a home page. Of longer
        ones, the first `MAX_PATH_CHARS` characters.
    userinfo, port : str
        Empty where there is none.
    is_ip, is_odd_ip : bool
        An IP address; an IPv4 address that was not written in its usual form.
    n_decoded : int
        How often percent-decoding changed the path, at most 2.
    n_chars : int
        Length of host, path and user information.
    """

    host: str
    seen_host: str
    domain: str
    suffix: str
    subdomain: str
    label: str
    path: str
    userinfo: str
    port: str
    is_ip: bool
    is_odd_ip: bool
    n_decoded: int
    n_chars: int


def take_apart(text: str) -> Address:
    """Return the parts of the URL in a text, as `read_url` reads it.

    Raises
    ------
    UrlRefusedError
        If the text is not a web address.
    """
    return address_of(read_url(text).parsed)


def address_of(url: ParsedUrl) -> Address:
    """Return the parts of a URL that was read."""
    host = site_host(url.host)
    is_ip = host[:1] == "[" or (host[-1:].isdigit() and IPV4.fullmatch(host) is not None)
    suffix, domain = ("", host) if is_ip else split_domain(host)
    n_label = len(domain) - len(suffix) - 1
    tail = url.tail[:MAX_PATH_CHARS]
    path, n_decoded = _decoded("" if tail == "/" else tail)
    return Address(
        host=host,
        seen_host=_seen(host),
        domain=domain,
        suffix=suffix,
        subdomain=host[: -len(domain) - 1] if len(host) > len(domain) else "",
        label=domain[:n_label] if suffix and n_label > 0 else domain,
        path=path,
        userinfo=url.userinfo,
        port="" if url.port in ("80", "443") else url.port,
        is_ip=is_ip,
        is_odd_ip=is_ip and host[:1] != "[" and url.written_host != host,
        n_decoded=n_decoded,
        n_chars=len(host) + len(path) + len(url.userinfo) + len(url.tail) - len(tail),
    )


def site_host(host: str) -> str:
    """Return a host without a leading ``www.`` and dots at its end, which make no other site."""
    host = host.rstrip(".")
    return _WWW.sub("", host, count=1) if host.startswith("www") else host


def _seen(host: str) -> str:
    """Return a host as a reader sees it, in Latin letters."""
    if "xn--" not in host:
        return host
    plain = unicodedata.normalize("NFKD", ada_url.idna_to_unicode(host)).lower()
    return "".join(c for c in plain if not unicodedata.combining(c)).translate(_LOOKALIKES)


def _decoded(text: str) -> tuple[str, int]:
    """Return text percent-decoded at most twice, and how often it changed."""
    n_decoded = 0
    while "%" in text and n_decoded < 2:
        plain = unquote_to_bytes(text.encode(errors="replace")).decode(errors="replace")
        if plain == text:
            break
        text, n_decoded = plain, n_decoded + 1
    return text, n_decoded
