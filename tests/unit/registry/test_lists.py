"""Which entry of a list decides on a URL, and which entries are too wide to be made."""

import pytest

from include.contract.lists import DecisionList
from include.errors import ListRefusedError, UrlRefusedError
from include.inference.listed import ListLookup
from include.registry.lists import list_entry
from include.urls.reading import read_url

AT = "2026-11-21T02:06:00+00:00"
NOW_S = 1_800_000_000.0


def entry(action, scope, text, **fields):
    given = {"reason": "a test", "author": "ann", "added_at": AT}
    return list_entry(action, scope, text, **{**given, **fields})


def found(entries, url, now_s=NOW_S):
    lookup = ListLookup(DecisionList("urls", 1, tuple(entries)))
    decided = lookup.find(read_url(url).parsed, now_s)
    return decided and (decided.action, decided.scope)


MATCHES = {
    "the URL": ("url", "https://a.example/b?c=1", "http://a.example/b?c=1#d", True),
    "another query": ("url", "https://a.example/b?c=1", "https://a.example/b?c=2", False),
    "another port": ("url", "https://a.example/b", "https://a.example:8443/b", False),
    "a defanged URL": ("url", "hxxps://a[.]example/b", "https://a.example/b", True),
    "below the path": ("path", "https://a.example/app/", "https://a.example/app/x?y", True),
    "the path": ("path", "https://a.example/app", "https://a.example/app", True),
    "a longer name": ("path", "https://a.example/app", "https://a.example/apple", False),
    "the host": ("host", "a.example", "https://a.example:8443/x", True),
    "below the host": ("host", "a.example", "https://b.a.example/x", False),
    "in capitals": ("host", "A.Example", "https://a.EXAMPLE/x", True),
    "in IDNA": ("host", "bücher.example", "https://xn--bcher-kva.example/", True),
    "the domain": ("domain", "a.example", "https://a.example/x", True),
    "below the domain": ("domain", "a.example", "https://c.b.a.example/x", True),
    "a name that ends alike": ("domain", "a.example", "https://ba.example/x", False),
    "the domain before another": ("domain", "a.example", "https://a.example.evil.test/x", False),
    "in the user name": ("domain", "a.example", "https://a.example@evil.test/x", False),
}


@pytest.mark.parametrize(("scope", "text", "url", "matches"), MATCHES.values(), ids=MATCHES)
def test_what_an_entry_decides_on(scope, text, url, matches):
    assert found([entry("allow", scope, text)], url) == (("allow", scope) if matches else None)


def test_the_narrowest_entry_decides():
    entries = [
        entry("block", "domain", "a.example"),
        entry("allow", "host", "b.a.example"),
        entry("block", "path", "b.a.example/x"),
        entry("allow", "path", "b.a.example/x/y"),
        entry("block", "url", "b.a.example/x/y/z"),
    ]

    assert found(entries, "http://c.a.example/") == ("block", "domain")
    assert found(entries, "http://b.a.example/") == ("allow", "host")
    assert found(entries, "http://b.a.example/x/") == ("block", "path")
    assert found(entries, "http://b.a.example/x/y/w") == ("allow", "path")
    assert found(entries, "http://b.a.example/x/y/z") == ("block", "url")


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_that_name_the_same_the_block_decides(order):
    entries = [entry("allow", "host", "a.example"), entry("block", "host", "a.example")]

    assert found(entries[::order], "http://a.example/") == ("block", "host")


def test_an_expired_entry_does_nothing_and_a_wider_one_decides():
    entries = [
        entry("allow", "host", "a.example", expires_at="2026-11-22T00:00:00+00:00"),
        entry("block", "domain", "a.example"),
    ]

    assert found(entries, "http://a.example/", 1_000_000_000.0) == ("allow", "host")
    assert found(entries, "http://a.example/") == ("block", "domain")


@pytest.mark.parametrize("scope", ["host", "domain", "path"])
@pytest.mark.parametrize("text", ["vercel.app", "github.io", "co.uk", "https://blogspot.com/"])
def test_a_platform_or_suffix_is_never_taken_whole(scope, text):
    with pytest.raises(ListRefusedError, match="shared"):
        entry("allow", scope, text)


def test_a_site_on_a_platform_and_a_host_of_ones_own_network_can_be_named():
    assert entry("allow", "host", "ours.github.io").value == "ours.github.io"
    assert entry("allow", "host", "http://intranet/").value == "intranet"


@pytest.mark.parametrize("fields", [{"reason": " "}, {"author": ""}, {"reason": "x" * 501}])
def test_an_entry_needs_a_reason_and_an_author(fields):
    with pytest.raises(ListRefusedError, match="reason"):
        entry("allow", "host", "a.example", **fields)


def test_what_is_no_url_is_refused():
    with pytest.raises(UrlRefusedError):
        entry("allow", "host", "hello world")
