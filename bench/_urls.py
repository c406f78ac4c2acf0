"""The real labelled URLs, for the bench."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.errors import SettingMissingError
from include.features.urls import group_of

_SCHEME_AND_WWW = re.compile(r"^[a-z]+://(www\d?\.)?", re.IGNORECASE)


@dataclass(frozen=True)
class Urls:
    """Labelled URLs, row by row.

    Attributes
    ----------
    urls : list of str
    y : ndarray of int8
        1 = phishing.
    sources, months, domains : ndarray of str
        Where a row comes from, when it was first seen ("" if not known), its registrable domain.
    unseen : ndarray of bool
        Whether the registrable domain is absent from the training file.
    """

    urls: list[str]
    y: npt.NDArray[np.int8]
    sources: npt.NDArray[np.object_]
    months: npt.NDArray[np.object_]
    domains: npt.NDArray[np.object_]
    unseen: npt.NDArray[np.bool_]


def read_urls(name: str) -> Urls:
    """Return the rows of a file in NIGHTCATCH_DATA_DIR, else in ../shared/data.

    Raises
    ------
    SettingMissingError
        If the file is in neither place.
    """
    frame = pd.read_csv(data_file(f"{name}.csv.gz"))
    urls = frame["url"].tolist()
    return Urls(
        urls=urls,
        y=frame["label"].to_numpy(np.int8),
        sources=frame["source"].to_numpy(object),
        months=frame["date"].fillna("").str[:7].to_numpy(object),
        domains=np.array([group_of(url) for url in urls], dtype=object),
        unseen=frame["regdomain_in_train"].to_numpy() == 0,
    )


def data_file(name: str) -> Path:
    """Return a file in NIGHTCATCH_DATA_DIR, else in ../shared/data.

    Raises
    ------
    SettingMissingError
        If it is in neither place.
    """
    path = Path(os.environ.get("NIGHTCATCH_DATA_DIR") or "../shared/data") / name
    if not path.is_file():
        raise SettingMissingError(f"{path} is missing: set NIGHTCATCH_DATA_DIR to its folder")
    return path


def bare(urls: list[str]) -> list[str]:
    """Return the URLs without scheme and ``www.``, which tell how a list was collected."""
    return [_SCHEME_AND_WWW.sub("", url) for url in urls]
