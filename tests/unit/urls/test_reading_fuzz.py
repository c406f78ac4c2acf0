"""No text makes the reading of URLs fail in any way but by its refusal."""

import random

import pytest

from include.errors import UrlRefusedError
from include.pipelines.urls.normal import normal_form
from include.urls.address import address_of
from include.urls.reading import read_url

PIECES = (
    "http://", "https://", "hxxp://", "http:", "hxxps[:]//", "//", "\\\\", "/", "\\", "?", "#", "@",
    ":", "::", ".", "[.]", "(.)", "[dot]", "\\.", "[", "]", "(", ")", "{", "<", ">", '"', "'", "%",
    "%25", "%2e", "%00", "%ff", "\t", "\n", "\r", " ", "\u00a0", "\u200b", "\ufeff", "\u00ad",
    "\u202e", "\ud800", "\0", "\u3002", "\uff0e", "\uff41", "\u00fc", "\u0430", "\u4e00", "xn--",
    "xn--80ak6aa92e", "a", "b-c", "example", "com", "co.uk", "www.", "www2.", "0", "0x7f", "256",
    "4294967296", "127.0.0.1", "::1", "65536", "&", "=", "+", "*", "__;", "!!", "**A", "a1",
    "google.com/url?q=", "urldefense.com/v3/__", "urldefense.com/v2/url?u=", "https-3A__",
    "nam1.safelinks.protection.outlook.com/?url=", "secure-web.cisco.com/x/", "http%3A%2F%2F",
    "www.bing.com/ck/a?u=a1", "protection.sophos.com/?u=", "javascript:", "mailto:", "data:",
)  # fmt: skip


def texts(seed, n_texts):
    rng = random.Random(seed)
    for _ in range(n_texts):
        if rng.random() < 0.2:
            yield "".join(chr(rng.randrange(0x110000)) for _ in range(rng.randrange(12)))
        else:
            yield "".join(rng.choices(PIECES, k=rng.randrange(1, 9)))


def check(seed, n_texts):
    """Read texts, and read again what was read; return how many are URLs."""
    n_urls = 0
    for text in texts(seed, n_texts):
        try:
            reading = read_url(text)
        except UrlRefusedError as refusal:
            assert str(refusal), text
            continue
        n_urls += 1
        again = read_url(reading.url)
        assert address_of(again.parsed) == address_of(reading.parsed), text
        assert normal_form(again.parsed) == normal_form(reading.parsed), text
    return n_urls


def test_twenty_thousand_strings_are_read_or_refused():
    assert 1_000 < check(1, 20_000) < 19_000


@pytest.mark.heavy
def test_a_million_strings_are_read_or_refused():
    assert 50_000 < check(2, 1_000_000) < 950_000
