"""Ordinary URLs stay as they are: none is refanged, and only links that hold a target unwrapped."""

import csv
import gzip
import random
from itertools import chain
from string import ascii_letters, ascii_lowercase, digits

import pytest

from include.urls.reading import read_url

ENDINGS = ("com", "org", "net", "de", "co.uk", "com.br", "top", "xyz", "example", "xn--p1ai")
IN_PATHS = ascii_letters + digits + "-._~!$&'()*+,;=:@%[]{}|^"


def ordinary(seed, n_urls):
    """Yield URLs with all that paths and queries may hold, brackets and dots among it."""
    rng = random.Random(seed)

    def some(letters, most):
        return "".join(rng.choices(letters, k=rng.randrange(1, most)))

    for _ in range(n_urls):
        labels = [some(ascii_lowercase + digits, 12) for _ in range(rng.randrange(1, 4))]
        port = f":{rng.randrange(1, 65_536)}" if rng.random() < 0.05 else ""
        folders = "".join(f"/{some(IN_PATHS, 10)}" for _ in range(rng.randrange(4)))
        query = f"?{some(IN_PATHS + '/?', 20)}" if rng.random() < 0.4 else ""
        scheme = rng.choice(("http://", "https://", "https://www."))
        yield f"{scheme}{'.'.join(labels)}.{rng.choice(ENDINGS)}{port}{folders or '/'}{query}"


def altered(urls):
    readings = ((url, read_url(url)) for url in urls)
    return [url for url, reading in readings if reading.url != url and not reading.unwrapped]


def test_no_made_url_is_altered():
    assert altered(ordinary(0, 20_000)) == []


@pytest.mark.heavy
def test_none_of_a_million_made_urls_is_altered():
    assert altered(ordinary(1, 1_000_000)) == []


def test_no_real_url_is_altered(data_dir):
    files = [data_dir / f"urls_{name}.csv.gz" for name in ("train", "dev")]
    real = list(chain.from_iterable(map(urls_of, files)))

    assert len(real) > 140_000
    assert altered(real) == []
    assert sum(bool(read_url(url).unwrapped) for url in real) <= 3


def urls_of(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [row["url"] for row in csv.DictReader(file)]
