"""A URL as the parts a reader sees, each of which can be taken out; for explanations."""

from collections.abc import Collection
from dataclasses import dataclass

from include.urls.address import Address, address_of
from include.urls.parse import ParsedUrl
from include.urls.reading import read_url

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
        As browsers read it.
    """

    name: str
    subject: str
    text: str


_SUBJECTS = {
    "userinfo": "the user name before the @; browsers do not go there",
    "subdomain": "what stands before the domain",
    "domain": "the name of the domain",
    "ending": "the ending of the domain",
    "address": "a bare number instead of a name",
    "port": "the port",
    "path": "the path",
    "query": "the query",
}


def parts_of(text: str) -> tuple[Part, ...]:
    """Return the parts of the URL that a text holds, from left to right.

    Scheme, ``www.`` and usual ports do not count and are no parts.

    Raises
    ------
    UrlRefusedError
        If the text is not a web address.
    """
    url = read_url(text).parsed
    address = address_of(url)
    query = url.tail.find("?") if "?" in url.tail.partition("#")[0] else url.tail.find("#")
    path, query_text = (url.tail, "") if query < 0 else (url.tail[:query], url.tail[query:])
    texts = {
        "userinfo": url.userinfo,
        **_host_parts(url, address),
        "port": address.port,
        "path": "" if path == "/" else path,
        "query": query_text,
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
            "http://",
            f"{text['userinfo']}@" if "userinfo" in text else "",
            f"{text['subdomain']}." if "subdomain" in text else "",
            host,
            f":{text['port']}" if "port" in text else "",
            text.get("path", ""),
            text.get("query", ""),
        )
    )


def _host_parts(url: ParsedUrl, address: Address) -> dict[str, str]:
    """Return the pieces of a host; one without a public suffix, or that is one, stays whole."""
    if address.is_ip:
        return {"address": url.written_host}
    if address.suffix in ("", address.domain):
        return {"domain": address.host}
    return {"subdomain": address.subdomain, "domain": address.label, "ending": address.suffix}
