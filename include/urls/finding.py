"""Find the URLs in a text, an HTML page or an e-mail, as they stand there.

Written by hand: finders such as `urlextract` and `iocextract` download a list of domains or do not
know what `read_url` refangs.
"""

import codecs
import html
import re
from collections.abc import Iterable, Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import Compat32
from itertools import islice

from include.errors import UrlRefusedError
from include.urls.reading import read_url

MAX_FOUND = 1000
_DEFANGED_DOT = re.compile(r" {0,2}[\[({] ?(?:\.|dot) ?[\])}] {0,2}", re.IGNORECASE)
# What no URL holds unless it is percent-encoded, and what stands between two links of Markdown.
_BETWEEN = re.compile(r"[\s<>\"`|\u00ab\u00bb\u2018-\u201f\u2039\u203a]+|\]\((?=h)")
_SCHEME = re.compile(r"h(?:tt|xx|tx|xt|\*\*)ps?[\[({]?:", re.IGNORECASE)
_BARE = re.compile(
    r"(?:[\w-]+(?:\[\.\]|\.))+[a-z][a-z0-9-]{1,62}(?::\d+)?(?=(?P<path>[/?#])|\.?(?:[^\w.@-]|$))",
    re.IGNORECASE,
)
_AROUND = "'([{*_"
_BEHIND = ".,;:!?'*_"
_BRACKETS = {")": "(", "]": "[", "}": "{"}
# Python's own parser takes time that grows with the square of a page: 11 s for 100 KB of ``<!--``.
_TAG = re.compile(r"<(/?[a-zA-Z][^<>]*)>")
_NAME = re.compile(r"[a-zA-Z0-9]+")
_ATTRIBUTE = re.compile(
    r"""[\s"'/](href|src|action)\s*=\s*("[^"]*"|'[^']*'|[^\s"']+)""", re.IGNORECASE
)
_LONG_REFERENCE = re.compile(r"&#(?:[0-9]{9,}|[xX][0-9a-fA-F]{9,});?")
_SILENT = ("script", "style")
_NESTED = re.compile(rb"boundary\s*=|message/", re.IGNORECASE)
_MAX_NESTED = 30
_MAX_HEADER_CHARS = 2_000
# Python decodes them as if they were; `punycode` takes minutes for a megabyte.
_NO_CHARACTER_SETS = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
_MAX_LINES = 150_000
_MAX_READ = 10 * MAX_FOUND
_LINKS = {"a": "href", "area": "href", "form": "action", "base": "href", "iframe": "src"}
_HEADER = re.compile(rb"[!-9;-~]+:[ \t]|[ \t]|$")
_OF_MAILS = re.compile(rb"(?mi)^(?:from|received|return-path|message-id|delivered-to):")
_HEAD_BYTES = 16_384


def find_urls(text: str) -> list[str]:
    """Return the URLs of a text, each once, in their order.

    Parameters
    ----------
    text : str
        Prose, a log, a list. Addresses without a scheme count where they are defanged, begin with
        ``www.`` or go on with a path.

    Returns
    -------
    list of str
        As written, at most `MAX_FOUND` of the first `_MAX_READ` that differ; `read_url` accepts
        each.
    """
    text = _DEFANGED_DOT.sub("[.]", text)
    return _distinct(filter(None, map(_candidate, _BETWEEN.split(text))))


def find_urls_in_html(page: str) -> list[str]:
    """Return the links of an HTML page and the URLs of its text, as `find_urls` does."""
    links, text = _parts_of_page(page)
    return _distinct([*links, *find_urls(text)])


def find_urls_in_mail(body: bytes) -> list[str]:
    """Return the URLs of an e-mail's texts and HTML parts, forwarded mails too.

    Parameters
    ----------
    body : bytes
        The whole message as RFC 5322 has it: the source, or an ``.eml`` file. One of very many
        lines or parts within parts is read as prose: to take it apart would take minutes.
    """
    if body.count(b"\n") > _MAX_LINES or len(_NESTED.findall(body)) > _MAX_NESTED:
        return find_urls(body.decode(errors="replace"))
    found: list[str] = []
    for part in message_from_bytes(body, policy=_ShortHeaders()).walk():
        if part.get_content_maintype() == "text":
            text = _text_of(part)
            is_html = part.get_content_subtype() == "html"
            found += find_urls_in_html(text) if is_html else find_urls(text)
    return _distinct(found)


