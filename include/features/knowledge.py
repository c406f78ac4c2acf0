"""Numeric features of what the reference data say of a URL's host, brands and targets."""

from typing import Final

from include.urls.address import Address
from include.urls.reference.facts import DomainFacts, Reference, target_host
from include.urls.reference.look_alikes import NO_LOOK_ALIKE
from include.urls.reference.ranks import UNLISTED

N_KNOWN: Final = 22
_MAX_PATH_CHARS = 400
_WELL_KNOWN = 13.3
"""Log2 of rank 10,000: a domain above it imitates nobody."""
_NO_TARGET = (0.0, 0.0, 0.0, 0.0, 0.0)


def known_figures(address: Address, path: str, reference: Reference) -> list[float]:
    """Return `N_KNOWN` figures of a URL whose path is given in lower case."""
    facts = reference.facts(address)
    return [
        *facts[:8],
        bool(facts.owners),
        *_brands(address, path[:_MAX_PATH_CHARS], facts, reference),
        *_look_alike(address, facts, reference),
        *_target(address, path, reference),
    ]


def _brands(
    address: Address, path: str, facts: DomainFacts, reference: Reference
) -> tuple[float, ...]:
    """Return how many brands each part names that do not own the domain."""
    named_in, owners = reference.brands.named_in, facts.owners
    in_host = named_in(_name_of(address)).keys() - owners
    in_path = named_in(path) if path else {}
    is_label = not owners and address.label in reference.brands.by_label
    return (
        len(in_host),
        len(named_in(address.subdomain).keys() - owners) if in_host and address.subdomain else 0,
        len(in_path.keys() - owners),
        bool(owners & in_path.keys()),
        is_label,
    )


def _name_of(address: Address) -> str:
    """Return the host as a reader sees it, without its public suffix."""
    host = address.seen_host
    return host.removesuffix(f".{address.suffix}") if address.suffix else host


def _look_alike(address: Address, facts: DomainFacts, reference: Reference) -> tuple[float, ...]:
    found = NO_LOOK_ALIKE if facts.domain_rank < _WELL_KNOWN else reference.look_alike(address)
    if not found.name:
        return 0.0, UNLISTED, 0.0
    return found.closeness, reference.label_rank(found.name), len(found.name)


def _target(address: Address, path: str, reference: Reference) -> tuple[float, ...]:
    """Return what is known of the URL that the path holds."""
    host = target_host(path)
    if not host:
        return _NO_TARGET
    facts = reference.facts_of_host(host)
    named = reference.brands.named_in(host).keys() - facts.owners
    is_foreign = not host.endswith(address.domain)
    return (1, is_foreign, facts.domain_rank, facts.is_platform or facts.is_shortener, len(named))
