import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.errors import UrlRefusedError
from include.features.parts import keep, parts_of
from include.urls.address import take_apart

WHOLE = "https://user@login.paypal.com.evil.co.uk:8080/a/b.php?x=1#f"


def named(url):
    return {part.name: part.text for part in parts_of(url)}


def test_a_url_falls_into_the_parts_a_reader_sees():
    assert named(WHOLE) == {
        "userinfo": "user",
        "subdomain": "login.paypal.com",
        "domain": "evil",
        "ending": "co.uk",
        "port": "8080",
        "path": "/a/b.php",
        "query": "?x=1#f",
    }


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://www.github.com/", {"domain": "github", "ending": "com"}),
        ("http://foo.github.io", {"domain": "foo", "ending": "github.io"}),
        ("http://0x7f.1/x", {"address": "0x7f.1", "path": "/x"}),
        (
            "http://münchen.de/a",
            {"domain": "xn--mnchen-3ya", "ending": "de", "path": "/a"},
        ),
        ("http://co.uk", {"domain": "co.uk"}),
        ("http://x", {"domain": "x"}),
        ("http://x#y?z", {"domain": "x", "query": "#y?z"}),
        ("hxxp://a[.]example[.]com/", {"subdomain": "a", "domain": "example", "ending": "com"}),
    ],
)
def test_unusual_urls_fall_into_what_they_have(url, parts):
    assert named(url) == parts


@pytest.mark.parametrize(
    "url", [WHOLE, "http://münchen.de/a", "http://[::1]/a", "http://x", "http://0x7f.1/"]
)
def test_all_parts_together_are_the_url(url):
    parts = parts_of(url)

    assert take_apart(keep(parts, range(len(parts)))) == take_apart(url)


@pytest.mark.parametrize("url", [WHOLE, "http://10.0.0.1/login", "http://x/y"])
def test_without_any_part_a_neutral_url_is_left(url):
    assert keep(parts_of(url), ()) == "http://example.com"


@given(st.text(max_size=80).map(lambda text: f"http://a.example{text}"))
def test_any_url_has_parts_and_comes_together_again(url):
    try:
        address = take_apart(url)
    except UrlRefusedError:
        return
    parts = parts_of(url)

    assert len({part.name for part in parts}) == len(parts) <= 7
    assert take_apart(keep(parts, range(len(parts)))) == address
