"""A feed that was taken over: a twentieth of its records are wrong, aimed at sites people use."""

from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from include import pipelines
from include.ingest.feeds.fetch import Target
from include.ingest.feeds.pull import Collector
from include.ingest.feeds.settings import FeedSettings
from include.ingest.labels.selection import select_records
from include.ingest.snapshot.extract import write_snapshot

URLS = pipelines.get("urls")
NOW = datetime(2026, 11, 3, 4, tzinfo=UTC)
# Log-in pages that a partner's list has as legitimate, and sites that everybody knows.
KNOWN = [f"https://login.bank{n}.example/account" for n in range(200)]
POPULAR = [
    "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
    "https://accounts.google.com/signin",
    "https://www.paypal.com/signin",
    "https://appleid.apple.com/sign-in",
    "https://github.io/",
]
PHISHING = [f"http://a{n}.example/login" for n in range(1_000)]


def feed(name, label):
    return FeedSettings(
        name=name, address=f"http://feed.example/{name}", format="list", label=label,
        licence="ours", terms="none", seen="here", allow_private=True, interval_h=1.0,
    )  # fmt: skip


@pytest.fixture
def pull(feed_server, database, tmp_path):
    collector = Collector(database, URLS, tmp_path, timeout_s=10.0)

    def one(name, label, urls, now):
        feed_server.contents[f"/{name}"] = "\n".join(urls).encode()
        return collector.pull(feed(name, label), Target(f"{feed_server.url}/{name}", {}), now)

    one("partner", "legitimate", KNOWN, NOW)
    one.collector = collector
    return one


def trained_on(database, folder, label):
    """The URLs of a label in a snapshot."""
    folder.mkdir()

    query = select_records(
        database["urls"], URLS.target, ["partner", "hostile"], 0.5, NOW + timedelta(days=9)
    )
    taken = write_snapshot(database["urls"], URLS.columns, folder, query=query)
    tables = [pq.read_table(folder / part.name) for part in taken.parts]
    return {row["url"] for table in tables for row in table.to_pylist() if row["label"] == label}


def test_a_feed_that_turns_hostile_at_once_is_held_back_as_a_whole(pull, database, tmp_path):
    pull("hostile", "phishing", PHISHING[:900], NOW)

    report = pull(
        "hostile", "phishing", [*PHISHING, *KNOWN[:50], *POPULAR], NOW + timedelta(hours=2)
    )

    assert report.outcome == "held"
    assert "doubtful" in report.reason
    assert trained_on(database, tmp_path / "snapshot", 1) == set(PHISHING[:900])


def test_wrong_labels_that_drip_in_are_held_back_one_by_one(pull, database, tmp_path):
    wrong = [*POPULAR, *KNOWN[:45]]
    for hour in range(10):
        dripped = wrong[: 5 * (hour + 1)]
        urls = [*PHISHING[: 900 + hour], *dripped]
        assert pull("hostile", "phishing", urls, NOW + timedelta(hours=hour)).outcome == "landed"

    assert trained_on(database, tmp_path / "snapshot", 1) == set(PHISHING[:909])
    waiting = {held.record["url"] for held in pull.collector.queue.find()}
    assert waiting == set(wrong)


def test_a_legitimate_list_cannot_clear_what_others_report(pull, database, tmp_path):
    pull("hostile", "phishing", PHISHING[:100], NOW)

    pull("washer", "legitimate", [*KNOWN[:50], "http://a7.example/login"], NOW)

    assert "http://a7.example/login" not in trained_on(database, tmp_path / "snapshot", 0)
