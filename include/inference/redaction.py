"""Redact what may name a person or open an account in a URL, and keep its shape.

The host stays, and in path and fragment and among the names of parameters the words that many sites
have there. Of all else, and of every value, each letter becomes an ``x`` and each digit a ``0``;
user information goes. Lengths, depth, capitals and marks are those of the URL, so drift is measured
on redacted URLs as on others.
"""

import re
from collections.abc import Callable
from urllib.parse import quote, unquote

from include.errors import UrlRefusedError
from include.features.word_lists import BRANDS, LURES
from include.urls.reading import read_url

_WORDS = frozenset(
    f"""
{BRANDS} {LURES}
about access action admin ajax album amp api app apps archive archives article articles asp aspx
assets author authorize auto back banner base bin blog blogs board book books browse build business
cache callback campaign careers cart cat catalog categories category cdn cgi change channel check
checkout city class classic click client clients code collection collections comment comments
common community company component components contact contacts content contents continue core
country course css current dashboard data date dating default demo desktop details dev directory
display dist dl doc docs document documents domain download downloads edit editor education email
entry error event events example exec explore export ext fa facts faq features feed feeds fields
file files filter firebase fonts footer form forms forum forums forward framework front full
function functions gallery game games general gov group groups guide guides header health hello
hidden history home homepage host hosting hotel hotels htdocs htm html http https image images img
include includes index info information init inst install intl ipfs item items jobs join jpeg jpg
js json jsp kit lang language languages latest layout learn legal lib library link links list lists
live load local location log logout logs magazine mailto main manage manager map maps market
marketing master media member members menu message messages meta mobile model modules movie music
myaccount name network new news newsletter next notes notice notification object offer offers old
one online open option options order orders org original other overview package page pages panel
param parent partner partners password path pdf people phone photo photos php picture pictures play
player plugin plugins png policies policy popular post posts premium press preview price pricing
privacy process product products profile profiles program project projects promo property proxy
public publication publish query question questions radio rank read real recent redirect ref refer
register registration release remote render report reports request res research reset resource
resources response result results return review reviews root rss sale sales school science script
scripts search section select send seo server services session set settings setup share shared shop
shopping show simple site sitemap sites small social software solutions source space special sport
sports src staff start state static stats status step store stories story stream student study
style styles subscribe success sys system tag tags team tech template templates terms test tests
text theme themes thread time title token tool tools top topic topics total tour town trade
training transfer travel trial tv txt type university up updates upload uploads url use username
users utm value version video videos view viewer views visit watch weather webmail webscr website
welcome wiki with word wordpress work world wp write xml year your zip
""".split()
)
_SHORT_CHARS = 2  # of a part, together: a language or a day
_MAX_DECODED = 5
_TOKEN_CHARS = 8
_WORD, _MIXED = re.compile(r"\S+"), re.compile(r"[0-9][A-Za-z]|[A-Za-z][0-9]")
_RUN = re.compile(r"[^\W_]+")
_PARTS = re.compile(r"(https?://)?([^/?#]*)([^?#]*)(\??[^#]*)(#?.*)", re.DOTALL | re.IGNORECASE)
_OF_QUERY = re.compile(r"([?&;])")
_OF_FRAGMENT = re.compile(r"([#/?&;])")
# What may stand in a part of a URL as it is, besides letters and digits.
_MARKS = "-._~!$'()*+,:@|[]{}^`\"<>"


def redact_url(text: str) -> str:
    """Return the URL of a text without what may be secret.

    Parameters
    ----------
    text : str
        As it was sent; links that hold their target are unwrapped.
    """
    try:
        url = read_url(text).url
    except UrlRefusedError:
        return _masked(text)
    found = _PARTS.fullmatch(url)
    assert found is not None, "every text has these parts"
    scheme, authority, path, query, fragment = found.groups("")
    host = authority.rpartition("@")[2]
    folders = "/".join(map(_named, path.split("/")))
    rest = _pairs(_OF_QUERY, query) + _pairs(_OF_FRAGMENT, fragment)
    return f"{scheme}{host}{folders}{rest}"


def redact_text(text: str) -> str:
    """Return a text without the e-mail addresses, URLs and tokens in it."""
    return _WORD.sub(lambda word: _redacted_word(word[0]), text)


def _redacted_word(word: str) -> str:
    if "/" in word:
        return redact_url(word)
    is_token = len(word) >= _TOKEN_CHARS and _MIXED.search(word)
    return _masked(word) if "@" in word or is_token else word


def _pairs(marks: re.Pattern[str], text: str) -> str:
    """Return names and values of a query or fragment, the names as parts of a path are kept."""
    return "".join(
        part if marks.fullmatch(part) else _pair(*part.partition("=")) for part in marks.split(text)
    )


def _pair(name: str, mark: str, value: str) -> str:
    return _named(name) + mark + _part(value, _masked, safe=f"{_MARKS}=/?")


def _named(part: str) -> str:
    """Return a part of a path if all its words are usual, else the part with the others masked."""
    unusual = [run for run in _RUN.findall(_decoded(part)) if run.lower() not in _WORDS]
    if len("".join(unusual)) <= _SHORT_CHARS and "".join(unusual).isascii():
        return part
    return _part(part, lambda text: _RUN.sub(_masked_run, text), safe=f"{_MARKS}=&;")


def _part(part: str, mask: Callable[[str], str], safe: str) -> str:
    return quote(mask(_decoded(part)), safe=safe)


def _decoded(part: str) -> str:
    for _ in range(_MAX_DECODED):
        if "%" not in part:
            break
        part = unquote(part)
    return part


def _masked_run(run: re.Match[str]) -> str:
    return run[0] if run[0].lower() in _WORDS else _masked(run[0])


def _masked(text: str) -> str:
    return "".join(map(_mask, text))


def _mask(char: str) -> str:
    if char.isdigit():
        return "0"
    if char.isalpha() or not char.isascii():
        return "X" if char.isupper() else "x"
    return char
