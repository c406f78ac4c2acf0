"""Addresses that are reachable from the local network only."""

import re
from ipaddress import ip_address

from include.urls.parse import IPV4
from include.urls.reading import read_url

_LOCAL_ENDINGS = (
    ".localhost",  # RFC 6761
    ".local",  # RFC 6762
    ".internal",  # ICANN, reserved for private use in 2024
    ".home.arpa",  # RFC 8375
    ".lan",
    ".home",
    ".corp",
    ".intranet",
    ".localdomain",
)
# A name with a dot that is not below one of these is elsewhere, however its URL is written.
_ELSEWHERE = re.compile(r"(?:https?://)?[a-z0-9-]+(?:\.[a-z0-9-]+)*\.([a-z]+)(?=[/?#]|$)")
_LOCAL_NAMES = frozenset(ending.rpartition(".")[2] for ending in _LOCAL_ENDINGS)


def leads_to_local(url: str) -> bool:
    """Return whether a URL that was read leads to one's own machine or network."""
    plain = _ELSEWHERE.match(url)
    if plain and plain[1] not in _LOCAL_NAMES:
        return False
    return is_local(read_url(url).parsed.host)


def is_local(host: str) -> bool:
    """Return whether a host, as a browser names it, is on one's own machine or network.

    That are private, loopback and link-local addresses (RFC 1918, 4193, 6890), names without a
    dot, and names below a top-level domain that is never delegated.
    """
    name = host.rstrip(".")
    if name.startswith("[") or IPV4.fullmatch(name):
        address = ip_address(name.strip("[]"))
        address = getattr(address, "ipv4_mapped", None) or address
        return not address.is_global
    return "." not in name or name.endswith(_LOCAL_ENDINGS)
