"""Addresses that no other network reaches: they lead to nobody's phishing page."""

from ipaddress import ip_address

from include.urls.parse import IPV4

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
