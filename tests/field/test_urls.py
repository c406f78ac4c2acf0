"""URLs as they were met in the field: each is read as a browser does, or refused.

Cases 26, 32, 33, 37 to 41, 43 and 44; the numbers are those of the folder's table. The same kinds
in our own words are in ``tests/unit/urls``.
"""

import json

import pytest

from include.errors import UrlRefusedError
from include.urls.address import take_apart
from include.urls.parse import MAX_HOST_CHARS, MAX_LABEL_CHARS
from include.urls.reading import read_url


def hosts(texts):
    return [read_url(text).parsed.host for text in texts]


def test_26_defanged_urls_are_refanged(field_dir, field_urls):
    lines = (field_dir / "26-defanged" / "list.txt").read_text("utf-8").split()
    asked = field_urls("26-defanged")

    assert [read_url(line).url for line in lines] == [
        "http://login-acme-pay.example.top/a",
        "https://verify-acme.example.icu/b",
        "secure-acme.example.shop/c",
        "www.pay-acme.example.top",
        "login-acme.example.icu",
    ]
    assert hosts(asked[::2]) == hosts(asked[1::2])


def test_32_a_long_user_name_does_not_hide_the_host(field_urls):
    hidden, plain, shown, long = field_urls("32-long-userinfo")

    assert hosts([hidden, long]) == hosts([plain]) * 2 != hosts([shown])


@pytest.mark.parametrize("case", ["33-no-slashes", "37-idn-suffix", "38-backslash-at"])
def test_33_37_38_two_ways_of_writing_a_url_are_one(field_urls, case):
    one, other = map(read_url, field_urls(case))

    assert one.parsed.href == other.parsed.href


def test_39_the_host_stands_behind_the_last_at_sign(field_urls):
    assert hosts(field_urls("39-userinfo-amp")) == ["3.3.3.3", "3.3.3.3"]


def test_40_what_cannot_be_seen_around_a_url_makes_no_difference(field_urls):
    readings = [read_url(text) for text in field_urls("40-invisible-prefix")]

    assert {reading.url for reading in readings} == {"http://pay-acme-login.example.top/login"}


def test_41_a_public_suffix_is_a_host_too(field_urls):
    assert all(take_apart(text).host for text in field_urls("41-suffix-as-host"))


def test_43_hosts_are_those_of_browsers(field_dir):
    """The Web Platform Tests of URLs with http and https, and of IDNA."""
    cases = [
        (case["input"], None if case.get("failure") else case["hostname"])
        for file in ("urltestdata.json", "ada_extra.json")
        for case in wpt(field_dir, file)
        if case.get("base") in (None, "about:blank")
        and (case.get("failure") or case["protocol"] in ("http:", "https:"))
    ] + [
        (f"https://{case['input']}/x", case["output"])
        for file in ("toascii.json", "idna.json")
        for case in wpt(field_dir, file)
        if case["input"]
    ]
    compared = [(text, host) for text, host in cases if host is not None and can_be_looked_up(host)]

    assert len(compared) > 1_500
    assert [text for text, host in compared if hosts([text]) != [host]] == []
    assert [text for text, host in cases if host is None and is_read(text)] == ["//evil.com/p#"]
    assert not any(is_read(text) for text, host in cases if host and not can_be_looked_up(host))


def test_44_what_is_no_web_address_is_refused(field_urls):
    assert [text for text in field_urls("44-not-web") if is_read(text)] == []


def wpt(field_dir, file):
    entries = json.loads((field_dir / "43-wpt" / file).read_text("utf-8"))
    return [entry for entry in entries if isinstance(entry, dict)]


def can_be_looked_up(host):
    labels = host.split(".")
    return len(host) <= MAX_HOST_CHARS and max(map(len, labels)) <= MAX_LABEL_CHARS


def is_read(text):
    try:
        read_url(text)
    except UrlRefusedError:
        return False
    return True
