"""Look at feeds, pull them, and decide on what is held back."""

import argparse
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pymongo

from include.cli.commands.approvals import login_name
from include.cli.installation import Installation
from include.cli.screen import Screen
from include.config.installation import read_connection
from include.errors import NightCatchError, SettingMissingError
from include.ingest.feeds.fetch import Target, Validators, fetch
from include.ingest.feeds.health import read_health
from include.ingest.feeds.parse import parse_feed
from include.ingest.feeds.pull import Collector
from include.ingest.feeds.settings import FeedSettings, read_feeds
from include.ingest.files.reader import Row
from include.ingest.review.decisions import Decision, ReviewDesk
from include.ingest.review.entries import Chosen
from include.pipelines import Pipeline, get
from include.stores.documents import DATABASE
from include.stores.objects import ObjectStore

_SHOWN = 5


def feeds(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Run one of the actions on feeds."""
    pipeline, now = get(args.pipeline), datetime.now(UTC)
    if args.action == "check":
        return _check(installation, pipeline, args.name, now, screen)
    with _collector(installation, pipeline) as collector:
        return _ACTIONS[args.action](collector, pipeline, args, now, screen)


def _check(
    installation: Installation, pipeline: Pipeline, name: str, now: datetime, screen: Screen
) -> int:
    """Request feeds and show what they would bring; land nothing."""
    if name.endswith(".toml"):
        if not Path(name).is_file():
            raise SettingMissingError(f"{name}: there is no such file")
        chosen = read_feeds(Path(name)).feeds
    else:
        chosen = (pipeline.feeds.named(name),)
    faults = 0
    for feed in chosen:
        screen.show(f"{feed.name}: {feed.label}, {feed.format}, {feed.licence}")
        try:
            _show_feed(installation, pipeline, feed, now, screen)
        except NightCatchError as err:
            faults += 1
            screen.show(f"  FAULT: {err}")
    return 1 if faults else 0


def _show_feed(
    installation: Installation,
    pipeline: Pipeline,
    feed: FeedSettings,
    now: datetime,
    screen: Screen,
) -> None:
    with tempfile.TemporaryDirectory(prefix="nightcatch-feed-") as folder:
        fetched = fetch(
            feed,
            _target(feed, now),
            Validators(),
            Path(folder),
            now,
            data_dir=installation.data_dir,
            store=_store(installation, feed),
        )
        if fetched.path is None:  # nothing is known, so a folder without files
            screen.show("  no file waits")
            return
        since = pipeline.first_seen or ""
        records, bad, doubts = 0, [], Counter[str]()
        first: list[str] = []
        dates: list[datetime] = []
        for row in parse_feed(fetched.path, feed, pipeline.layout):
            if not isinstance(row, Row):
                bad.append(row)
                continue
            records += 1
            if len(first) < _SHOWN:
                first.append(str(row.record[pipeline.inputs[0].name]))
            if isinstance(date := row.record.get(since), datetime):
                dates = [min(chain(dates[:1], [date])), max(chain(dates[1:], [date]))]
            if pipeline.doubt and (reason := pipeline.doubt(row.record)):
                doubts[reason] += 1
    least, most = feed.expected
    screen.show(f"  {records:,} records, {least:,} to {most:,} are expected; {len(bad):,} bad")
    if dates:
        screen.show(f"  first seen {dates[0]:%Y-%m-%d} to {dates[1]:%Y-%m-%d}")
    for text in first:
        screen.show(f"    {text}")
    for line in bad[:_SHOWN]:
        screen.show(f"  entry {line.line}: {line.reason}")
    for reason, count in doubts.most_common():
        screen.show(f"  {count:,} would be held back: {reason}")


def _status(
    collector: Collector,
    pipeline: Pipeline,
    args: argparse.Namespace,
    now: datetime,
    screen: Screen,
) -> int:
    """Show how each feed does; 1 if one needs a look."""
    health = read_health(collector.database, pipeline.name, pipeline.feeds, now)
    if args.json:
        document = [asdict(each) for each in health]
        screen.show(json.dumps(document, indent=1, default=lambda at: at.isoformat()))
    else:
        columns = ("feed", "status", "last pull", "next due", "records", "new", "held", "reason")
        rows = [
            (
                each.feed,
                each.status,
                _at(each.last_pull_at),
                _at(each.next_due_at),
                f"{each.n_records:,}",
                f"{each.n_new:,}",
                f"{each.n_waiting:,}",
                each.reason,
            )
            for each in health
        ]
        screen.table(columns, rows)
    return 1 if any(each.is_alarming for each in health) else 0


def _pull(
    collector: Collector,
    pipeline: Pipeline,
    args: argparse.Namespace,
    now: datetime,
    screen: Screen,
) -> int:
    """Pull a feed if it is due; 1 if it failed or was held back."""
    feed = pipeline.feeds.named(args.name)
    done = collector.pull(feed, _target(feed, now), now)
    screen.say(
        f"feeds    {feed.name}: {done.outcome}; {done.n_records:,} records, {done.n_new:,} new,"
        f" {done.n_held:,} held back; due again at {_at(done.next_due_at)}"
    )
    if done.reason:
        screen.say(f"feeds    {done.reason}")
    return 1 if done.outcome in ("failed", "held") else 0


def _accept(
    collector: Collector,
    pipeline: Pipeline,
    args: argparse.Namespace,
    now: datetime,
    screen: Screen,
) -> int:
    """Let the next pull of a feed land whatever its size."""
    feed = pipeline.feeds.named(args.name)
    collector.states.accept(feed.name, by=args.by or login_name(), reason=args.reason, now=now)
    screen.say(f"feeds    {feed.name}: the next pull lands whatever its size")
    return 0


def _held(
    collector: Collector,
    pipeline: Pipeline,
    args: argparse.Namespace,
    now: datetime,
    screen: Screen,
) -> int:
    """Show what waits for a decision, or what was decided."""
    chosen = Chosen("decided" if args.decided else "waiting", args.feed, args.reason)
    held = collector.queue.find(chosen, args.limit)
    if args.json:
        screen.show(json.dumps([asdict(each) for each in held], indent=1, default=str))
        return 0
    shown = pipeline.inputs[0].name
    rows = [
        (
            each.id,
            each.feed,
            _at(each.held_at),
            str(each.record.get(shown, "the pull")),
            each.reason,
        )
        for each in held
    ]
    screen.table(("id", "feed", "held at", shown, "reason"), rows)
    return 0


def _decide(
    collector: Collector,
    pipeline: Pipeline,
    args: argparse.Namespace,
    now: datetime,
    screen: Screen,
) -> int:
    """Decide on a record that is held back, or on all of a feed with one reason."""
    desk = ReviewDesk(collector.database, pipeline)
    decision = Decision(args.decision, args.by or login_name(), args.reason, now)
    if args.id == "all":
        n_decided = desk.decide_all(
            Chosen("waiting", args.feed, args.held_for), decision, args.limit
        )
        screen.say(f"feeds    {n_decided:,} records: {args.decision}")
    else:
        done = desk.decide(args.id, decision)
        screen.say(f"feeds    {done.id}: {done.state}")
    return 0


_ACTIONS = {"status": _status, "pull": _pull, "accept": _accept, "held": _held, "decide": _decide}


@contextmanager
def _collector(installation: Installation, pipeline: Pipeline) -> Iterator[Collector]:
    with pymongo.MongoClient[dict[str, Any]](installation.mongo_url) as client:
        work_dir, data_dir = installation.download_dir / "feeds", installation.data_dir
        stores = (_store(installation, feed) for feed in pipeline.feeds.feeds)
        store = next(filter(None, stores), None)
        yield Collector(client[DATABASE], pipeline, work_dir, data_dir, store)


def _store(installation: Installation, feed: FeedSettings) -> ObjectStore | None:
    """Return the bucket if the feed lies in it."""
    return installation.store if feed.address.startswith("s3:") else None


def _target(feed: FeedSettings, now: datetime) -> Target:
    """Return where to request a feed, with the connection that an environment variable holds."""
    login = password = ""
    if feed.connection:
        variable = f"AIRFLOW_CONN_{feed.connection.upper()}"
        if not (text := os.environ.get(variable)):
            raise SettingMissingError(f"{variable} is not set; the feed {feed.name} needs it")
        found_login, found_password, _ = read_connection(text, variable)
        login, password = found_login or "", found_password or ""
    return Target.of(feed, now, login, password)


def _at(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "-"
