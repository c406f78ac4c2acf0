# ruff: noqa: RUF001  # lookalike letters are what is tested
"""The one function that training and serving share: equal, total, and blind to scheme and www."""

import csv
import gzip
import json
import shutil
import subprocess
import sys
from hashlib import sha256
from itertools import islice
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.errors import UrlRefusedError
from include.features.feature_sets import URLS, feature_set
from include.features.input_names import PEER_NAMES
from include.features.urls import (
    LEVELS,
    N_COLUMNS,
    N_FIGURES,
    PEERS,
    SECTIONS,
    URL_FEATURES,
    WORDS,
    featurise,
    group_of,
)
from include.urls.address import MAX_PATH_CHARS, take_apart
from include.urls.reading import read_url
from include.urls.reference.build import built_in_reference
from include.urls.reference.container import from_bytes, to_bytes
from include.urls.reference.ranks import pack_ranks

N_SAMPLE = 10_000

NASTY = json.loads(Path(__file__).with_name("nasty_urls.json").read_text("utf-8"))
GOLDEN = "a0a899405485196e090e147ec2ca6a806ed0f4834a1c0c705953a1ab8740cbe5"

HOSTILE = {
    "empty": "",
    "blank": " \t\n",
    "scheme only": "http://",
    "slashes": "/" * 1000,
    "dots": "http://" + "." * 300,
    "labels": "http://" + "a." * 5000 + "com",
    "64 KB host": "http://" + "a" * 65_536,
    "64 KB path": "http://a.com/" + "%25" * 21_845,
    "binary": "".join(map(chr, range(256))),
    "half a pair": "http://\ud800.com/\udfff",
    "broken punycode": "http://xn--\x80.com/",
    "endless punycode": "http://xn--" + "9" * 300 + ".com/",
    "broken ipv6": "http://[::1/x",
    "colons": "http://a:b:c:d/",
    "percent": "%",
    "nul": "http://a.com/\0",
    "right to left": "http://a.com/\u202egpj.exe",
}


def urls_of_all_kinds():
    rng = np.random.default_rng(0)
    hosts = ["example.com", "WWW.Example.co.uk", "xn--80ak6aa92e.com", "аррӏе.com", "10.com"]
    for number in range(N_SAMPLE):
        host = hosts[number % len(hosts)]
        tail = rng.bytes(number % 23).decode("latin-1")
        yield f"http://a{number % 977}.{host}/p{number}/{tail}"


def rows_of(urls):
    return featurise(urls, built_in_reference())


def test_a_row_is_the_same_whatever_stands_beside_it():
    urls = list(urls_of_all_kinds())
    batch = 1000

    for start in range(0, N_SAMPLE, batch):
        together = rows_of(urls[start : start + batch])
        alone = rows_of(urls[start : start + 1])
        turned = rows_of(urls[start : start + batch][::-1])[::-1]

        assert np.array_equal(together, turned)
        assert np.array_equal(together[:1], alone)


def test_every_real_url_is_the_same_alone_and_among_others(data_dir):
    with gzip.open(data_dir / "urls_train.csv.gz", "rt", encoding="utf-8") as file:
        urls = [row["url"] for row in islice(csv.DictReader(file), 0, None, 29)]
    urls = [*urls[:3800], *filter(is_read, NASTY)]
    together = rows_of(urls)

    for url, row in zip(urls, together, strict=True):
        assert np.array_equal(rows_of([url])[0], row), url


def test_other_features_have_another_name():
    """The scorer refuses a model of features it does not know: a change needs a name of its own."""
    urls = list(filter(is_read, NASTY))
    # Lists that are edited make other reference data, and no other features.
    header = {
        "brands": [
            ["paypal", ["paypal"], ["pp"], ["paypal.com"]],
            ["dhl", [], ["dhl"], ["dhl.de"]],
        ],
        "names": ["facebook", "netflix"],
        "platforms": ["docs.google.com"],
        "shorteners": ["bit.ly"],
        "sources": ["a test"],
        "domains": [],
    }
    ranks = pack_ranks([("google.com", 1), ("example.com", 900), ("paypal.", 7)])
    rows = feature_set("urls-4").featurise(urls, from_bytes(to_bytes(header, ranks)))
    digest = sha256(rows.astype("<f4").tobytes())
    digest.update("\n".join(urls).encode())

    assert len(NASTY) == len(set(NASTY)) == 200
    assert URLS.name == URL_FEATURES == "urls-4"
    assert rows.shape == (len(urls), N_COLUMNS)
    assert digest.hexdigest() == GOLDEN


def test_another_process_gives_the_same_rows():
    urls = ["http://paypal.com.evil.test/login?a=%41", "аррӏе.com", "http://a.com/\ud800"[:13]]
    code = (
        "import sys, zlib; from include.features.urls import featurise;"
        "from include.urls.reference.build import built_in_reference;"
        f"print(zlib.crc32(featurise({urls!r}, built_in_reference()).tobytes()))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parents[3],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(seen) == 1


@pytest.mark.parametrize("url", HOSTILE.values(), ids=HOSTILE)
def test_no_string_is_too_hostile(url):
    if not is_read(url):
        return
    row = rows_of([url])

    assert row.shape == (1, N_COLUMNS)
    assert np.isfinite(row).all()


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(), max_size=200).map(lambda text: f"http://a.example{text}"))
def test_every_url_has_a_row_of_valid_numbers(url):
    if not is_read(url):
        return
    (row,) = rows_of([url])

    assert np.isfinite(row).all()
    for first, stop, below in (*SECTIONS, PEERS):
        assert ((row[first:stop] >= 0) & (row[first:stop] < below)).all()


