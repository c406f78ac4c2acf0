"""Where the labels of a run come from, and how old they are."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

_MOST_SOURCES = 20
_OTHERS = "all others"


def label_origins(
    sources: pd.Series, is_phishing: npt.NDArray[np.bool_], times: pd.Series, known_on: pd.Timestamp
) -> tuple[dict[str, Any], ...]:
    """Return the figures of each source, the largest first; beyond twenty, of the others together.

    Parameters
    ----------
    sources : Series of str
        Of each row, who labelled it; missing where that is not known.
    is_phishing : ndarray of bool
    times : Series of datetime
        When each row was first seen; NaT where that is not known.
    known_on : Timestamp
        Ages are counted back from here.

    Returns
    -------
    tuple of dict
        ``source``, ``phishing``, ``legitimate``; ``oldest``, ``newest`` and ``median_age_days``,
        None where no row has a date.
    """
    names = sources.fillna("unknown").astype(str)
    largest = names.value_counts().index[:_MOST_SOURCES]
    frame = pd.DataFrame(
        {
            "source": names.where(names.isin(largest), _OTHERS).to_numpy(),
            "phishing": is_phishing,
            "time": pd.to_datetime(times, utc=True).to_numpy(),
        }
    )
    by_source = frame.groupby("source", sort=True)
    found = [_figures(str(name), rows, known_on) for name, rows in by_source]
    return tuple(sorted(found, key=_n_rows, reverse=True))


def _figures(source: str, rows: pd.DataFrame, known_on: pd.Timestamp) -> dict[str, Any]:
    n_phishing = int(rows["phishing"].sum())
    dates = pd.to_datetime(rows["time"], utc=True).dropna()
    return {
        "source": source,
        "phishing": n_phishing,
        "legitimate": len(rows) - n_phishing,
        **dict(_ages(dates, known_on)),
    }


def _ages(dates: pd.Series, known_on: pd.Timestamp) -> Iterator[tuple[str, Any]]:
    has_any = len(dates) > 0
    yield "oldest", dates.min().date().isoformat() if has_any else None
    yield "newest", dates.max().date().isoformat() if has_any else None
    days = (known_on - dates.median()) / pd.Timedelta(days=1) if has_any else None
    yield "median_age_days", None if days is None else round(float(days), 1)


def _n_rows(figures: dict[str, Any]) -> int:
    return int(figures["phishing"] + figures["legitimate"])
