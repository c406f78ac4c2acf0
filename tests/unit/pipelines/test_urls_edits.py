"""What an attacker changes of a URL: always the same, and still a URL that a browser opens."""

import pytest

from include.pipelines.urls.edits import EDITS, edited
from include.pipelines.urls.login_pages import login_pages
from include.urls.address import take_apart
from include.urls.reading import read_url

URL = "http://secure.examplebank-login.top/verify/account.php?id=7"


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_gives_another_url_and_the_same_one_each_time(name):
    changed = edited(name, URL)

    assert changed not in (None, URL)
    assert edited(name, URL) == changed
    assert read_url(changed).url == changed


def test_each_edit_changes_what_it_is_named_for():
    before = take_apart(URL)
    after = {name: take_apart(edited(name, URL)) for name in EDITS}

    assert after["host swapped"].domain != before.domain
    assert after["host swapped"].path == before.path
    assert (after["path cleaned"].domain, after["path cleaned"].path) == (before.domain, "")
    assert after["homoglyphs"].domain.startswith("xn--")
    assert after["homoglyphs"].seen_host == before.seen_host
    assert after["user-info"].userinfo
    assert after["user-info"].host == before.host
    assert after["long padding"].n_chars > before.n_chars + 1_000
    assert after["long padding"].domain == before.domain
    assert after["free hosting"].label == "examplebank-login"
    assert after["free hosting"].domain != before.domain


@pytest.mark.parametrize(
    ("name", "url"),
    [
        pytest.param("path cleaned", "http://a.example/", id="a-home-page"),
        pytest.param("homoglyphs", "http://10.0.0.1/login", id="an-ip-address"),
        pytest.param("homoglyphs", "http://kit.gg/", id="no-such-letter"),
        pytest.param("user-info", "mailto:ann", id="no-url"),
    ],
)
def test_an_edit_that_does_not_apply_gives_nothing(name, url):
    assert edited(name, url) is None


def test_known_pages_are_urls_of_many_brands_and_each_stands_once():
    pages = login_pages()
    addresses = [take_apart(page) for page in pages]

    assert len(set(pages)) == len(pages) >= 150
    assert len({address.domain for address in addresses}) >= 60
    assert all(page.startswith("https://") and not address.is_ip
               for page, address in zip(pages, addresses, strict=True))  # fmt: skip
