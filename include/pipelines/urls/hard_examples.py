"""Rows that training needs and no feed has, made of the training rows and the reference data.

| kind | label | made of |
|---|---|---|
| log-in page | legitimate | a path of log-in and account pages, on a ranked or a trained domain |
| look-alike | phishing | a well-known name with one edit or a lure, on an unranked domain |
| embedded URL | as the one inside | a training URL in the query or path of a ranked domain |

Legitimate rows of training sets are mostly home pages and articles: without such rows a model
learns that a word like "signin" is phishing, whoever's page it is. Made rows only train: no figure,
no threshold and no fold that is held out has any.
"""

import random
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from include.errors import UrlRefusedError
from include.features.urls import group_of
from include.pipelines import MadeRow
from include.pipelines.urls.page_paths import (
    BACK_PAGES,
    FOLDERS,
    LURE_ENDINGS,
    PAGES,
    QUERIES,
    REDIRECT_PAGES,
    REDIRECT_PARAMETERS,
    SUBDOMAINS,
    SUFFIXES,
)
from include.urls.reference.facts import Reference
from include.urls.reference.ranks import UNLISTED

SHARES: Mapping[str, float] = {
    "log-in page": 0.012,
    "look-alike": 0.005,
    "embedded URL": 0.004,
}
"""How many rows of each kind are made, per training row."""
_LOOKS = {"o": "0", "l": "1", "i": "1", "e": "3", "a": "4", "s": "5", "m": "rn", "w": "vv"}
_VOWELS = "aeiou"
_FEWEST_NAME_CHARS = 5
_TRIES = 20


@dataclass(frozen=True)
class _Trained:
    """What rows are made of: URLs with their groups, by label, and domains."""

    phishing: Sequence[tuple[str, str]]
    legitimate: Sequence[tuple[str, str]]
    paths: Sequence[tuple[str, str]]
    ranked: Sequence[str]


def hard_examples(
    items: Sequence[str],
    labels: Sequence[int],
    groups: Sequence[str],
    reference: Reference,
    is_trained: Callable[[str], bool],
    seed: str,
) -> list[MadeRow]:
    """Implement `AddedRowsMaker` with the ranked domains and names of the reference data."""
    trained = _gather(items, labels, groups, reference, is_trained)
    if not (trained.ranked and trained.paths and trained.legitimate):
        return []
    maker = _Maker(trained, reference, random.Random(seed))
    makers = {
        "log-in page": maker.log_in_page,
        "look-alike": maker.look_alike,
        "embedded URL": maker.embedded_url,
    }
    rows = []
    for kind, make in makers.items():
        for _ in range(round(SHARES[kind] * len(items))):
            url, label, group = make()
            if _is_readable(url) and is_trained(group):
                rows.append(MadeRow(url, label, group, kind))
    return rows


def _gather(
    urls: Sequence[str],
    labels: Sequence[int],
    groups: Sequence[str],
    reference: Reference,
    is_trained: Callable[[str], bool],
) -> _Trained:
    rows = list(zip(urls, groups, labels, strict=True))
    phishing = [(url, group) for url, group, label in rows if label == 1]
    bad = {group for _, group in phishing}
    return _Trained(
        phishing=phishing,
        legitimate=[(url, group) for url, group, label in rows if label == 0],
        paths=[(path, group) for url, group in phishing if len(path := _path_of(url)) > 3],
        ranked=[
            domain
            for domain in reference.known.domains
            if domain not in bad and is_trained(group_of(domain)) and _is_own(domain, reference)
        ],
    )


def _is_own(domain: str, reference: Reference) -> bool:
    """Return whether only the owner of a domain publishes there."""
    facts = reference.facts_of_host(domain)
    return not (facts.is_platform or facts.is_shortener)


def _path_of(url: str) -> str:
    parts = url.split("/", 3)
    return parts[3] if len(parts) > 3 else ""


def _is_readable(url: str) -> bool:
    try:
        group_of(url)
    except UrlRefusedError:
        return False
    return True


