"""Find the URLs in a text, an HTML page or an e-mail, as they stand there.

Written by hand: finders such as `urlextract` and `iocextract` download a list of domains or do not
know what `read_url` refangs.
"""

import re
from collections.abc import Iterable, Iterator
from email import message_from_bytes
from email.message import Message
from html.parser import HTMLParser

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
        As written, at most `MAX_FOUND`; `read_url` accepts each.
    """
    text = _DEFANGED_DOT.sub("[.]", text)
    return _distinct(filter(None, map(_candidate, _BETWEEN.split(text))))


def find_urls_in_html(page: str) -> list[str]:
    """Return the links of an HTML page and the URLs of its text, as `find_urls` does."""
    parser = _Page()
    parser.feed(page)
    parser.close()
    return _distinct([*parser.links, *find_urls(" ".join(parser.texts))])


def find_urls_in_mail(body: bytes) -> list[str]:
    """Return the URLs of an e-mail's texts and HTML parts, forwarded mails too.

    Parameters
    ----------
    body : bytes
        The whole message as RFC 5322 has it: the source, or an ``.eml`` file.
    """
    found: list[str] = []
    # Not by the newer policy: its parser of headers raises on some malformed ones.
    for part in message_from_bytes(body).walk():
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


class _Page(HTMLParser):
    """Collects links and text; scripts and styles are no text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.texts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self._silent += 1
        target = dict(attrs).get(_LINKS.get(tag, ""))
        if target and _SCHEME.match(target.strip()):
            self.links.append(target.strip())

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._silent = max(0, self._silent - 1)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.texts.append(data)


def _text_of(part: Message) -> str:
    payload = part.get_payload(decode=True)
    body = payload if isinstance(payload, bytes) else b""
    try:
        return body.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:  # an unknown character set
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
    for piece, url in _readable(pieces):
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
