"""What decides on a URL: an entry of a list, a rule, or else the model."""

from collections.abc import Sequence

from include.contract.verdicts import DecidedBy
from include.inference.listed import ListLookup
from include.urls.local import leads_to_local
from include.urls.reading import read_url

_BY_ACTION = {"allow": DecidedBy.ALLOW_LIST, "block": DecidedBy.BLOCK_LIST}


def decisions(urls: Sequence[str], lookup: ListLookup | None, now_s: float) -> Sequence[DecidedBy]:
    """Return what decides on each URL.

    Parameters
    ----------
    urls : sequence of str
        As they were scored.
    lookup : ListLookup or None
        The list in effect.
    now_s : float
        Seconds since 1970; entries that have expired by then do nothing.
    """
    return [_decision(url, lookup, now_s) for url in urls]


def _decision(url: str, lookup: ListLookup | None, now_s: float) -> DecidedBy:
    if lookup and (entry := lookup.find(read_url(url).parsed, now_s)):
        return _BY_ACTION[entry.action]
    return DecidedBy.LOCAL_ADDRESS if leads_to_local(url) else DecidedBy.MODEL
