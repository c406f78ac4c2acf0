"""What decides on a URL: an entry of a list, a rule, or else the model."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from include.contract.verdicts import LEGITIMATE, DecidedBy, Thresholds
from include.inference.listed import ListLookup
from include.urls.embedded import embedded_url
from include.urls.local import leads_to_local
from include.urls.reading import read_url

Score = Callable[[npt.NDArray[Any]], npt.NDArray[np.floating]]
_BY_ACTION = {"allow": DecidedBy.ALLOW_LIST, "block": DecidedBy.BLOCK_LIST}


def decisions(
    urls: Sequence[str],
    probabilities: Sequence[float],
    score: Score,
    thresholds: Thresholds,
    lookup: ListLookup | None,
    now_s: float,
) -> Sequence[DecidedBy]:
    """Return what decides on each URL.

    A URL that the model calls legitimate is decided by the URL it hands on (an open redirect) where
    that is of another site and blocked, or called phishing by itself.

    Parameters
    ----------
    urls : sequence of str
        As they were scored.
    probabilities : sequence of float
        The model's, of each URL.
    score : callable
        Returns the model's probabilities of a matrix of URLs of shape (n, 1).
    thresholds : Thresholds
        Of the model.
    lookup : ListLookup or None
        The list in effect.
    now_s : float
        Seconds since 1970; entries that have expired by then do nothing.
    """
    decided = by_lists_and_rules(urls, lookup, now_s)
    embedded = {
        place: inner
        for place, (url, by) in enumerate(zip(urls, decided, strict=True))
        if by is DecidedBy.MODEL
        and (inner := embedded_url(url))
        and thresholds.verdict(probabilities[place]) == LEGITIMATE
    }
    if embedded:
        inside = list(embedded.values())
        scores = score(np.array(inside, dtype=object).reshape(-1, 1))
        by_inside = by_lists_and_rules(inside, lookup, now_s)
        for place, by, probability in zip(embedded, by_inside, scores, strict=True):
            is_phishing = by is DecidedBy.MODEL and probability >= thresholds.block
            if is_phishing or by is DecidedBy.BLOCK_LIST:
                decided[place] = DecidedBy.EMBEDDED_URL
    return decided


def by_lists_and_rules(
    urls: Sequence[str], lookup: ListLookup | None, now_s: float
) -> list[DecidedBy]:
    """Return what decides on each URL before any model is asked; the model on all others.

    Parameters
    ----------
    urls, lookup, now_s
        As for `decisions`.
    """
    return [_decision(url, lookup, now_s) for url in urls]


def _decision(url: str, lookup: ListLookup | None, now_s: float) -> DecidedBy:
    if lookup and (entry := lookup.find(read_url(url).parsed, now_s)):
        return _BY_ACTION[entry.action]
    return DecidedBy.LOCAL_ADDRESS if leads_to_local(url) else DecidedBy.MODEL