def is_mail(body: bytes) -> bool:
    """Return whether bytes begin with the header of an e-mail."""
    head = re.split(rb"\r?\n\r?\n", body[:_HEAD_BYTES].lstrip(), maxsplit=1)[0]
    lines = head.splitlines()
    return len(lines) > 1 and bool(_OF_MAILS.search(head)) and all(map(_HEADER.match, lines[:-1]))


class _ShortHeaders(Compat32):
    """Cut long headers, whose parameters Python reads in time that grows with their square.

    Not by the newer policy: its parser of headers raises on some malformed ones.
    """

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_MAX_HEADER_CHARS]


def _parts_of_page(page: str) -> tuple[list[str], str]:
    """Return the links of an HTML page, and its text without scripts and styles."""
    links: list[str] = []
    texts: list[str] = []
    end, silent = 0, ""
    for tag in _TAG.finditer(page):
        if not silent:
            texts.append(page[end : tag.start()])
        end, name = tag.end(), tag[1].partition(" ")[0].lower()
        if not silent and name.startswith(_SILENT):
            silent = next(each for each in _SILENT if name.startswith(each))
        elif silent and name.startswith(f"/{silent}"):
            silent = ""
        links += _targets(tag[1])
    if not silent:
        texts.append(page[end:])
    return links, _unescape(" ".join(texts))


def _targets(tag: str) -> Iterator[str]:
    named = _NAME.match(tag)
    target = _LINKS.get(named[0].lower(), "") if named else ""
    if not target:
        return
    for name, value in _ATTRIBUTE.findall(tag):
        link = _unescape(value).strip("\"'").strip()
        if name.lower() == target and _SCHEME.match(link):
            yield link


def _unescape(text: str) -> str:
    """Return text without character references; Python reads no number of thousands of digits."""
    return html.unescape(_LONG_REFERENCE.sub("\ufffd", text))


def _text_of(part: Message) -> str:
    payload = part.get_payload(decode=True)
    body = payload if isinstance(payload, bytes) else b""
    try:
        codec = codecs.lookup(part.get_content_charset("utf-8"))
        if codec.name not in _NO_CHARACTER_SETS:
            return body.decode(codec.name, errors="replace")
    except (LookupError, ValueError):  # an unknown character set
        pass
    return body.decode("latin-1")


def _candidate(piece: str) -> str:
    """Return what may be a URL in a piece without blanks; empty if nothing may."""
    if scheme := _SCHEME.search(piece):
        return _without_end(piece[scheme.start() :])
    piece = piece.lstrip(_AROUND)
    bare = _BARE.match(piece)
    if bare and ("[.]" in bare[0] or bare["path"] or bare[0].lower().startswith("www.")):
        return _without_end(piece)
    return ""


def _without_end(piece: str) -> str:
    """Return a piece without the punctuation and the unpaired brackets behind it."""
    end = len(piece)
    n_open = {close: piece.count(open_) - piece.count(close) for close, open_ in _BRACKETS.items()}
    while end:
        last = piece[end - 1]
        if last in _BRACKETS and n_open[last] < 0:
            n_open[last] += 1
        elif last not in _BEHIND:
            break
        end -= 1
    return piece[:end]


def _distinct(pieces: Iterable[str]) -> list[str]:
    found: dict[str, str] = {}
    for piece, url in _readable(islice(dict.fromkeys(pieces), _MAX_READ)):
        found.setdefault(url, piece)
        if len(found) == MAX_FOUND:
            break
    return list(found.values())


def _readable(pieces: Iterable[str]) -> Iterator[tuple[str, str]]:
    for piece in pieces:
        try:
            yield piece, read_url(piece).url
        except UrlRefusedError:
            continue
