"""Reads a collection into Parquet, beside ``pd.DataFrame(list(collection.find()))``.

Both read the same documents (31 integer columns, string `_id`) from one real mongod, each in a
process of its own, and each `_id` is kept. Theirs ends in memory; ours has typed, sorted, hashed
Parquet files on disk. Keys: ``ratio`` (their time / ours), ``peak_mb`` (ours), ``peak_mb_3m`` (ours
with three times the rows).
"""

import argparse
import hashlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymongo

from include.contract.schema import InputField
from include.ingest.snapshot.extract import write_snapshot
from include.pipelines.sites.records import LAYOUT
from include.stack.mongo import MongoServer

DATABASE = "bench"
INSERT_ROWS = 20_000
MIB = 1024 * 1024
NAMES = [*(column.name for column in LAYOUT.fields), LAYOUT.target.source]
COLUMNS = [InputField(name, "int8", (-1, 0, 1)) for name in NAMES]


def documents(n_rows: int) -> Iterator[dict[str, Any]]:
    """Yield documents as the loader writes them: `_id` is a content hash and a number."""
    draw = random.Random(7)
    for row in range(n_rows):
        row_id = hashlib.sha256(row.to_bytes(8, "little")).hexdigest()[:32]
        values = draw.choices((-1, 0, 1), k=len(NAMES))
        yield {"_id": f"{row_id}-0", **dict(zip(NAMES, values, strict=True))}


def fill(url: str, name: str, n_rows: int) -> None:
    """Return when the collection holds `n_rows` documents, and was read once."""
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        collection = client[DATABASE][name]
        waiting: list[dict[str, Any]] = []
        for document in documents(n_rows):
            waiting.append(document)
            if len(waiting) == INSERT_ROWS:
                collection.insert_many(waiting, ordered=False)
                waiting = []
        if waiting:
            collection.insert_many(waiting, ordered=False)
        for _ in collection.find_raw_batches():
            pass


def read_theirs(url: str, name: str) -> int:
    """Return the number of rows of a data frame made of the cursor's documents."""
    import pandas as pd

    with pymongo.MongoClient[dict[str, Any]](url) as client:
        return len(pd.DataFrame(list(client[DATABASE][name].find())))


def read_ours(url: str, name: str) -> int:
    """Return the number of rows of a snapshot written to local Parquet files."""
    with (
        pymongo.MongoClient[dict[str, Any]](url) as client,
        tempfile.TemporaryDirectory(prefix="nightcatch-bench-") as folder,
    ):
        return write_snapshot(client[DATABASE][name], COLUMNS, Path(folder)).n_rows


READERS: dict[str, Callable[[str, str], int]] = {"theirs": read_theirs, "ours": read_ours}


def measure(reader: str, url: str, name: str) -> dict[str, float]:
    """Return seconds, rows and peak memory of a reader run in a process of its own."""
    command = [sys.executable, "-m", "bench.ingest", "--reader", reader, url, name]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(
        f"{reader:<8}{result['rows']:>12,}{result['seconds']:>10.2f}{result['peak_mb']:>10.0f}",
        flush=True,
    )
    return result


def report_reader(reader: str, url: str, name: str) -> None:
    """Print what one reader took, as JSON."""
    started = time.perf_counter()
    rows = READERS[reader](url, name)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_bytes = peak if sys.platform == "darwin" else peak * 1024
    print(json.dumps({"seconds": seconds, "rows": rows, "peak_mb": peak_bytes / MIB}))


def compare(n_rows: int, grow: bool) -> dict[str, float]:
    """Return ratio and peak memory; the table is printed as it comes about."""
    with tempfile.TemporaryDirectory(prefix="nightcatch-bench-") as folder:
        server = MongoServer(Path(folder))
        server.start()
        try:
            fill(server.url, "sites", n_rows)
            print(f"{'reader':<8}{'rows':>12}{'seconds':>10}{'peak MB':>10}")
            # Theirs between two of ours: what else the machine does weighs on both.
            before = measure("ours", server.url, "sites")
            theirs = measure("theirs", server.url, "sites")
            after = measure("ours", server.url, "sites")
            seconds = (before["seconds"] + after["seconds"]) / 2
            result = {
                "rows": n_rows,
                "ratio": round(theirs["seconds"] / seconds, 2),
                "seconds": round(seconds, 2),
                "peak_mb": round(max(before["peak_mb"], after["peak_mb"])),
                "their_peak_mb": round(theirs["peak_mb"]),
            }
            if grow:
                fill(server.url, "sites_3m", 3 * n_rows)
                result["peak_mb_3m"] = round(measure("ours", server.url, "sites_3m")["peak_mb"])
            return result
        finally:
            server.stop()


def main() -> None:
    """Print a table and, last, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="documents (1,000,000)")
    parser.add_argument("--skip-3m", action="store_true", help="leave out three times the rows")
    parser.add_argument("--reader", choices=sorted(READERS), help=argparse.SUPPRESS)
    parser.add_argument("of", nargs="*", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.reader:
        report_reader(chosen.reader, *chosen.of)
    else:
        print(json.dumps(compare(chosen.rows, not chosen.skip_3m)))


if __name__ == "__main__":
    main()
