"""Parts of the `urls` records that a model must serve one by one."""

import re
from functools import cache
from typing import TYPE_CHECKING

from publicsuffixlist import PublicSuffixList

from include.pipelines.urls.login_pages import login_pages
from include.pipelines.urls.records import FIRST_SEEN, SOURCE, URL
from include.urls.address import Address, take_apart

if TYPE_CHECKING:
    import pandas as pd

_OLD_SUFFIXES = frozenset({"com", "org", "net", "edu", "gov", "mil", "int"})
_LENGTHS = ((25, "up to 25 characters"), (50, "26 to 50 characters"), (75, "51 to 75 characters"))
_LAST_MONTHS = 4
_SOURCES = 12
_LOGIN = re.compile(
    r"(?<![a-z])(log-?_?[io]n|sign-?_?in|log-?on|auth|oauth2?|sso|account|password|passwd|verify)"
    r"s?(?![a-z])"
)
# Sites that anybody can put pages on, beside those whose names the public suffix list has.
_PLATFORMS = frozenset({
    "bitbucket.org", "blogger.com", "canva.com", "dropbox.com", "evernote.com", "github.com",
    "gitlab.com", "jotform.com", "linktr.ee", "mailchi.mp", "medium.com", "notion.so",
    "sharepoint.com", "squarespace.com", "substack.com", "tumblr.com", "typeform.com", "weebly.com",
    "wixsite.com", "wordpress.com", "yolasite.com", "zendesk.com",
})  # fmt: skip


def slices(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return the parts that each record belongs to, one way to part them a column.

    Parameters
    ----------
    frame : DataFrame
        Accepted records.

    Returns
    -------
    DataFrame of shape (n_rows, 7), str
        ``source``, ``top-level domain``, ``length``, ``page``, ``purpose`` and ``site`` (empty for
        most), ``first seen``. The last months are named one by one, those before together; rare
        sources together too.
    """
    import pandas as pd

    parts = pd.DataFrame(
        [_parts_of(take_apart(url)) for url in frame[URL].tolist()],
        index=frame.index,
        columns=["top-level domain", "length", "page", "purpose", "site"],
    )
    parts.insert(0, "source", _frequent(frame[SOURCE].fillna("unknown").astype(str)))
    return parts.assign(**{"first seen": _months(frame[FIRST_SEEN])})


def _parts_of(address: Address) -> tuple[str, ...]:
    return (
        _kind_of_suffix(address),
        _length(address.n_chars),
        "a path" if address.path else "a bare home page",
        "a log-in page" if _is_login(address) else "",
        _kind_of_site(address),
    )


def _frequent(sources: "pd.Series[str]") -> "pd.Series[str]":
    most = sources.value_counts().index[:_SOURCES]
    return sources.where(sources.isin(most), "others")


def _kind_of_suffix(address: Address) -> str:
    if address.is_ip:
        return "none: an IP address"
    last = address.suffix.rpartition(".")[2]
    if last in _OLD_SUFFIXES:
        return f".{last}" if last == "com" else "other original"
    return "of a country" if len(last) == 2 else "new generic"


def _is_login(address: Address) -> bool:
    return _LOGIN.search(f"{address.subdomain}/{address.path}".lower()) is not None


def _kind_of_site(address: Address) -> str:
    if address.domain in _brand_domains():
        return "a brand's own"
    if address.domain in _PLATFORMS or _icann_suffix(address.host) != address.suffix:
        return "a hosting platform"
    return ""


@cache
def _brand_domains() -> frozenset[str]:
    """Return the registrable domains of the brands whose log-in pages are known."""
    return frozenset(take_apart(page).domain for page in login_pages())


def _icann_suffix(host: str) -> str | None:
    return _icann_list().publicsuffix(host)


@cache
def _icann_list() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)


def _length(n_chars: int) -> str:
    return next((words for limit, words in _LENGTHS if n_chars <= limit), "over 75 characters")


def _months(first_seen: "pd.Series[pd.Timestamp]") -> "pd.Series[str]":
    months = first_seen.dt.strftime("%Y-%m")
    last = sorted(months.dropna().unique())[-_LAST_MONTHS:]
    return months.where(months.isin(last), "earlier").where(months.notna(), "not known").astype(str)
