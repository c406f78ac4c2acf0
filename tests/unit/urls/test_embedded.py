"""The URL of another site that a URL hands on."""

from time import process_time

import pytest

from include.urls.embedded import embedded_url
from include.urls.reading import read_url

INNER = "https://evil-login.ru/o365"


@pytest.mark.parametrize(
    "url",
    [
        f"https://shop.example/go?to={INNER}",
        "https://shop.example/go?a=1&continue=https%3A%2F%2Fevil-login.ru%2Fo365&b=2",
        "https://shop.example/go?to=https%253A%252F%252Fevil-login.ru%252Fo365",
        "https://shop.example/go?TO=https%3a%2f%2fevil-login.ru/o365",
        f"https://shop.example/redirect/{INNER}",
        f"https://shop.example/#{INNER}",
    ],
)
def test_a_url_of_another_site_is_found(url):
    assert embedded_url(read_url(url).url) == INNER


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/",
        "https://shop.example/https-explained?topic=http",
        "https://accounts.shop.example/signin?continue=https://mail.shop.example/",
        f"https://web.archive.org/web/20200101000000/{INNER}",
        "https://shop.example/go?to=javascript:alert(1)",
        "https://shop.example/go?to=https://",
        "https://shop.example/go?to=https%3A%2F%2F%00%2F",
        "https://shop.example/xhttps://evil-login.ru/",
    ],
)
def test_what_leads_nowhere_else_is_none(url):
    assert embedded_url(read_url(url).url) == ""


def test_time_grows_no_faster_than_length():
    def seconds(n):
        url = read_url("https://shop.example/?" + "https%25" * n).url
        began = process_time()
        for _ in range(20):
            embedded_url(url)
        return process_time() - began

    seconds(1_000)

    assert seconds(6_400) < 16 * max(seconds(1_600), 1e-4)
