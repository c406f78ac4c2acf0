"""Folders and prefixes that are watched for new files: each is read once, checked like a feed."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from include import pipelines
from include.ingest.feeds.fetch import Target
from include.ingest.feeds.pull import Collector
from include.stores.objects import ObjectStore

SITES = pipelines.get("sites")
NAMES = [field.name for field in SITES.inputs]
HOUR = timedelta(hours=1)


def sheet(*labels, bad=False):
    """A file with one row for each label, the rows different; or with a value that is none."""
    rows = [",".join([*NAMES, "Result"])]
    for number, label in enumerate(labels):
        values = [field.allowed[number >> place & 1] for place, field in enumerate(SITES.inputs)]
        rows.append(",".join(map(str, [*values[:-1], 7 if bad else values[-1], label])))
    return "\n".join(rows).encode()


@pytest.fixture(params=["file", "s3"])
def dropped(request, database, tmp_path, s3, bucket):
    """A watched place: what drops a file into it, and what pulls."""
    store, folder = ObjectStore(s3.client(), bucket), tmp_path / "data"
    (folder / "incoming" / "sites").mkdir(parents=True)
    (declared,) = SITES.feeds.feeds
    feed = replace(declared, address=f"{request.param}:incoming/sites/")
    collector = Collector(database, SITES, tmp_path / "work", folder, store)

    class Dropped:
        states = collector.states
        now = datetime.now(UTC) + HOUR

        def put(self, name, body, age_s):
            if request.param == "s3":
                store.put(f"incoming/sites/{name}", body)
            else:
                path = folder / "incoming" / "sites" / name
                path.write_bytes(body)
                at = datetime.now(UTC).timestamp() - age_s
                os.utime(path, (at, at))

        def remove(self, name):
            store.delete(f"incoming/sites/{name}")
            (folder / "incoming" / "sites" / name).unlink(missing_ok=True)

        def pull(self):
            self.now += HOUR
            return collector.pull(feed, Target.of(feed, self.now, "", ""), self.now)

    return Dropped()


def test_each_new_file_is_read_once_the_oldest_first_with_both_labels(dropped, database):
    dropped.put("a.csv", sheet(-1, 1, 1), 300)
    dropped.put("b.csv", sheet(-1, 1, 1, -1), 200)

    report = dropped.pull()
    assert (report.outcome, report.n_records, report.n_new) == ("landed", 7, 4)
    stored = list(database["sites"].find())
    assert sorted(each["Result"] for each in stored) == [-1, -1, 1, 1]
    assert {(each["sources"][0]["label"], each["Result"]) for each in stored} == {
        ("phishing", -1), ("legitimate", 1),
    }  # fmt: skip
    assert dropped.pull().outcome == "unchanged"
    dropped.put("c.csv", sheet(*[1] * 6), 0)
    assert dropped.pull().n_new == 4  # two of them were known
    assert dropped.states.read("incoming").n_records == 6


def test_a_bad_file_holds_the_ones_behind_it_back_until_it_is_gone(dropped, database):
    dropped.put("a.csv", sheet(-1, 1), 300)
    dropped.put("b.csv", sheet(-1, 1, 1, 1, bad=True), 200)
    dropped.put("c.csv", sheet(1, 1, -1), 100)

    report = dropped.pull()
    assert (report.outcome, report.reason) == ("held", "it has no records")
    assert database["sites"].count_documents({}) == 2
    assert dropped.pull().outcome == "held"
    dropped.remove("b.csv")
    assert dropped.pull().outcome == "landed"
    assert dropped.states.read("incoming").held == ""
