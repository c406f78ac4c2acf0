"""Parts of the `urls` records that a model must serve one by one."""

from typing import TYPE_CHECKING

from include.pipelines.urls.records import FIRST_SEEN, SOURCE, URL
from include.urls.address import Address, take_apart

if TYPE_CHECKING:
    import pandas as pd

_OLD_SUFFIXES = frozenset({"com", "org", "net", "edu", "gov", "mil", "int"})
_LENGTHS = ((25, "up to 25 characters"), (50, "26 to 50 characters"), (75, "51 to 75 characters"))
_LAST_MONTHS = 4
_SOURCES = 12


def slices(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return source, kind of top-level domain, length, form of the page and month of each record.

    Parameters
    ----------
    frame : DataFrame
        Accepted records.

    Returns
    -------
    DataFrame of shape (n_rows, 5), str
        The last months are named one by one, those before together; rare sources together too.
    """
    import pandas as pd

    addresses = [take_apart(url) for url in frame[URL].tolist()]
    return pd.DataFrame(
        {
            "source": _frequent(frame[SOURCE].fillna("unknown").astype(str)),
            "top-level domain": [_kind_of_suffix(address) for address in addresses],
            "length": [_length(address.n_chars) for address in addresses],
            "page": ["a path" if address.path else "a bare home page" for address in addresses],
            "first seen": _months(frame[FIRST_SEEN]),
        },
        index=frame.index,
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


def _length(n_chars: int) -> str:
    return next((words for limit, words in _LENGTHS if n_chars <= limit), "over 75 characters")


def _months(first_seen: "pd.Series[pd.Timestamp]") -> "pd.Series[str]":
    months = first_seen.dt.strftime("%Y-%m")
    last = sorted(months.dropna().unique())[-_LAST_MONTHS:]
    return months.where(months.isin(last), "earlier").where(months.notna(), "not known").astype(str)