class _Maker:
    """Draws one row of a kind at a time."""

    def __init__(self, trained: _Trained, reference: Reference, rng: random.Random) -> None:
        self._trained, self._reference, self._rng = trained, reference, rng
        names = dict.fromkeys((*reference.brands.by_label, *reference.known.names))
        self._names = [name for name in names if len(name) >= _FEWEST_NAME_CHARS]

    def log_in_page(self) -> tuple[str, int, str]:
        rng = self._rng
        if rng.random() < 0.7:
            host = rng.choice(self._trained.ranked)
        else:
            _, host = rng.choice(self._trained.legitimate)
        subdomain = f"{rng.choice(SUBDOMAINS)}." if rng.random() < 0.35 else ""
        if rng.random() < 0.15:
            return f"https://{subdomain}{host}/", 0, host
        folder = f"{rng.choice(FOLDERS)}/" if rng.random() < 0.15 else ""
        query = self._query(host) if rng.random() < 0.5 else ""
        return f"https://{subdomain}{host}/{folder}{rng.choice(PAGES)}{query}", 0, host

    def look_alike(self) -> tuple[str, int, str]:
        rng = self._rng
        for _ in range(_TRIES):
            domain = f"{self._edited(rng.choice(self._names))}.{rng.choice(SUFFIXES)}"
            if self._reference.known.ranks.log2(domain) == UNLISTED:
                break
        kind = rng.random()
        path = ""
        if kind > 0.8:
            path, _ = rng.choice(self._trained.paths)
        elif kind > 0.6:
            path = rng.choice(PAGES)
        return f"https://{domain}/{path}", 1, domain

    def embedded_url(self) -> tuple[str, int, str]:
        rng = self._rng
        label = rng.randrange(2)
        url, group = rng.choice(self._trained.phishing if label else self._trained.legitimate)
        start = f"https://{rng.choice(self._trained.ranked)}/{rng.choice(REDIRECT_PAGES)}"
        if rng.random() < 0.12:
            return f"{start}/{url}", label, group
        before = f"id={self._token(4, 10)}&" if rng.random() < 0.4 else ""
        value = url if rng.random() < 0.3 else quote(url, safe="")
        return f"{start}?{before}{rng.choice(REDIRECT_PARAMETERS)}={value}", label, group

    def _query(self, host: str) -> str:
        rng = self._rng
        page = f"https://{rng.choice(('www.', 'app.', '', ''))}{host}/{rng.choice(BACK_PAGES)}"
        return rng.choice(QUERIES).format(
            back=quote(page, safe=""), token=self._token(8, 36), other=self._token(8, 32)
        )

    def _token(self, fewest: int, most: int) -> str:
        letters = string.ascii_letters + string.digits
        return "".join(self._rng.choices(letters, k=self._rng.randint(fewest, most)))

    def _edited(self, name: str) -> str:
        """Return a name with one edit that people overlook, or with a lure behind it."""
        return self._rng.choice(list(_edits(name, self._rng)))


def _edits(name: str, rng: random.Random) -> Iterator[str]:
    """Yield one word of each kind of edit that the name allows."""
    at = rng.randrange(1, len(name) - 1)
    yield name[:at] + name[at + 1 :]
    yield name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    yield name[:at] + name[at] + name[at:]
    yield name[:at] + rng.choice(string.ascii_lowercase) + name[at:]
    yield name[:at] + rng.choice(string.ascii_lowercase) + name[at + 1 :]
    yield f"{name[:at]}-{name[at:]}"
    yield name + rng.choice(LURE_ENDINGS)
    if vowels := [place for place, char in enumerate(name) if char in _VOWELS]:
        place = rng.choice(vowels)
        other = rng.choice(_VOWELS.replace(name[place], ""))
        yield name[:place] + other + name[place + 1 :]
    if same := [place for place, char in enumerate(name) if char in _LOOKS]:
        place = rng.choice(same)
        yield name[:place] + _LOOKS[name[place]] + name[place + 1 :]
