"""What decides on a URL: an entry of a list, a rule, or else the model."""

from collections.abc import Sequence

import numpy as np

from include.contract.verdicts import LEGITIMATE, DecidedBy
from include.inference.listed import ListLookup
from include.inference.model import OnnxModel
from include.urls.embedded import embedded_url
from include.urls.local import leads_to_local
from include.urls.reading import read_url

_BY_ACTION = {"allow": DecidedBy.ALLOW_LIST, "block": DecidedBy.BLOCK_LIST}


def decisions(
    urls: Sequence[str],
    probabilities: Sequence[float],
    model: OnnxModel,
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
    model : OnnxModel
    lookup : ListLookup or None
        The list in effect.
    now_s : float
        Seconds since 1970; entries that have expired by then do nothing.
    """
    decided = by_lists_and_rules(urls, lookup, now_s)
    verdict = model.manifest.thresholds.verdict
    embedded = {
        place: inner
        for place, (url, by) in enumerate(zip(urls, decided, strict=True))
        if by is DecidedBy.MODEL
        and (inner := embedded_url(url))
        and verdict(probabilities[place]) == LEGITIMATE
    }
    if embedded:
        bad = _leads_to_phishing(list(embedded.values()), model, lookup, now_s)
        for place, is_bad in zip(embedded, bad, strict=True):
            if is_bad:
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


def _leads_to_phishing(
    urls: list[str], model: OnnxModel, lookup: ListLookup | None, now_s: float
) -> list[bool]:
    """Return which of the URLs are on the block list, or called phishing by the model."""
    probabilities = model.score(np.array(urls, dtype=object).reshape(-1, 1))
    block = model.manifest.thresholds.block
    return [
        by is DecidedBy.BLOCK_LIST or (by is DecidedBy.MODEL and bool(probability >= block))
        for by, probability in zip(
            by_lists_and_rules(urls, lookup, now_s), probabilities, strict=True
        )
    ]
