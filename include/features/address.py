"""One URL taken apart as a browser would, from the string alone; any string is answered."""

import re
import unicodedata
from functools import cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from publicsuffixlist import PublicSuffixList

MAX_READ_CHARS = 2048
_MAX_SEEN_CHARS = 512
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*:[/\\]+")
_BLANKS = re.compile(r"[\x00-\x20\x7f]+")
_WWW = re.compile(r"^www\d{0,2}\.(?=[^.]+\.)")
_IP_PART = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
_PORT = re.compile(r":([0-9]*)$")
_USUAL_PORTS = ("80", "443")
_AUTHORITY_END = re.compile(r"[/\\?#]")
# Letters that look Latin and are not, as NFKD leaves them.
_LOOKALIKES = str.maketrans(
    "абвгԁеһіјкӏмнорԛгѕтцѵԝхуzαβγεικνορτυχωøłđıſɡɑ",  # noqa: RUF001  # they are the point
    "abbrdehijklmhopqrstuvwxyzabyeikvoptuxwoldisga",
)


class Address(NamedTuple):
    """The parts of a URL; scheme and a leading ``www.`` are gone.

    Attributes
    ----------
    host : str
        Lower case, percent-decoded, ASCII: foreign letters are in punycode.
    seen_host : str
        The host as a reader sees it: punycode undone, letters that look Latin made Latin.
    domain : str
        Registrable domain (eTLD+1) of the host; the host where there is none.
    suffix : str
        Public suffix; empty for an IP address.
    subdomain : str
        What stands before the registrable domain, without the dot.
    label : str
        The registrable domain without its public suffix; the domain where that is all.
    path : str
        Everything behind the authority, percent-decoded at most twice.
    userinfo, port : str
        Empty where there is none.
    is_ip, is_odd_ip : bool
        An IP address; one not in its usual spelling.
    n_decoded : int
        How often percent-decoding changed the path, at most 2.
    n_chars : int
        Length of the whole, without scheme, ``www.`` and port.
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


def take_apart(url: str) -> Address:
    """Return the parts of any string read as a URL."""
    whole = _BLANKS.sub("", url[:MAX_READ_CHARS])
    if scheme := _SCHEME.match(whole):
        whole = whole[scheme.end() :]
    whole = whole.lstrip("/\\")
    end = _AUTHORITY_END.search(whole)
    cut = end.start() if end else len(whole)
    userinfo, _, rest = whole[:cut].rpartition("@")
    authority, port = _split_port(rest)
    host, seen_host = (_WWW.sub("", name, count=1) for name in _readable(authority))
    path, n_decoded = _decoded(whole[cut:])
    path = "" if path == "/" else path
    is_ip, is_odd_ip = _ip_kind(host)
    suffix, domain = ("", host) if is_ip else _registrable(host)
    n_label = len(domain) - len(suffix) - 1
    return Address(
        host=host,
        seen_host=seen_host,
        domain=domain,
        suffix=suffix,
        subdomain=host[: -len(domain) - 1] if len(host) > len(domain) else "",
        label=domain[:n_label] if suffix and n_label > 0 else domain,
        path=path,
        userinfo=userinfo,
        port="" if port in _USUAL_PORTS else port,
        is_ip=is_ip,
        is_odd_ip=is_odd_ip,
        n_decoded=n_decoded,
        n_chars=len(host) + len(path) + len(userinfo) + max(0, len(url) - MAX_READ_CHARS),
    )


def _split_port(host: str) -> tuple[str, str]:
    found = _PORT.search(host) if ":" in host else None
    if found is None or (host.count(":") > 1 and "]" not in host):
        return host, ""
    return host[: found.start()], found[1]


def _readable(host: str) -> tuple[str, str]:
    """Return a host in ASCII (foreign letters in punycode), and as a reader sees it, in Latin."""
    if "%" in host:
        host = _decoded(host)[0]
    host = host.lower().strip(".")
    if host.isascii() and "xn--" not in host:
        return host, host
    labels = host.replace("\u3002", ".").split(".")
    seen = ".".join(_from_punycode(label) for label in labels)
    return ".".join(_to_punycode(label) for label in labels), _latin(seen[:_MAX_SEEN_CHARS])


def _from_punycode(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode().decode("punycode").lower()
    except (UnicodeError, ValueError, OverflowError):
        return label


def _to_punycode(label: str) -> str:
    if label.isascii():
        return label
    return "xn--" + label.encode("utf-8", "replace").decode().encode("punycode").decode("ascii")


def _latin(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain.lower() if not unicodedata.combining(c)).translate(_LOOKALIKES)


def _decoded(text: str) -> tuple[str, int]:
    """Return text percent-decoded at most twice, and how often it changed."""
    n_decoded = 0
    while "%" in text and n_decoded < 2:
        plain = unquote_to_bytes(text.encode(errors="replace")).decode(errors="replace")
        if plain == text:
            break
        text, n_decoded = plain, n_decoded + 1
    return text, n_decoded


def _ip_kind(host: str) -> tuple[bool, bool]:
    """Return whether a host is an IP address, and whether it is not in the usual spelling."""
    if host.startswith("[") or host.count(":") > 1:
        return True, False
    parts = host.split(".")
    if len(parts) > 4 or not all(_IP_PART.fullmatch(part) for part in parts):
        return False, False
    plain = len(parts) == 4 and all(
        part.isdigit() and (part == "0" or part[0] != "0") and len(part) <= 3 for part in parts
    )
    return True, not plain


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _registrable(host: str) -> tuple[str, str]:
    """Return the public suffix and the registrable domain of a host name."""
    if not host or ".." in host or host.count(".") > 40:
        return "", host
    suffix = _suffixes().publicsuffix(host) or ""
    if not suffix or len(suffix) == len(host):
        return suffix, host
    return suffix, host[host.rfind(".", 0, -len(suffix) - 1) + 1 :]
