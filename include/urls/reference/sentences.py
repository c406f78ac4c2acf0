"""What the reference data say of a URL, in sentences for its reader."""

from collections.abc import Iterator

from include.urls.address import Address
from include.urls.reference.facts import DomainFacts, Reference, target_host
from include.urls.reference.look_alikes import SAME_LOOK
from include.urls.reference.ranks import UNLISTED

_MAX_PATH_CHARS = 400


def sentences_about(address: Address, reference: Reference) -> list[str]:
    """Return a sentence for each thing that is known of the domain, the brands, a URL inside."""
    facts, path = reference.facts(address), address.path.lower()[:_MAX_PATH_CHARS]
    return [
        *_of_domain(address, facts, reference),
        *_of_brands(address, path, facts, reference),
        *_of_target(path, reference),
    ]


def _of_domain(address: Address, facts: DomainFacts, reference: Reference) -> Iterator[str]:
    if address.is_ip:
        return
    yield f"{address.domain} is {_popularity(facts.domain_rank, reference)}."
    if facts.is_shortener:
        yield f"{address.domain} shortens URLs: its links hide where they lead."
    elif facts.is_platform:
        yield f"Anybody can publish at {address.domain}: the name does not say who wrote the page."
    elif facts.owners:
        yield f"{address.domain} is on the list of domains that well-known brands own."


def _popularity(rank: float, reference: Reference) -> str:
    n_names = len(reference.known.ranks)
    if rank == UNLISTED:
        return f"not among the {n_names:,} names of the popularity list"
    within = next(
        limit for limit in (100, 1_000, 10_000, 100_000, 10**9) if 2**rank <= limit * 1.05
    )
    return f"among the {min(within, n_names):,} most popular names"


def _of_brands(
    address: Address, path: str, facts: DomainFacts, reference: Reference
) -> Iterator[str]:
    named_in, domain = reference.brands.named_in, address.domain
    host = address.seen_host.removesuffix(f".{address.suffix}")
    for where, text in (("host", host), ("path", path)):
        for brand, word in sorted(named_in(text).items()):
            if brand not in facts.owners:
                yield f"The {where} names “{word}”, and {domain} is not on the list of its domains."
    found = reference.look_alike(address)
    if found.name and not facts.owners:
        how = "looks like" if found.closeness == SAME_LOOK else "is one letter away from"
        yield f"The name {how} “{found.name}”."


def _of_target(path: str, reference: Reference) -> Iterator[str]:
    if host := target_host(path):
        rank = reference.facts_of_host(host).listed_rank
        yield f"The URL holds another one, of {host}, {_popularity(rank, reference)}."