def test_what_is_no_web_address_has_no_features():
    with pytest.raises(UrlRefusedError):
        rows_of(["http://a.example", "hello world"])


def test_however_a_url_is_written_its_features_are_the_same():
    rows = rows_of(
        [
            "http://pay.example.co.uk/login?a=%41",
            " <hxxps://www.pay[.]example[.]co[.]uk:443/login?a=%41>\n",
            "https://l.facebook.com/l.php?u=http%3A%2F%2Fpay.example.co.uk%2Flogin%3Fa%3D%2541",
            "http:\\\\pay.ex\u00adample.co.uk/x/../login?a=%41",
        ]
    )

    assert (rows == rows[0]).all()


def test_scheme_and_www_carry_no_weight():
    rows = rows_of(
        [
            "http://www.a.com/b",
            "https://a.com/b",
            "a.com/b",
            "HTTPS://WWW.A.COM/b",
            "http://a.com:80/b",
        ]
    )

    assert (rows == rows[0]).all()


def test_of_a_path_without_end_only_its_length_is_read_to_the_end():
    whole = "http://a.com/" + "a\u00e9-1.%25" * 8192
    short = take_apart(whole).path
    long, cut = rows_of([whole, f"http://a.com{quote(short, safe='/')}"])
    lengths = [0, 5, 6, 52, LEVELS[0], LEVELS[0] + 5, LEVELS[0] + 6]
    long[lengths] = cut[lengths]

    assert len(short) <= MAX_PATH_CHARS
    assert (long != cut).sum() <= 2  # how often each was decoded


def test_a_home_page_is_the_same_with_its_slash():
    rows = rows_of(["http://a.com", "http://a.com/"])

    assert (rows[0] == rows[1]).all()


def test_no_urls_give_no_rows():
    assert rows_of([]).shape == (0, N_COLUMNS)


def test_domains_have_peers_in_the_same_column():
    rows = rows_of(["http://qmobilitya.shop/ae?x=1", "https://qmobilites.shop/ae/pay?x=2"])
    others = rows_of(["http://qmobilitya.top/ae?x=1"])
    peers, other_peers = rows[:, slice(*PEERS[:2])], others[:, slice(*PEERS[:2])]
    has = dict(zip(PEER_NAMES, (peers[0] == peers[1]).tolist(), strict=True))
    has_other = dict(zip(PEER_NAMES, (peers[0] == other_peers[0]).tolist(), strict=True))

    assert has["suffix"] and has["label's first 5 characters"] and has["keys of the query"]
    assert not (
        has["label's last 3 characters"]
        or has["label's last 5 characters"]
        or has["first two words of the path"]
    )
    assert has_other["label's last 5 characters"] and has_other["last part of the path"]
    assert not (has_other["suffix"] or has_other["ending and first word of the path"])


def test_an_end_of_line_in_a_path_moves_no_word_to_another_column():
    rows = rows_of(["http://a.b.com/c%0Ad/e?f=1", "http://a.b.com/c%20d/e?f=1"])

    assert (rows[0] == rows[1])[WORDS[0] : PEERS[1]].all()


def test_urls_of_a_domain_share_their_group():
    rows = rows_of(["http://a.example.co.uk/x", "https://b.example.co.uk:8080/y"])

    assert rows[0, N_FIGURES] == rows[1, N_FIGURES]
    assert group_of("http://a.example.co.uk/x") == group_of("b.example.co.uk") == "example.co.uk"


def test_no_url_ever_reaches_the_network():
    """In a network namespace of its own, without a route, and with every socket call refused."""
    code = (
        "import sys; from include.features.urls import featurise\n"
        "from include.urls.reference.build import built_in_reference\n"
        "def refuse(event, _):\n"
        "    assert not event.startswith('socket.'), event\n"
        "sys.addaudithook(refuse)\n"
        "urls = ['http://example.com/', 'http://аррӏе.com/a', 'http://a.unknowntld']\n"
        "print(featurise(urls, built_in_reference()).shape)"
    )
    apart = ["unshare", "--map-root-user", "--net"] if can_unshare() else []
    answer = subprocess.run(
        [*apart, sys.executable, "-c", code],
        cwd=Path(__file__).parents[3],
        env={"PYTHONPATH": ".", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.stdout.strip() == f"(3, {N_COLUMNS})", answer.stderr


def can_unshare():
    """Whether this machine lets us have a network namespace; the audit hook holds everywhere."""
    if shutil.which("unshare") is None:
        return False
    return (
        subprocess.run(["unshare", "--map-root-user", "--net", "true"], check=False).returncode == 0
    )


def is_read(text):
    try:
        read_url(text)
    except UrlRefusedError:
        return False
    return True
