"""Reference data: ranks, owners, look-alikes, and the file they are kept in."""

import numpy as np
import pytest

from include.errors import ManifestError
from include.urls.address import take_apart
from include.urls.reference.build import build_reference, built_in_bytes, built_in_reference
from include.urls.reference.container import MAX_BYTES, from_bytes
from include.urls.reference.facts import target_host
from include.urls.reference.ranks import UNLISTED, Ranks, pack_ranks

RANKED = [(f"site{number}.com", number) for number in range(1, 2_001)]


@pytest.fixture(scope="module")
def built_in():
    return built_in_reference()


def test_ranks_come_back_within_a_sixteenth_of_a_doubling():
    ranks = Ranks(pack_ranks(RANKED))

    found = [ranks.log2(name) for name, _ in RANKED]

    assert len(ranks) == len(RANKED)
    assert np.abs(np.array(found) - np.log2(np.arange(1, 2_001))).max() <= 1 / 16


def test_name_that_is_not_listed_has_no_rank():
    ranks = Ranks(pack_ranks(RANKED))

    assert {ranks.log2(f"other{number}.com") for number in range(2_000)} == {UNLISTED}


def test_best_rank_of_a_name_listed_twice_counts():
    assert Ranks(pack_ranks([("a.com", 1024), ("a.com", 16)])).log2("a.com") == 4.0


def test_no_names_make_an_empty_table():
    assert Ranks(pack_ranks([])).log2("a.com") == UNLISTED


def test_equal_lists_give_equal_bytes_and_a_million_names_fit():
    assert build_reference(RANKED, ["a list"]) == build_reference(iter(RANKED), ["a list"])
    assert 8 * 1_100_000 + len(built_in_bytes()) < MAX_BYTES


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda body: b"", id="empty"),
        pytest.param(lambda body: b"PK" + body, id="another format"),
        pytest.param(lambda body: body[:-3], id="cut off in the table"),
        pytest.param(lambda body: body[:100], id="cut off in the header"),
        pytest.param(lambda body: body.replace(b'"brands"', b'"brandx"', 1), id="header field"),
    ],
)
def test_damaged_file_is_refused(damage):
    with pytest.raises(ManifestError):
        from_bytes(damage(built_in_bytes()))


@pytest.mark.parametrize(
    ("url", "owner"),
    [
        ("https://www.paypal.com/signin", "paypal"),
        ("https://login.microsoftonline.com/common", "microsoft"),
        ("https://secure.bankofamerica.com", "bankofamerica"),
        ("https://paypal.com.account.example/", ""),
        ("https://paypa1.com", ""),
    ],
)
def test_owner_of_a_domain(built_in, url, owner):
    assert built_in.facts(take_apart(url)).owners == ({owner} if owner else set())


@pytest.mark.parametrize(
    ("url", "hosted", "platform", "shortener"),
    [
        ("https://somebody.github.io/", True, True, False),
        ("https://docs.google.com/forms/d/e/x", False, True, False),
        ("https://bit.ly/abc", False, False, True),
        ("https://www.paypal.com/", False, False, False),
    ],
    ids=["private suffix", "listed platform", "shortener", "a site of its own"],
)
def test_where_anybody_publishes(built_in, url, hosted, platform, shortener):
    facts = built_in.facts(take_apart(url))

    assert (facts.is_hosted, facts.is_platform, facts.is_shortener) == (hosted, platform, shortener)


def test_rank_of_the_longest_listed_name_counts():
    reference = from_bytes(build_reference([("a.com", 4), ("b.a.com", 16)], ["a list"]))

    facts = reference.facts(take_apart("https://c.b.a.com/"))

    assert (facts.host_rank, facts.listed_rank, facts.domain_rank) == (UNLISTED, 4.0, 2.0)


def test_label_has_the_rank_of_its_best_domain():
    reference = from_bytes(build_reference([("shop.com", 8)], ["a list"]))

    assert reference.facts(take_apart("https://shop.top/")).label_rank == 3.0


@pytest.mark.parametrize(
    "url",
    [
        "http://paypl.com",
        "http://payypal.com",
        "http://papyal.com",
        "http://peypal.com",
        "http://pay-pal.com",
        "http://paypa1.com",
        "http://paypal1.com",
        "http://p.aypal.com",
        "http://paypa1-secure.com",
        "http://p\u0430ypal.com",
        "http://xn--pypal-4ve.com",
    ],
)
def test_name_that_a_host_resembles(built_in, url):
    found = built_in.look_alike(take_apart(url))

    assert found.closeness > 0
    assert found.name == "paypal"


@pytest.mark.parametrize("url", ["http://paypal.top", "http://example.com", "http://a.com"])
def test_name_itself_and_other_names_resemble_nothing(built_in, url):
    assert built_in.look_alike(take_apart(url)).name == ""


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/url?q=https://evil.example/o365", "evil.example"),
        ("/https:/evil.example/x", "evil.example"),
        ("/out?to=www.evil.example", "evil.example"),
        ("/http-basics", ""),
        ("/a/b?c=d", ""),
    ],
)
def test_host_inside_a_path(path, host):
    assert target_host(path) == host
