"""What is known of the host of a URL: the same for training, scoring and explanations."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from include.urls.address import Address, site_host
from include.urls.domains import icann_domain, split_domain
from include.urls.reference.brands import Brand, Brands
from include.urls.reference.look_alikes import NO_LOOK_ALIKE, SAME_LOOK, LookAlike, LookAlikes
from include.urls.reference.ranks import UNLISTED, Ranks

LABEL_MARK = "."
"""Ends the entry of a label, whatever it is below: no host ends so."""
_CACHED_HOSTS = 16_384
_MOST_LEVELS = 12
_MOST_WORDS = 6
_MOST_SUBDOMAIN_CHARS = 12
_TARGET = re.compile(r"(?:https?:/{1,2}|[=/]www\.)([a-z0-9.\-]+\.[a-z0-9\-]{2,})")


@dataclass(frozen=True)
class Known:
    """Reference data as they are read.

    Attributes
    ----------
    ranks : Ranks
        Of hosts and domains; of the best domain of a label, the label with `LABEL_MARK`.
    brands : tuple of Brand
    names : tuple of str
        Well-known labels besides the brands' own names, the best known first.
    platforms, shorteners : frozenset of str
        Names below which anybody can publish; services whose links hide where they lead.
    sources : tuple of str
        What the ranks were made of, and when.
    domains : tuple of str
        A sample of the ranked domains, the best ones all, then thinning with the rank.
    """

    ranks: Ranks
    brands: tuple[Brand, ...]
    names: tuple[str, ...]
    platforms: frozenset[str]
    shorteners: frozenset[str]
    sources: tuple[str, ...]
    domains: tuple[str, ...]


class DomainFacts(NamedTuple):
    """What is known of a host.

    Attributes
    ----------
    host_rank, domain_rank, listed_rank, site_rank, label_rank : float
        Log2 ranks: of the host; of its registrable domain; of the longest name that is listed
        among the host and those above; of the domain below the registry's own suffix; of the best
        domain with the same label.
    is_hosted : bool
        The name above is on the public suffix list's private part: anybody can have one below it.
    is_platform, is_shortener : bool
    owners : frozenset of str
        Brands that own it.
    """

    host_rank: float
    domain_rank: float
    listed_rank: float
    site_rank: float
    label_rank: float
    is_hosted: bool
    is_platform: bool
    is_shortener: bool
    owners: frozenset[str]


class Reference:
    """Reference data, ready for look-ups; safe to share by threads.

    Parameters
    ----------
    known : Known
    """

    def __init__(self, known: Known) -> None:
        self.known = known
        self.brands = Brands(known.brands)
        self.look_alikes = LookAlikes([*self.brands.by_label, *known.names])
        self._facts = lru_cache(_CACHED_HOSTS)(self._find_facts)

    def __reduce__(self) -> tuple[type["Reference"], tuple[Known]]:
        """Return what another process makes it of."""
        return Reference, (self.known,)

    def facts(self, address: Address) -> DomainFacts:
        """Return what is known of the host of a URL."""
        return self._facts(address.host, address.domain, address.suffix, address.label)

    def facts_of_host(self, host: str) -> DomainFacts:
        """Return what is known of a host in ASCII and lower case."""
        suffix, domain = split_domain(host)
        label = domain[: -len(suffix) - 1] if 0 < len(suffix) < len(domain) else domain
        return self._facts(host, domain, suffix, label)

    def label_rank(self, label: str) -> float:
        """Return the log2 rank of the best domain with that label, under whatever suffix."""
        return self.known.ranks.log2(label + LABEL_MARK)

    def look_alike(self, address: Address) -> LookAlike:
        """Return the name that the label, a word of it, or label and subdomain resemble."""
        label = _seen_label(address)
        if label != address.label and label in self.look_alikes:
            return LookAlike(label, SAME_LOOK)
        best = NO_LOOK_ALIKE
        for word in _words(label, address.subdomain):
            found = self.look_alikes.closest(word)
            if found.closeness > best.closeness:
                best = found
        return best

    def _find_facts(self, host: str, domain: str, suffix: str, label: str) -> DomainFacts:
        ranks, known = self.known.ranks, self.known
        site = icann_domain(host) if "." in suffix else domain
        names = _names_above(host, site)
        host_rank = ranks.log2(host)
        domain_rank = host_rank if domain == host else ranks.log2(domain)
        listed = (rank for name in names if (rank := ranks.log2(name)) < UNLISTED)
        return DomainFacts(
            host_rank=host_rank,
            domain_rank=domain_rank,
            listed_rank=next(listed, UNLISTED) if host_rank == UNLISTED else host_rank,
            site_rank=domain_rank if site == domain else ranks.log2(site),
            label_rank=self.label_rank(label),
            is_hosted=site != domain,
            is_platform=site != domain or not known.platforms.isdisjoint(names),
            is_shortener=not known.shorteners.isdisjoint(names),
            owners=self.brands.owners_of(names),
        )


def target_host(path: str) -> str:
    """Return the host of the first URL that a path in lower case holds; empty if none."""
    if "http" not in path and "www." not in path:
        return ""
    found = _TARGET.search(path)
    return site_host(found[1]) if found else ""


def _seen_label(address: Address) -> str:
    """Return the label as a reader sees it."""
    if address.seen_host == address.host:
        return address.label
    names = address.seen_host.split(".")
    n_below = address.suffix.count(".") + 1 if address.suffix else 0
    return names[-n_below - 1] if len(names) > n_below else names[0]


def _words(label: str, subdomain: str) -> Iterable[str]:
    yield label
    if "-" in label:
        yield from label.split("-", _MOST_WORDS)[:_MOST_WORDS]
    if subdomain and "." not in subdomain and len(subdomain) <= _MOST_SUBDOMAIN_CHARS:
        yield subdomain + label


def _names_above(host: str, site: str) -> list[str]:
    """Return a host and the names above it down to the site."""
    names = [host]
    while names[-1] != site and "." in names[-1] and len(names) < _MOST_LEVELS:
        names.append(names[-1].partition(".")[2])
    return names if names[-1] == site else [*names, site]
