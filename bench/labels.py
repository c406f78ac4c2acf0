"""Lands a day of feeds, in 24 pulls, in an empty collection and in one with ten times as many.

Every pull goes through all that `collect_labels` does: file, checks, doubts, review queue, MongoDB
(a real mongod, written to a majority and its journal), each in a process of its own. Keys:
``seconds_empty``, ``seconds_full`` and their ``ratio``, ``records_per_second``, ``peak_mb``, and
``peak_mb_tenth`` of a day with a tenth of the records.

`LABELS_RECORDS` and `LABELS_STORED` set how many (100,000 and 1,000,000).
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pymongo

from include import pipelines
from include.ingest.feeds.fetch import Target
from include.ingest.feeds.pull import Collector
from include.ingest.feeds.settings import FeedSettings
from include.ingest.files.layout import Record
from include.ingest.labels.documents import Source, documents
from include.stack.mongo import MongoServer

PIPELINE = pipelines.get("urls")
PULLS = 24
MIDNIGHT = datetime(2026, 11, 30, tzinfo=UTC)
_BATCH_ROWS = 20_000


def url(kind: str, number: int) -> str:
    """Return a URL of a site with 20 pages; each number gives another one."""
    return f"https://{kind}{number // 20:x}.example/{number % 20}/sign-in?session={number:x}"


def main() -> None:
    """Print a line per day, and last one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("day", nargs="*", help=argparse.SUPPRESS)
    if day := parser.parse_args().day:
        print(json.dumps(collect(*day)))
        return
    n_records = int(os.environ.get("LABELS_RECORDS", "100000"))
    n_stored = int(os.environ.get("LABELS_STORED", "1000000"))
    print(json.dumps(compare(n_records, n_stored)))


def compare(n_records: int, n_stored: int) -> dict[str, float]:
    """Return what days took; an empty collection before and after the full one."""
    with tempfile.TemporaryDirectory(prefix="nightcatch-bench-") as folder:
        server = MongoServer(Path(folder))
        server.start()
        try:
            fill(server.url, "full", n_stored)
            print(f"{'collection':<14}{'records':>12}{'seconds':>10}{'peak MB':>10}")
            tenth = measured(server.url, "tenth", n_records // 10)
            before = measured(server.url, "before", n_records)
            full = measured(server.url, "full", n_records)
            after = measured(server.url, "after", n_records)
        finally:
            server.stop()
    seconds = (before["seconds"] + after["seconds"]) / 2
    return {
        "records": n_records,
        "stored": n_stored,
        "seconds_empty": round(seconds, 1),
        "seconds_full": round(full["seconds"], 1),
        "ratio": round(full["seconds"] / seconds, 2),
        "records_per_second": round(n_records / full["seconds"]),
        "peak_mb": round(max(before["peak_mb"], full["peak_mb"], after["peak_mb"])),
        "peak_mb_tenth": round(tenth["peak_mb"]),
    }


def fill(address: str, database: str, n_stored: int) -> None:
    """Return when the collection holds that many records of other sites."""
    target = PIPELINE.layout.target

    def records() -> Iterator[Record]:
        for number in range(n_stored):
            known: dict[str, Any] = {"source": "before", "first_seen": MIDNIGHT}
            yield {"url": url("old", number), target.source: target.positive, **known}

    made = documents(records(), Source("before"), PIPELINE.layout.identity)
    with pymongo.MongoClient[dict[str, Any]](address) as client:
        while batch := list(islice(made, _BATCH_ROWS)):
            client[database][PIPELINE.name].insert_many(batch, ordered=False)


def measured(address: str, database: str, n_records: int) -> dict[str, float]:
    """Return seconds and peak memory of a day in a process of its own."""
    command = [sys.executable, "-m", "bench.labels", address, database, str(n_records)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    figures = f"{n_records:>12,}{found['seconds']:>10.1f}{found['peak_mb']:>10.0f}"
    print(f"{database:<14}{figures}", flush=True)
    return found


def collect(address: str, database: str, n_records: str) -> dict[str, float]:
    """Return what a day took; all its records are new, and stored."""
    seconds, n_new = 0.0, 0
    with (
        tempfile.TemporaryDirectory(prefix="nightcatch-bench-") as folder,
        pymongo.MongoClient[dict[str, Any]](address, tz_aware=True) as client,
    ):
        data_dir = Path(folder)
        collector = Collector(client[database], PIPELINE, data_dir / "work", data_dir)
        feed = _feed(int(n_records))
        size = -(-int(n_records) // PULLS)
        for hour, first in enumerate(range(0, int(n_records), size)):
            numbers = range(first, min(first + size, int(n_records)))
            lines = (f"{url('new', number)}\n" for number in numbers)
            (data_dir / "feed.txt").write_text("".join(lines))
            started, now = time.perf_counter(), MIDNIGHT + timedelta(hours=hour)
            report = collector.pull(feed, Target(feed.address, {}), now)
            seconds += time.perf_counter() - started
            assert report.outcome == "landed", report
            n_new += report.n_new
        assert n_new == int(n_records), n_new
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "peak_mb": peak_kb / 1024}


def _feed(n_records: int) -> FeedSettings:
    return FeedSettings(
        *("day", "file:feed.txt", "list", "phishing", "none", "none", "made for this bench"),
        enabled=True,
        interval_h=1.0,
        expected=(1, n_records),
        max_change=10.0,
        max_bytes=1_000_000_000,
        max_unpacked_bytes=1_000_000_000,
        deadline_s=3600.0,
    )


if __name__ == "__main__":
    main()
