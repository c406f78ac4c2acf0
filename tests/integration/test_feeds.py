"""Reports of feeds land in a real MongoDB once, with all their sources; doubtful ones wait."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from include import pipelines
from include.errors import DecisionRefusedError
from include.ingest.feeds.fetch import Target
from include.ingest.feeds.pull import Collector
from include.ingest.feeds.settings import FeedSettings
from include.ingest.review.decisions import Decision, ReviewDesk
from include.ingest.review.entries import Chosen
from include.ingest.snapshot.extract import write_snapshot
from tests.support.feed_server import HTML
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
URLS = pipelines.get("urls")
DAY0 = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def listed(*names):
    return "".join(f"http://{name}.example/login\n" for name in names).encode()


def numbered(n, start=0):
    return listed(*(f"a{i}" for i in range(start, start + n)))


def given(name="one", **changes):
    return {
        "name": name,
        "address": "http://feed.example/",
        "format": "list",
        "label": "phishing",
        "licence": f"licence of {name}",
        "terms": "none",
        "seen": "here",
        "allow_private": True,
        "enabled": True,
        "interval_h": 6.0,
    } | changes


def settings(name="one", **changes):
    return FeedSettings(**given(name, **changes))


@pytest.fixture
def pull(feed_server, database, tmp_path):
    collector = Collector(database, URLS, tmp_path, timeout_s=5.0)

    def one(content=None, now=DAY0, feed=None):
        feed = feed or settings()
        if content is not None:
            feed_server.contents[f"/{feed.name}"] = content
        return collector.pull(feed, Target(f"{feed_server.url}/{feed.name}", {}), now)

    one.collector = collector
    return one


def record(database, name):
    return database["urls"].find_one({"url": f"http://{name}.example/login"})


def test_a_record_stands_once_with_its_earliest_date_and_all_sources(pull, database):
    dated = settings("two", format="csv", fields={"url": "url", "first_seen": "seen"})
    pull(listed("a", "b"), DAY0)
    pull(b"seen,url\n2026-10-01,http://a.example/login\n2026-11-09,https://www.b.example/login\n",
         DAY0 + HOUR, dated)  # fmt: skip
    pull(listed("a", "b", "c"), DAY0 + DAY)

    assert database["urls"].count_documents({}) == 3
    found = record(database, "a")
    assert (found["first_seen"], found["last_seen"]) == (
        datetime(2026, 10, 1, tzinfo=UTC),
        DAY0 + DAY,
    )
    assert found["source"] == "two"
    assert found["sources"] == [
        {"name": "one", "licence": "licence of one", "label": "phishing",
         "first_seen": DAY0, "last_seen": DAY0 + DAY},
        {"name": "two", "licence": "licence of two", "label": "phishing",
         "first_seen": datetime(2026, 10, 1, tzinfo=UTC), "last_seen": DAY0 + HOUR},
    ]  # fmt: skip
    # A date that is still to come is no earlier report.
    assert record(database, "b")["first_seen"] == DAY0
    assert record(database, "c")["first_seen"] == DAY0 + DAY


def test_a_feed_is_requested_when_it_is_due_and_not_before(pull, feed_server):
    assert pull(listed("a"), DAY0).outcome == "landed"
    assert pull(listed("a", "b"), DAY0 + 5 * HOUR).outcome == "not due"
    assert pull(None, DAY0 + 6 * HOUR).outcome == "landed"
    assert pull(None, DAY0 + 12 * HOUR).outcome == "unchanged"
    assert len(feed_server.requests) == 3


def test_a_failed_pull_is_tried_again_later_and_later(pull, feed_server):
    feed_server.contents["/one"] = listed("a")
    feed_server.faults["/one"] = "broken"
    waits, now = [], DAY0
    for _ in range(4):
        report = pull(None, now)
        assert report.outcome == "failed"
        waits.append((report.next_due_at - now) / HOUR)
        now = report.next_due_at
    assert waits == [6, 12, 24, 24]
    feed_server.faults["/one"], feed_server.retry_after = "too many", str(40 * 3600)
    assert pull(None, now).next_due_at == now + 40 * HOUR


def test_a_record_loaded_by_hand_gains_a_source_and_does_not_expire(pull, database):
    pull(listed("a"))
    database["urls"].update_one({}, {"$unset": {"expires_at": 1, "sources": 1}})

    pull(listed("a", "b"), DAY0 + DAY)

    assert "expires_at" not in record(database, "a")
    assert [source["name"] for source in record(database, "a")["sources"]] == ["one"]
    assert record(database, "b")["expires_at"] == DAY0 + DAY + timedelta(days=730)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (HTML, "HTML"),
        (b"you are rate limited\n", "list"),
        (numbered(19), "as many or as few"),
        (numbered(100), "as many or as few"),
        (numbered(30) + b"no host\n" * 20, "no records"),
        (numbered(20) + b"https://www.paypal.com/%d\n" * 1, ""),
    ],
    ids=["html", "prose", "halved", "doubled", "prose lines", "one popular site"],
)
def test_a_pull_that_looks_wrong_is_held_back_as_a_whole(pull, database, content, reason):
    pull(numbered(40))

    report = pull(content, DAY0 + DAY)

    if not reason:
        reason = "as many or as few"
    assert report.outcome == "held"
    assert reason in report.reason
    assert database["urls"].count_documents({}) == 40
    assert pull.collector.states.read("one").held == report.reason
    (waiting,) = pull.collector.queue.find()
    assert (waiting.kind, waiting.feed, waiting.reason) == ("pull", "one", report.reason)

    assert pull(numbered(45), DAY0 + 2 * DAY).outcome == "landed"
    assert pull.collector.states.read("one").held == ""
    assert pull.collector.queue.find() == []


def test_a_person_accepts_another_size(pull, database):
    pull(numbered(40))
    assert pull(numbered(200), DAY0 + DAY).outcome == "held"

    pull.collector.states.accept("one", by="Ann", reason="a new partner", now=DAY0)

    assert pull(None, DAY0 + 2 * DAY).outcome == "landed"
    assert database["urls"].count_documents({}) == 200


def test_doubtful_records_wait_and_the_others_land(pull, database):
    popular = b"https://login.microsoftonline.com/common/oauth2/\nhttps://github.io/\n"

    report = pull(numbered(40) + popular)

    assert (report.outcome, report.n_new, report.n_held) == ("landed", 40, 2)
    assert {held.record["url"] for held in pull.collector.queue.find()} == {
        "https://login.microsoftonline.com/common/oauth2/",
        "https://github.io/",
    }


def test_labels_that_contradict_wait(pull, database):
    good = settings("good", label="legitimate")
    pull(numbered(40), DAY0, good)
    database["urls"].update_one(
        {"url": "http://a1.example/login"}, {"$set": {"reviewed_by": "Ann"}}
    )

    report = pull(numbered(30, start=39) + listed("a1"), DAY0 + HOUR)

    assert (report.n_new, report.n_held) == (29, 2)
    assert {held.reason for held in pull.collector.queue.find()} == {
        "legitimate by good",
        "reviewed as legitimate by Ann",
    }


def test_a_feed_full_of_doubtful_records_is_held_back(pull, database):
    poison = b"".join(b"https://www.paypal.com/signin/%d\n" % n for n in range(30))

    report = pull(numbered(100) + poison)

    assert report.outcome == "held"
    assert "30 of 130 records are doubtful" in report.reason
    assert database["urls"].count_documents({}) == 0


def test_a_decision_lands_or_bars_a_record_and_can_be_changed(pull, database, tmp_path):
    pull(numbered(40) + b"https://www.paypal.com/x\nhttps://www.chase.com/y\n")
    first, second = pull.collector.queue.find()
    desk = ReviewDesk(database, URLS)

    def decide(held, decision):
        return desk.decide(held.id, Decision(decision, "Ann", "looked at it", DAY0 + HOUR))

    decide(first, "confirm")
    decide(second, "reject")
    pull(None, DAY0 + DAY)
    pull(numbered(41) + b"https://www.paypal.com/x\nhttps://www.chase.com/y\n", DAY0 + 2 * DAY)

    assert database["urls"].count_documents({}) == 42
    landed = database["urls"].find_one({"url": first.record["url"]})
    assert (landed["reviewed_by"], landed["reviewed_at"]) == ("Ann", DAY0 + HOUR)
    assert landed["first_seen"] == DAY0
    taken = write_snapshot(database["urls"], URLS.columns, tmp_path)
    rows = [row for part in taken.parts for row in pq.read_table(tmp_path / part.name).to_pylist()]
    assert [row["url"] for row in rows if row["reviewed_by"] == "Ann"] == [landed["url"]]
    assert pull.collector.queue.find() == []
    decide(first, "reject")
    assert database["urls"].find_one({"url": first.record["url"]}) is None
    with pytest.raises(DecisionRefusedError):
        desk.decide("urls/none", Decision("reject", "A", "b", DAY0))


def test_a_record_is_corrected_and_all_of_it_undone(pull, database):
    pull(listed("a", "b"), DAY0, settings("good", label="legitimate"))
    pull(listed("a", "c"), DAY0 + HOUR)
    before = list(database["urls"].find().sort("_id", 1))
    (held,) = pull.collector.queue.find()
    desk = ReviewDesk(database, URLS)

    def labels(verdict, at):
        desk.decide(held.id, Decision(verdict, "Ann", "looked at it", DAY0 + at))
        return [
            (each["label"], each.get("reviewed_by"))
            for each in database["urls"].find({"url": held.record["url"]})
        ]

    assert labels("phishing", 2 * HOUR) == [(1, "Ann")]
    # The source that was wrong repeats itself, and is not heard.
    pull(listed("a", "b", "d"), DAY0 + DAY, settings("good", label="legitimate"))
    assert labels("legitimate", 3 * HOUR) == [(0, "Ann")]
    pull(listed("a", "c", "e"), DAY0 + 2 * DAY)
    assert labels("phishing", 4 * HOUR) == [(1, "Ann")]
    assert labels("undo", 5 * HOUR) == [(0, None)]
    known = {"_id": {"$in": [each["_id"] for each in before]}}
    after = list(database["urls"].find(known).sort("_id", 1))
    assert [each["sources"][0]["name"] for each in after] == [
        each["sources"][0]["name"] for each in before
    ]
    assert held.id in {each.id for each in pull.collector.queue.find()}
    history = pull.collector.queue.read(held.id)["history"]
    assert [each["state"] for each in history] == ["confirmed", "corrected", "confirmed", "waiting"]
    with pytest.raises(DecisionRefusedError, match="Ann changed it to waiting"):
        desk.decide(held.id, Decision("reject", "Bob", "no", DAY0), seen="confirmed")


def test_many_are_decided_on_for_one_feed_and_reason(pull, database):
    pull(numbered(100) + b"".join(b"https://www.chase.com/%d\n" % n for n in range(5)))
    desk = ReviewDesk(database, URLS)
    (group,) = pull.collector.queue.groups()
    chosen = Chosen("waiting", group.feed, group.reason)

    assert desk.decide_all(chosen, Decision("reject", "Ann", "ours", DAY0), 3) == 3
    assert (pull.collector.queue.count(chosen), database["urls"].count_documents({})) == (2, 100)
    with pytest.raises(DecisionRefusedError, match="one feed"):
        desk.decide_all(Chosen("waiting", "one"), Decision("reject", "Ann", "all", DAY0), 3)


def test_new_records_are_announced_once_there_are_enough(pull):
    states = pull.collector.states
    pull(numbered(40))

    assert states.take_pending(50, DAY0) == 0
    pull(numbered(55), DAY0 + DAY)
    assert states.take_pending(50, DAY0 + DAY) == 55
    assert states.take_pending(1, DAY0 + DAY) == 0
    pull(numbered(60), DAY0 + 2 * DAY)
    assert states.take_pending(1, DAY0 + 2 * DAY, DAY0 + 2 * DAY - 48 * HOUR) == 0
    assert states.take_pending(1, DAY0 + 2 * DAY, DAY0 + 2 * DAY - 12 * HOUR) == 5


PULL = """
import json, sys
from datetime import datetime
from pathlib import Path
import pymongo
from include import pipelines
from include.ingest.feeds.fetch import Target
from include.ingest.feeds.pull import Collector
from include.ingest.feeds.settings import FeedSettings

url, name, address, folder, given, now = sys.argv[1:]
collector = Collector(pymongo.MongoClient(url)[name], pipelines.get("urls"), Path(folder))
feed = FeedSettings(**json.loads(given))
collector.pull(feed, Target(address, {}), datetime.fromisoformat(now))
"""


def test_a_killed_pull_is_completed_by_the_next_one(
    pull, feed_server, database, mongo_url, tmp_path
):
    feed_server.contents["/one"] = numbered(12_000)
    arguments = (mongo_url, database.name, f"{feed_server.url}/one", str(tmp_path))
    arguments += (json.dumps(given()), DAY0.isoformat())
    process = subprocess.Popen([sys.executable, "-c", PULL, *arguments], cwd=ROOT)
    wait_until(lambda: database["urls"].estimated_document_count() or process.poll() is not None)
    process.kill()
    process.wait()
    assert pull(None, DAY0 + HOUR).outcome == "not due"

    report = pull(None, DAY0 + 6 * HOUR)

    assert report.outcome == "landed"
    assert database["urls"].count_documents({}) == 12_000
    assert {len(each["sources"]) for each in database["urls"].find({}, {"sources": 1})} == {1}
