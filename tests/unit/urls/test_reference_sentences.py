"""What the reader of an explanation is told of a domain."""

import pytest

from include.urls.address import take_apart
from include.urls.reference.build import built_in_reference
from include.urls.reference.sentences import sentences_about


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://www.paypal.com/signin", ["100 most popular", "brands own"]),
        ("https://paypal-login.example.top/", ["not among", "names “paypal”"]),
        ("https://evil.example/netflix/login", ["The path names “netflix”"]),
        ("https://paypa1.com/", ["looks like “paypal”"]),
        ("https://netfix.com/", ["one letter away from “netflix”"]),
        ("https://bit.ly/abc", ["hide where they lead"]),
        ("https://docs.google.com/forms/d/x", ["Anybody can publish"]),
        ("https://cnn.com/out?u=https%3A%2F%2Fevil.example%2Fx", ["another one, of evil.example"]),
    ],
)
def test_what_is_known_is_said(url, told):
    said = " ".join(sentences_about(take_apart(url), built_in_reference()))

    assert [part for part in told if part not in said] == []


def test_nothing_is_said_against_a_brand_on_its_own_pages():
    said = sentences_about(take_apart("https://www.paypal.com/paypal/signin"), built_in_reference())

    assert not any("names" in sentence and "not on" in sentence for sentence in said)


def test_numbers_have_no_popularity():
    assert sentences_about(take_apart("http://8.8.8.8/"), built_in_reference()) == []
