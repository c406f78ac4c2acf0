"""A URL is shown in pieces that add up to it, its registrable domain by itself; and defanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.urls.defang import defang
from include.urls.reading import read_url
from include.urls.segments import segments_of, shown_host

DOMAINS = {
    "http://user:p@a.b.co.uk:8080/x?q=1#f": "b.co.uk",
    "https://me.github.io/": "me.github.io",
    "https://github.io/": "github.io",
    "https://a.example./": "a.example.",
    "https://[::1]:81/x": "[::1]",
    "http://2130706433/": "127.0.0.1",
    "http://localhost:8080/": "localhost",
    "https://www.xn--80ak6aa92e.com/": "xn--80ak6aa92e.com",
}


@pytest.mark.parametrize(("url", "domain"), DOMAINS.items(), ids=DOMAINS)
def test_the_registrable_domain_is_a_piece(url, domain):
    parsed = read_url(url).parsed
    found = segments_of(parsed)

    assert dict(found)["domain"] == domain
    assert "".join(text for _, text in found) == parsed.href


def test_letters_that_are_not_latin_are_shown_as_they_are_seen():
    assert shown_host(read_url("https://xn--80ak6aa92e.com/").parsed).encode() != b"apple.com"
    assert shown_host(read_url("https://a.example/").parsed) == ""


NAMES = st.from_regex(r"([a-z0-9]{1,9}\.){1,3}(com|co\.uk|example)", fullmatch=True)
TAILS = st.from_regex(r"(/[a-z0-9.()%]{0,9}){0,3}(\?[a-z.=]{0,9})?", fullmatch=True)


@given(st.sampled_from(["http://", "https://", "HTTP://"]), NAMES, TAILS)
def test_a_defanged_url_is_read_as_the_same_and_no_mail_program_makes_it_a_link(scheme, host, tail):
    url = read_url(f"{scheme}{host}{tail}")
    marked = defang(url.url)

    assert read_url(marked).parsed.href == url.parsed.href
    assert "http" not in marked.partition("://")[0].lower()
    assert host not in marked
