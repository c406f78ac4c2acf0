"""Make reference data: of a popularity list, and of the lists that are part of this release."""

import math
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path

from include.urls.domains import split_domain
from include.urls.reference.brands import Brand
from include.urls.reference.container import from_bytes, to_bytes
from include.urls.reference.facts import LABEL_MARK, Reference
from include.urls.reference.ranks import pack_ranks

_DATA = Path(__file__).with_name("data")
_LABELLED_RANKS = 100_000
"""Labels of the best domains are ranked too, whatever suffix follows."""
_NAMED_RANKS = 2_500
_FEWEST_NAME_CHARS = 6
_SAMPLED_PER_DOUBLING = 600
BUILT_IN = "built in: the best-known domains and the brands' own, 2026-11"


@cache
def built_in_reference() -> Reference:
    """Return the small reference data of this release; they serve where none were downloaded."""
    return from_bytes(built_in_bytes())


@cache
def built_in_bytes() -> bytes:
    """Return the file of `built_in_reference`."""
    popular = (_DATA / "popular.txt").read_text().splitlines()
    domains = [name for line in popular if not line.startswith("#") for name in line.split()]
    owned = (domain for brand in _brands() for domain in brand.domains)
    names = dict.fromkeys(chain(domains, owned))
    return build_reference(((name, place) for place, name in enumerate(names, 1)), [BUILT_IN])


def build_reference(ranked: Iterable[tuple[str, int]], sources: Iterable[str]) -> bytes:
    """Return the file of reference data; equal arguments give equal bytes.

    Parameters
    ----------
    ranked : iterable of (str, int)
        Hosts or domains in ASCII and lower case, and their ranks from 1, the best first.
    sources : iterable of str
        Where they come from, and of when.
    """
    ranked = list(ranked)
    labels = dict(_labels(ranked))
    hosts = tomllib.loads((_DATA / "hosts.toml").read_text())
    header = {
        "brands": [list(brand) for brand in _brands()],
        "names": [
            label.removesuffix(LABEL_MARK)
            for label, rank in labels.items()
            if rank <= _NAMED_RANKS and len(label) > _FEWEST_NAME_CHARS
        ],
        "platforms": sorted(hosts["platforms"].split()),
        "shorteners": sorted(hosts["shorteners"].split()),
        "sources": list(sources),
        "domains": _sampled(ranked),
    }
    return to_bytes(header, pack_ranks(chain(ranked, labels.items())))


def _sampled(ranked: list[tuple[str, int]]) -> list[str]:
    """Return as many registrable domains of each doubling of the rank, if there are as many."""
    domains = [name for name, _ in ranked if split_domain(name)[1] == name]
    steps = round(math.log2(len(domains)) * _SAMPLED_PER_DOUBLING) if domains else 0
    places = {int(2 ** (step / _SAMPLED_PER_DOUBLING)) - 1 for step in range(steps + 1)}
    return [domains[place] for place in sorted(places) if place < len(domains)]


def _labels(ranked: list[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Yield the label of each domain among the best, with its best rank."""
    seen = set()
    for name, rank in ranked:
        if rank > _LABELLED_RANKS:
            break
        suffix, domain = split_domain(name)
        label = name[: -len(suffix) - 1] + LABEL_MARK
        if domain == name and suffix and domain != suffix and label not in seen:
            seen.add(label)
            yield label, rank


def _brands() -> tuple[Brand, ...]:
    read = tomllib.loads((_DATA / "brands.toml").read_text())
    return tuple(
        Brand(
            key, tuple(each.get("names", ())), tuple(each.get("words", ())), tuple(each["domains"])
        )
        for key, each in read.items()
    )
