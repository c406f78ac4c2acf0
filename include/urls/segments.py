"""A URL cut where a reader should look: for people to see, and never to be put together again."""

from typing import NamedTuple

import ada_url

from include.urls.domains import split_domain
from include.urls.parse import IPV4, ParsedUrl


class Segment(NamedTuple):
    """A piece of a URL as browsers read it.

    Attributes
    ----------
    name : str
        ``scheme``, ``userinfo``, ``subdomain``, ``domain``, ``port``, ``path``, ``query`` or
        ``fragment``.
    text : str
        With the punctuation that belongs to it.
    """

    name: str
    text: str


def segments_of(url: ParsedUrl) -> list[Segment]:
    """Return all of a URL, left to right; ``domain`` is the registrable one, or the IP address."""
    name = url.host.rstrip(".")
    is_ip = name.startswith("[") or IPV4.fullmatch(name) is not None
    domain = name if is_ip else split_domain(name)[1]
    before, sharp, fragment = url.tail.partition("#")
    path, mark, query = before.partition("?")
    cut = [
        Segment("scheme", f"{url.scheme}://"),
        Segment("userinfo", f"{url.userinfo}@" if url.userinfo else ""),
        Segment("subdomain", name[: len(name) - len(domain)]),
        Segment("domain", domain + url.host[len(name) :]),
        Segment("port", f":{url.port}" if url.port else ""),
        Segment("path", path),
        Segment("query", mark + query),
        Segment("fragment", sharp + fragment),
    ]
    return [each for each in cut if each.text]


def shown_host(url: ParsedUrl) -> str:
    """Return the host in the letters that a reader sees; empty where it has no others."""
    seen: str = ada_url.idna_to_unicode(url.host) if "xn--" in url.host else url.host
    return "" if seen == url.host else seen
