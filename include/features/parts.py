"""A URL as the parts a reader sees, each of which can be taken out; for explanations."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from include.features.address import Address, take_apart

_SCHEME = re.compile(r"\s*(?:[a-zA-Z][a-zA-Z0-9+.\-]*:)?[/\\]*")
_AUTHORITY_END = re.compile(r"[/\\?#]")
_WWW = re.compile(r"^www\d{0,2}\.", re.IGNORECASE)
_NEUTRAL_NAME, _NEUTRAL_ENDING = "example", "com"


@dataclass(frozen=True)
class Part:
    """A piece of a URL.

    Attributes
    ----------
    name : str
        ``userinfo``, ``subdomain``, ``domain``, ``ending``, ``address``, ``port``, ``path`` or
        ``query``.
    subject : str
        The same in words.
    text : str
        As it stands in the URL.
    """

    name: str
    subject: str
    text: str


_SUBJECTS = {
    "userinfo": "what stands before the @, which browsers do not go to",
    "subdomain": "what stands before the domain",
    "domain": "the name of the domain",
    "ending": "the ending of the domain",
    "address": "a bare number instead of a name",
    "port": "the port",
    "path": "the path",
    "query": "what is asked of the page",
}


def parts_of(url: str) -> tuple[Part, ...]:
    """Return the parts of any string read as a URL, from left to right.

    Scheme and ``www.`` count for nothing and are no parts.
    """
    behind_scheme = _SCHEME.sub("", url, count=1)
    end = _AUTHORITY_END.search(behind_scheme)
    cut = end.start() if end else len(behind_scheme)
    userinfo, _, host_and_port = behind_scheme[:cut].rpartition("@")
    address = take_apart(url)
    host = _WWW.sub("", host_and_port.removesuffix(f":{address.port}"), count=1)
    path, mark, query = _split_query(behind_scheme[cut:])
    texts = {
        "userinfo": userinfo,
        **_host_parts(host, address),
        "port": address.port,
        "path": "" if path == "/" else path,
        "query": mark + query,
    }
    return tuple(Part(name, _SUBJECTS[name], text) for name, text in texts.items() if text)


def keep(parts: tuple[Part, ...], kept: Collection[int]) -> str:
    """Return the URL of some parts; a name or an ending that is left out becomes a neutral one.

    Parameters
    ----------
    parts : tuple of Part
        Of one URL.
    kept : collection of int
        Indices of the parts that stay.
    """
    text = {part.name: part.text for index, part in enumerate(parts) if index in kept}
    is_split = any(part.name == "ending" for part in parts)
    if is_split:
        host = f"{text.get('domain', _NEUTRAL_NAME)}.{text.get('ending', _NEUTRAL_ENDING)}"
    else:
        host = text.get("domain") or text.get("address") or f"{_NEUTRAL_NAME}.{_NEUTRAL_ENDING}"
    return "".join(
        (
            f"{text['userinfo']}@" if "userinfo" in text else "",
            f"{text['subdomain']}." if "subdomain" in text else "",
            host,
            f":{text['port']}" if "port" in text else "",
            text.get("path", ""),
            text.get("query", ""),
        )
    )


def _split_query(tail: str) -> tuple[str, str, str]:
    found = re.search(r"[?#]", tail)
    if found is None:
        return tail, "", ""
    return tail[: found.start()], found[0], tail[found.end() :]


def _host_parts(host: str, address: Address) -> dict[str, str]:
    """Return the pieces of a host as it was written; one that is written oddly stays whole."""
    if address.is_ip:
        return {"address": host}
    if host.lower() != address.host or address.suffix in ("", address.domain):
        return {"domain": host}
    name_and_ending = len(address.domain)
    n_ending = len(address.suffix)
    return {
        "subdomain": address.subdomain,
        "domain": host[len(host) - name_and_ending : len(host) - n_ending - 1],
        "ending": address.suffix,
    }
