"""How feeds do, as Prometheus reads it: over a real MongoDB, by a token, checked by promtool."""

import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from include import pipelines
from include.ingest.feeds.fetch import Target
from include.ingest.feeds.pull import Collector
from include.ingest.feeds.settings import Feeds, FeedSettings
from include.web.feed_metrics import feed_metrics_app

URLS = pipelines.get("urls")
TOKEN = "a-token-of-this-test"


def feed(name, address, *, enabled=True):
    return FeedSettings(
        name, address, "list", "phishing", "none", "none", "here",
        enabled=enabled, allow_private=True,
    )  # fmt: skip


@pytest.fixture
def watched(database, feed_server, tmp_path):
    """The app over three feeds: one that is well, one dead for a day, one off."""
    names = ("well", "gone", "idle")
    feeds = [feed(name, f"{feed_server.url}/{name}", enabled=name != "idle") for name in names]
    collector = Collector(database, URLS, tmp_path)
    feed_server.contents["/well"] = b"http://a.example/\nhttp://b.example/\nno url\n"
    now = datetime.now(UTC)
    for each in feeds[:2]:
        for hours in (25, 1) if each.name == "gone" else (1,):
            collector.pull(each, Target(each.address, {}), now - timedelta(hours=hours))
    return feed_metrics_app(
        TOKEN, lambda: database, lambda: {"urls": Feeds(feeds=tuple(feeds))}
    ), now


def read(app, header=f"Bearer {TOKEN}"):
    return TestClient(app).get("/", headers={"Authorization": header} if header else {})


def samples(text):
    return {
        (each.name, each.labels["feed"], each.labels.get("outcome", "")): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def test_a_dead_feed_is_named_and_a_good_one_has_its_counts_and_times(watched):
    app, now = watched
    found = samples(read(app).text)

    assert found["nightcatch_feed_unhealthy", "gone", ""] == 1
    assert found["nightcatch_feed_failures", "gone", ""] == 2
    assert ("nightcatch_feed_last_success_timestamp_seconds", "gone", "") not in found
    assert found["nightcatch_feed_unhealthy", "well", ""] == 0
    assert found["nightcatch_feed_records", "well", "new"] == 2
    assert found["nightcatch_feed_records", "well", "bad"] == 1
    age = now.timestamp() - found["nightcatch_feed_last_success_timestamp_seconds", "well", ""]
    assert age == pytest.approx(3600, abs=1)
    assert found["nightcatch_feed_next_due_timestamp_seconds", "well", ""] > now.timestamp() - 3600
    assert not any(name == "idle" for _, name, _ in found)


def test_promtool_finds_nothing_wrong_with_the_metrics(watched):
    if shutil.which("promtool") is None:
        pytest.skip("no promtool (Debian's package prometheus has it)")
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=read(watched[0]).content,
        capture_output=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "header", ["", TOKEN, "Bearer ", "Bearer wrong", f"Basic {TOKEN}", "Bearer \u00e9"]
)
def test_nothing_is_shown_without_the_token(watched, header):
    assert read(watched[0], header.encode("latin-1")).status_code == 401


def test_without_a_configured_token_everybody_is_refused(database):
    app = feed_metrics_app("", lambda: database, lambda: {"urls": URLS.feeds})

    assert {read(app, header).status_code for header in ("", "Bearer", "Bearer ")} == {401}
