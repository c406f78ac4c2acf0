"""Columns computed of `urls` records, for the suite and for drift."""

import re
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pandas as pd

from include.errors import UrlRefusedError
from include.pipelines.urls.normal import normal_form
from include.pipelines.urls.records import FIRST_SEEN, LABEL, SOURCE, TARGET, URL
from include.urls.address import Address, address_of
from include.urls.reading import UrlReading, read_url

_HOST = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.\-]*):(?![0-9]+(?:[/?#]|$))")
_WORDS = {TARGET.positive: "phishing", TARGET.negative: "legitimate"}
_WEB = ("http", "https")
_UNKNOWN = "an unknown source"
_SHOWN_CHARS = 80


class _Seen(NamedTuple):
    normalised: str
    scheme: str | None
    no_host: str | None
    home_page: bool


class _Shape(NamedTuple):
    suffix: str = ""
    length: float = 0
    depth: float = 0
    home_page: float = 0
    number_host: float = 0

    @classmethod
    def of(cls, reading: UrlReading | None) -> "_Shape":
        if reading is None:
            return cls()
        address = address_of(reading.parsed)
        return cls(
            address.suffix,
            float(address.n_chars),
            float(_depth(address)),
            float(not address.path),
            float(address.is_ip),
        )


def suite_columns(frame: pd.DataFrame, run_at: datetime | None) -> pd.DataFrame:
    """Return further columns of each record for the suite.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        With `_id`, `url`, `label`, `source` and `first_seen`; each may be missing.
    run_at : datetime or None
        When the run was due.

    Returns
    -------
    DataFrame of shape (n_rows, n_computed)
        Of each URL `normalised`, `n_chars`, `scheme` (missing where there is none); `no_host`,
        `repeats` and `contradicts`, why not to be trained on, else missing; `days_after_run`; of
        each class the source, and for each of `home_page`, `https` and `www` the columns
        ``<trait>_<class>``, whose mean is the share of that class, and ``<trait>_gap``, whose mean
        is how far the shares lie apart.
    """
    urls = frame[URL].fillna("").astype(str)
    seen = pd.DataFrame([_seen(url) for url in urls], index=frame.index, columns=_Seen._fields)
    computed = pd.DataFrame(
        {
            "normalised": seen["normalised"].astype("str"),
            "n_chars": urls.str.len().astype(float).where(frame[URL].notna()),
            "scheme": seen["scheme"].astype("str"),
        }
    )
    is_foreign = computed["scheme"].notna() & ~computed["scheme"].isin(_WEB)
    computed["no_host"] = seen["no_host"].astype("str").where(frame[URL].notna()).mask(is_foreign)
    computed["repeats"] = _repeats(frame, computed["normalised"])
    computed["contradicts"] = _contradicts(frame, computed["normalised"])
    computed["days_after_run"] = _days_after(frame[FIRST_SEEN], run_at)
    traits = {
        "home_page": seen["home_page"].to_numpy(bool),
        "https": (computed["scheme"] == "https").to_numpy(),
        "www": urls.str.contains(r"^(?:[a-zA-Z]+://)?www\.", regex=True).to_numpy(),
    }
    for value, word in _WORDS.items():
        computed[f"{word}_source"] = frame[SOURCE].where(frame[LABEL] == value)
    for trait, has in traits.items():
        shares = {word: _of_class(has, frame[LABEL] == value) for value, word in _WORDS.items()}
        for word, share in shares.items():
            computed[f"{trait}_{word}"] = share
        computed[f"{trait}_gap"] = shares["legitimate"] - shares["phishing"]
    return computed


def drift_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that drift is measured on.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)

    Returns
    -------
    DataFrame of shape (n_rows, 7)
        Public suffix, length, depth of the path, bare home page, host by number, source, label.
    """
    shapes = [_Shape.of(_read(url)) for url in frame[URL].fillna("").astype(str)]
    computed = pd.DataFrame(shapes, index=frame.index, columns=_Shape._fields)
    return computed.assign(**{SOURCE: frame[SOURCE], LABEL: frame[LABEL]})


def _read(text: str) -> UrlReading | None:
    """Return the URL of a record; None of a text that holds none."""
    try:
        return read_url(text)
    except UrlRefusedError:
        return None


def _seen(text: str) -> _Seen:
    """Return what the suite is shown of a record's URL; what was read of it is not kept."""
    reading = _read(text)
    address = None if reading is None else address_of(reading.parsed)
    return _Seen(
        normalised=text if reading is None else normal_form(reading.parsed),
        scheme=_scheme(text, reading),
        no_host=_unfit(text, address),
        home_page=address is not None and not address.path,
    )


def _scheme(text: str, reading: UrlReading | None) -> str | None:
    """Return the scheme of a record's URL; None where it has none."""
    found = _SCHEME.match(text if reading is None else reading.url)
    return found[1].lower() if found else None


def _unfit(text: str, address: Address | None) -> str | None:
    """Return of a record without a public host what stands there; None of any other."""
    if address is not None and _HOST.fullmatch(address.host):
        return None
    return f"'{(address.host if address else text)[:_SHOWN_CHARS]}'"


def _depth(address: Address) -> int:
    return address.path.partition("?")[0].count("/")


def _repeats(frame: pd.DataFrame, normalised: pd.Series) -> pd.Series:
    """Return of each record that is an earlier one again, whose that is; missing for all others."""
    keys = pd.DataFrame({"url": normalised, "label": frame[LABEL]})[frame[URL].notna()]
    duplicates = keys[keys.duplicated(keep=False)]
    sources = frame.loc[duplicates.index, SOURCE].fillna(_UNKNOWN)
    first = sources.groupby([duplicates["url"], duplicates["label"]], dropna=False).transform(
        "first"
    )
    return first[duplicates.duplicated()].astype("str").reindex(frame.index)


def _contradicts(frame: pd.DataFrame, normalised: pd.Series) -> pd.Series:
    """Return the sources of both labels of a URL for each record; missing if it has one label."""
    known = frame[LABEL].isin(list(_WORDS)) & frame[URL].notna()
    labels = pd.DataFrame({"url": normalised, "label": frame[LABEL]})[known].drop_duplicates()
    disputed = known & normalised.isin(labels["url"][labels["url"].duplicated()])
    labelled = pd.DataFrame(
        {
            "url": normalised[disputed],
            "label": frame.loc[disputed, LABEL].map(_WORDS),
            "source": frame.loc[disputed, SOURCE].fillna(_UNKNOWN),
        }
    )
    sentences = {
        url: " and ".join(
            f"{label} by {', '.join(sorted(set(of_label['source'])))}"
            for label, of_label in of_url.groupby("label", sort=True)
        )
        for url, of_url in labelled.groupby("url")
    }
    return normalised.where(disputed).map(sentences).astype("str")


def _days_after(first_seen: pd.Series, run_at: datetime | None) -> pd.Series:
    if run_at is None:
        return pd.Series(np.nan, index=first_seen.index)
    ahead = pd.to_datetime(first_seen, utc=True) - pd.Timestamp(run_at)
    return ahead.dt.total_seconds() / 86_400


def _of_class(has: np.ndarray, in_class: pd.Series) -> pd.Series:
    """Return a column whose mean is the share of the class that has the trait."""
    weight = len(in_class) / max(int(in_class.sum()), 1)
    return pd.Series(has, index=in_class.index) * in_class * weight
