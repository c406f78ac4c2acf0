"""Thirty days of five feeds over real HTTP, whose server fails in every way at random."""

import random
from datetime import UTC, datetime, timedelta

from include import pipelines
from include.ingest.feeds.fetch import Target
from include.ingest.feeds.health import feed_health
from include.ingest.feeds.pull import Collector
from include.ingest.feeds.settings import Feeds, FeedSettings
from tests.support.feed_server import FAULTS

URLS = pipelines.get("urls")
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
N_DAYS, DIES_ON = 30, 20
CONTENT_FAULTS = ("halved", "doubled", "stale")
SHARE_OF_FAULTS = 0.35
# Format, interval in hours, label; pools overlap, so that records have several sources.
PLANS = {
    "plain": ("list", 24, "phishing", range(80)),
    "dated": ("csv", 24, "phishing", range(30, 130)),
    "nested": ("json", 24, "phishing", range(60, 160)),
    "hosts": ("hosts", 24, "legitimate", range(1_000, 1_080)),
    "dying": ("list", 12, "phishing", range(100, 180)),
}


def feed_of(name):
    kind, interval_h, label, _ = PLANS[name]
    more = {
        "csv": {"fields": {"url": "url", "first_seen": "added"}},
        "json": {"items": "entries", "fields": {"url": "address", "first_seen": "since"}},
    }.get(kind, {})
    return FeedSettings(
        name=name,
        address=f"http://feed.example/{name}",
        format=kind,
        label=label,
        licence=f"licence of {name}",
        terms="none",
        seen="here",
        enabled=True,
        interval_h=float(interval_h),
        max_bytes=2_000_000,
        max_unpacked_bytes=3_000_000,
        deadline_s=0.6,
        max_change=0.8,
        allow_private=True,
        **more,
    )


def url_of(name, number):
    return f"www{number}.example" if name == "hosts" else f"http://a{number}.example/login"


def written(name, records):
    """A feed's content: `records` maps each number to its date."""
    kind = PLANS[name][0]
    if kind == "csv":
        lines = [f'"{d:%Y-%m-%d %H:%M:%S}","{url_of(name, n)}"' for n, d in records.items()]
        return ("added,url\n" + "\n".join(lines) + "\n").encode()
    if kind == "json":
        import json

        entries = [{"address": url_of(name, n), "since": d.isoformat()} for n, d in records.items()]
        return json.dumps({"entries": entries}).encode()
    before = "0.0.0.0 " if kind == "hosts" else ""
    return ("# list\n" + "".join(f"{before}{url_of(name, n)}\n" for n in records)).encode()


class Replay:
    """The server's side: what it would serve, what it spoils, and what must have landed."""

    def __init__(self, server, seed):
        self.server, self.rng = server, random.Random(seed)
        self.frozen, self.truth, self.last_request = {}, {}, {}
        self.used = set()

    def records(self, name, now):
        """More than half of the pool is listed from the start, the rest bit by bit."""
        pool = PLANS[name][3]
        share = 0.6 + 0.4 * min((now - BEGIN) / (N_DAYS * DAY), 1)
        n_listed = int(share * len(pool))
        return {n: BEGIN + i * HOUR - 20 * DAY for i, n in enumerate(pool[:n_listed])}

    def spoil(self, name, now, calm):
        path, records = f"/{name}", self.records(name, now)
        fault = self._fault(name, now, calm)
        self.used.add(fault)
        if fault == "halved":
            records = dict(list(records.items())[: len(records) // 2])
        elif fault == "doubled":
            junk = dict.fromkeys(range(50000, 50000 + len(records)), now)
            records = records | junk
        elif fault == "stale":
            records = self.frozen.get(name, records)
        else:
            self.frozen[name] = records
        self.server.contents[path] = written(name, records)
        self.server.faults[path] = fault if fault in FAULTS else ""
        return fault, records

    def _fault(self, name, now, calm):
        if name == "dying" and now >= BEGIN + DIES_ON * DAY:
            return "forbidden"
        if calm or now < BEGIN + DAY or self.rng.random() > SHARE_OF_FAULTS:
            return "none"
        return self.rng.choice([*FAULTS, *CONTENT_FAULTS])

    def landed(self, name, records, now):
        is_dated = PLANS[name][0] in ("csv", "json")
        for number, date in records.items():
            url = url_of(name, number)
            seen = self.truth.setdefault(url, {})
            seen[name] = min(seen.get(name, now), date if is_dated else now)


def pull(collector, replay, feed, now, calm):
    """Pull a feed that is due; check that one request within its limits was made."""
    fault, records = replay.spoil(feed.name, now, calm)
    before = len(replay.server.requests)
    target = Target(f"{replay.server.url}/{feed.name}", {})
    report = collector.pull(feed, target, now)
    assert len(replay.server.requests) - before == 1
    assert report.outcome != "not due"
    allowed_at = replay.last_request.get(feed.name, now)
    assert now >= allowed_at, f"{feed.name} was requested at {now}, allowed from {allowed_at}"
    wait = 2 * HOUR if fault == "too many" else timedelta()
    replay.last_request[feed.name] = now + max(feed.min_interval, wait)
    if report.outcome == "landed":
        assert fault not in ("doubled", "html")  # half of today's may be all of last week's
        replay.landed(feed.name, records, now)
    return report.next_due_at


def test_thirty_days_of_five_feeds(feed_server, database, tmp_path):
    collector = Collector(database, URLS, tmp_path, timeout_s=0.3)
    replay = Replay(feed_server, seed=14)
    feeds = [feed_of(name) for name in PLANS]
    due = dict.fromkeys(PLANS, BEGIN)
    first_named = None
    # Some quiet days at the end let what failed last be caught up with.
    for hour in range(24 * (N_DAYS + 4)):
        now = BEGIN + hour * HOUR
        for feed in feeds:
            if due[feed.name] <= now:
                due[feed.name] = pull(collector, replay, feed, now, calm=hour >= 24 * N_DAYS)
        if now >= BEGIN + DIES_ON * DAY and first_named is None:
            states = {feed.name: collector.states.read(feed.name) for feed in feeds}
            health = feed_health(Feeds(feeds=tuple(feeds)), states, {}, now)
            if any(each.feed == "dying" and each.is_alarming for each in health):
                first_named = now

    assert {*FAULTS, *CONTENT_FAULTS, "none"} <= replay.used
    assert first_named is not None
    assert first_named - (BEGIN + DIES_ON * DAY) <= 24 * HOUR
    found = {each["url"]: each for each in database["urls"].find()}
    assert len(found) == database["urls"].count_documents({})
    assert set(found) == set(replay.truth)
    for url, seen in replay.truth.items():
        sources = {each["name"]: each for each in found[url]["sources"]}
        assert set(sources) == set(seen), url
        assert len(sources) == len(found[url]["sources"]), url
        assert found[url]["first_seen"] == min(seen.values()), url
        for name, date in seen.items():
            assert sources[name]["first_seen"] == date, url
            assert sources[name]["licence"] == f"licence of {name}"
    # Each feed but the dead one has landed all that it listed in the end.
    for name in PLANS.keys() - {"dying"}:
        end = BEGIN + (N_DAYS + 4) * DAY
        assert {url_of(name, n) for n in replay.records(name, end)} <= set(found), name
