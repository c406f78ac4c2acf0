"""A feed is one table of a file; what is wrong in it is named."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from include import pipelines
from include.errors import FeedSettingsError
from include.ingest.feeds.settings import read_feeds

WHOLE = """
min_new = 7
[feeds.one]
address = "https://feed.example/{now:%Y}/{last_month:%Y%m}.csv?key={password}"
format = "csv"
label = "phishing"
licence = "ours"
terms = "https://feed.example/terms"
seen = "2026-12"
interval_h = 6
connection = "one"
headers = { User-Agent = "us/{login}" }
"""


@pytest.fixture
def read(tmp_path):
    def from_text(text):
        (tmp_path / "feeds.toml").write_text(text)
        return read_feeds(tmp_path / "feeds.toml")

    return from_text


def test_a_table_is_a_feed(read):
    feeds = read(WHOLE)
    feed = feeds.named("one")

    assert (feeds.min_new, feed.name, feed.enabled) == (7, "one", False)
    assert feed.min_interval == feed.interval
    url = feed.request_url(datetime(2026, 1, 5, tzinfo=UTC), "me", "a key/&")
    assert url == "https://feed.example/2026/202512.csv?key=a%20key%2F%26"
    assert feed.request_headers("me", "x") == {"User-Agent": "us/me"}


def test_no_file_is_no_feeds(tmp_path):
    assert read_feeds(tmp_path / "feeds.toml").feeds == ()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ('label = "maybe"', "label"),
        ('format = "xml"', "format"),
        ('colour = "red"', "colour"),
        ("interval_h = 0", "interval_h"),
        ("min_interval_h = 7", "min_interval_h"),
        ("expected = [9, 1]", "expected"),
        ('where = "a =="', "JMESPath"),
        ('items = "@"', "items"),
        ('address = "ftp://feed.example/"', "address"),
        ('connection = ""', "connection"),
        ('name = "two"', "name"),
    ],
)
def test_what_is_wrong_is_named(read, wrong, named):
    key = wrong.partition(" =")[0]
    kept = [line for line in WHOLE.splitlines() if line.partition(" =")[0] != key]

    with pytest.raises(FeedSettingsError, match=named):
        read("\n".join([*kept, wrong]))


def test_an_unknown_feed_is_answered_with_the_known_ones(read):
    with pytest.raises(FeedSettingsError, match="one"):
        read(WHOLE).named("other")


@pytest.mark.parametrize("name", pipelines.names())
def test_the_feeds_of_each_pipeline_are_sound(name):
    feeds = pipelines.get(name).feeds

    for feed in feeds.feeds:
        assert not (feed.enabled and feed.needs_credentials), feed.name
        assert feed.seen.startswith("20"), feed.name


def test_feeds_are_on_by_default_only_where_anyone_may_use_them():
    enabled = {feed.name for feed in pipelines.get("urls").feeds.feeds if feed.enabled}

    assert enabled == {
        "phishing_database", "cert_polska", "phishunt", "metamask",
        "change_password", "two_factor", "hacker_news",
    }  # fmt: skip
    assert Path(pipelines.__file__).with_name("urls").joinpath("feeds.toml").is_file()
