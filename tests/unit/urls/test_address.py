# ruff: noqa: RUF001  # lookalike letters are what is tested
"""The parts of a URL are those that a browser sees."""

import pytest

from include.urls.address import take_apart

HOSTS = {
    "plain": ("http://example.com/a", "example.com"),
    "no scheme": ("example.com/a", "example.com"),
    "www": ("https://www.example.com", "example.com"),
    "www is the domain": ("https://www.com/", "www.com"),
    "capitals": ("HTTP://EXAMPLE.COM", "example.com"),
    "userinfo": ("http://paypal.com@evil.test/", "evil.test"),
    "backslash": ("http:\\\\evil.test\\@example.com", "evil.test"),
    "port": ("http://example.com:8080/", "example.com"),
    "encoded": ("http://%65xample.com/", "example.com"),
    "blanks inside": ("http://exa\tmple.com/", "example.com"),
    "final dot": ("http://example.com./", "example.com"),
    "foreign letters": ("http://аpple.com/", "xn--pple-43d.com"),
    "ideographic dot": ("http://example。com/", "example.com"),
}


@pytest.mark.parametrize(("url", "host"), HOSTS.values(), ids=HOSTS)
def test_the_host_is_the_one_a_browser_would_ask(url, host):
    assert take_apart(url).host == host


DOMAINS = {
    "two labels": ("http://a.b.example.com/", "example.com", "com"),
    "country": ("http://a.example.co.uk/", "example.co.uk", "co.uk"),
    "hosting": ("http://a.github.io/", "a.github.io", "github.io"),
    "unknown": ("http://a.b.invalidtld/", "b.invalidtld", "invalidtld"),
    "bare suffix": ("http://co.uk/", "co.uk", "co.uk"),
    "address": ("http://10.0.0.1/", "10.0.0.1", ""),
}


@pytest.mark.parametrize(("url", "domain", "suffix"), DOMAINS.values(), ids=DOMAINS)
def test_the_registrable_domain_follows_the_public_suffix_list(url, domain, suffix):
    address = take_apart(url)

    assert (address.domain, address.suffix) == (domain, suffix)


@pytest.mark.parametrize(
    ("host", "is_odd"),
    [
        ("127.0.0.1", False),
        ("0177.0.0.1", True),
        ("0x7f.1", True),
        ("2130706433", True),
        ("[::1]", False),
        ("[2001:db8::1]:443", False),
    ],
)
def test_an_ip_address_is_known_in_every_spelling(host, is_odd):
    address = take_apart(f"http://{host}/x")

    assert (address.is_ip, address.is_odd_ip) == (True, is_odd)


@pytest.mark.parametrize("host", ["http://аррӏе.com/", "http://xn--80ak6aa92e.com/"])
def test_a_lookalike_is_read_as_a_person_does_and_kept_apart(host):
    address = take_apart(host)

    assert address.seen_host == "apple.com"
    assert address.host == "xn--80ak6aa92e.com"
    assert address.domain != "apple.com"


def test_a_path_is_decoded_twice_and_no_more():
    address = take_apart("http://example.com/%25256c%256f")

    assert (address.path, address.n_decoded) == ("/%6co", 2)
