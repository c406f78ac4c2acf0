"""Undo how analysts disarm URLs, and do it: ``hxxps[://]evil[.]example``.

Written by hand: `ioc-fanger` takes 130 us a text, rewrites paths and queries of ordinary URLs too,
and brings a parser generator into the scorer's image.
"""

import re

_SCHEME = re.compile(
    r"[\[({]?h(?:tt|xx|tx|xt|\*\*|\+\+|__|##|--)p(s?)[\])}]?"
    r"[\[({]?:[\])}]?(?:[\[(]?[/\\][\])]?)*[\])}]?",
    re.IGNORECASE,
)
_PLAIN_SCHEME = re.compile(r"https?:[/\\]*", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:[^/\\?#]|(?<=[\[({])/)*")
_SLASH_MARKS = ("[/", "(/", "]", ")", "}")  # behind ``http:`` or ``http:/``
# Where only some dots are escaped, browsers go to the host before the first backslash.
_ESCAPED_HOST = re.compile(r"[\w-]+(?:\\\.[\w-]+)+(?=[:/?#]|$)")
_HOST_MARKS = (
    (re.compile(r" {0,2}[\[({] ?(?:\.|dot|punkt|point|punto) ?[\])}] {0,2}", re.IGNORECASE), "."),
    (re.compile(r"[\[({]\.|\.[\])}]"), "."),
    (re.compile(r" ?[\[({] ?(?:@|at) ?[\])}] ?", re.IGNORECASE), "@"),
    (re.compile(r"[\[({]([:/])[\])}]"), r"\1"),
)
_TAIL_MARKS = (
    (re.compile(r"\[(\.|:|/|://|\?)\]"), r"\1"),
    (re.compile(r"\[dot\]", re.IGNORECASE), "."),
    (re.compile(r"hxxp(?=s?(?::|%3a))", re.IGNORECASE), "http"),
)


def refang(text: str) -> str:
    """Return the URL that a defanged text means; any other text is returned as it is.

    Scheme and host decide whether a text is defanged: brackets in the path of any other URL are
    part of its path.
    """
    scheme, rest = _split_scheme(text)
    n_authority = len(_AUTHORITY.match(rest)[0])  # type: ignore[index]  # matches any text
    authority, tail = rest[:n_authority], rest[n_authority:]
    if escaped := _ESCAPED_HOST.match(rest):
        host, tail = escaped[0].replace("\\.", "."), rest[escaped.end() :]
    else:
        host = _replace(_HOST_MARKS, authority)
    if host != authority or not text.startswith(scheme):
        tail = _replace(_TAIL_MARKS, tail)
    return scheme + host + tail


def _split_scheme(text: str) -> tuple[str, str]:
    """Return the scheme with its slashes, and the rest."""
    if plain := _PLAIN_SCHEME.match(text):
        rest = text[plain.end() :]
        if not rest.startswith(_SLASH_MARKS):
            return plain[0], rest
    if fanged := _SCHEME.match(text):
        return f"http{fanged[1].lower()}://", text[fanged.end() :]
    return "", text


def _replace(marks: tuple[tuple[re.Pattern[str], str], ...], text: str) -> str:
    for mark, plain in marks:
        text = mark.sub(plain, text)
    return text


def defang(url: str) -> str:
    """Return a URL as analysts write it, so that nobody opens it by a click; `refang` undoes it."""
    scheme, rest = _split_scheme(url)
    n_authority = len(_AUTHORITY.match(rest)[0])  # type: ignore[index]  # matches any text
    userinfo, at, host = rest[:n_authority].rpartition("@")
    name, colon, port = (host, "", "") if host.startswith("[") else host.partition(":")
    marked = f"{userinfo}{at}{name.replace('.', '[.]')}{colon}{port}{rest[n_authority:]}"
    return f"{scheme.lower().replace('http', 'hxxp', 1)}{marked}"
