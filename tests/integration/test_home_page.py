"""The page Home over real stores: what it says, and that no part that fails takes others along."""

import gzip
import json
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pymongo
import pytest
from fastapi.testclient import TestClient

from include.contract import keys
from include.ingest.labels.reports import Reporter
from include.ingest.review.queue import ReviewQueue
from include.registry.follow.verify import TrustedKeys
from include.stack.ports import pick_port
from include.status.figures import Run, Schedule, ServerStatus
from include.status.page import HomeWiring, home_app
from include.status.sources import Sources
from include.stores.objects import ObjectStore
from tests.support.signed_versions import Signer, Version, promote, version_name
from tests.support.web_pages import serving

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("sites", "urls")
NEVER = Schedule(None, "", True, {})
FAILED = Run(
    "manual__2",
    "failed",
    "2026-11-21T02:00:00+00:00",
    "2026-11-21T02:04:00+00:00",
    {"validate": "DataRejectedError: no record is left; load some"},
)
DONE = Run("run-1", "success", "2026-11-21T02:00:00+00:00", "2026-11-21T02:06:00+00:00")


class Home:
    """The page, and what it is read from."""

    def __init__(self, store, folder, mongo_url, database_name):
        self.trainer, self.approver = (Signer.new(folder, name) for name in ("trainer", "approver"))
        self.store, self.mongo_url, self.database_name = store, mongo_url, database_name
        self.sources = Sources(
            pipelines=NAMES,
            servers=lambda: [ServerStatus("airflow", "healthy", "has a heartbeat")],
            store=lambda: store,
            trusted_keys=lambda: TrustedKeys(self.approver.trusted, self.trainer.trusted, 10**6),
            database=self.open_database,
            schedule=lambda name: NEVER,
            paused=lambda: ["collect_labels"],
            scorer_urls=(),
            max_model_age_days=7.0,
            disk_dir=folder,
        )

    @contextmanager
    def open_database(self):
        with pymongo.MongoClient(self.mongo_url, serverSelectionTimeoutMS=500) as client:
            yield client[self.database_name]

    def app(self, **changes):
        sources = replace(self.sources, **changes)
        wiring = HomeWiring(lambda names: sources, "http://localhost:5001")
        return home_app(wiring, [], lambda: list(NAMES))

    def text(self, **changes):
        """What a person reads, roughly: without tags, spaces run together."""
        answer = TestClient(self.app(**changes)).get("/")
        assert answer.status_code == 200
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))

    def fill(self):
        """A version in production, labels that wait, traffic of today."""
        now = datetime.now(UTC)
        promote(self.store, Version(version_name(1)), self.trainer, self.approver)
        lines = [
            json.dumps({"id": f"{number:032x}", "prediction": verdict})
            for number, verdict in enumerate(["Phishing", "Legitimate", "Legitimate"])
        ]
        body = gzip.compress("\n".join(lines).encode())
        for batch in ("a", "b"):  # the same batch, twice
            self.store.put(keys.traffic_file("sites", f"{now:%Y-%m-%d}", batch), body)
        reporter = Reporter("a_feed", "CC0", "phishing", timedelta(days=30), "first_seen")
        document = {"_id": "1 a.example", "url": "http://a.example", "label": 1}
        with self.open_database() as database:
            ReviewQueue(database, "urls").hold_records(
                [(document, "a popular name")], reporter, now
            )


@pytest.fixture
def home(s3, bucket, tmp_path, mongo_url, database):
    return Home(ObjectStore(s3.client(), bucket), tmp_path, mongo_url, database.name)


def schedules(name):
    waiting = {"manual__3": "2026-11-21T03:00:00+00:00"} if name == "sites" else {}
    last = DONE if name == "sites" else FAILED
    return Schedule(last, "2026-11-22T02:00:00+00:00", False, waiting)


def test_a_fresh_stack_says_what_to_do_first(home):
    said = home.text()

    assert said.count("Nothing yet: scorers serve no") == 2
    assert said.count("None yet.") == 2
    assert "paused Switch train_urls on , and it runs daily at 02:00 UTC" in said
    assert "nothing was scored today (UTC)" in said
    assert "Waits for a person Nothing." in said
    assert "run nothing until somebody switches them on: collect_labels ." in said


def test_everything_at_a_glance_leads_to_its_page(home):
    home.fill()
    said = home.text(schedule=schedules)
    page = TestClient(home.app(schedule=schedules)).get("/").text

    assert "1 thing to repair, 2 to decide" in said
    assert f"{version_name(1)} , serial 1" in said
    assert "days old, approved by ann" in said
    assert "2026-11-21 02:06 serial 1, approved by ann" in said
    assert "2026-11-21 02:04 failed in validate: DataRejectedError: no record is left" in said
    assert "3 today (UTC): 1 Phishing, 0 Suspicious, 2 Legitimate" in said
    assert "Approve or reject a version of sites since 2026-11-21 03:00 UTC" in said
    assert "1 label is held back of urls" in said
    for address in (
        f"/models/sites/{version_name(1)}",
        "/models/sites/traffic",
        "/dags/train_sites/runs/run-1",
        "/dags/train_sites/runs/manual__3/required_actions",
        "http://localhost:5001",
    ):
        assert f'href="{address}"' in page


def test_a_broken_bucket_is_named_where_it_matters_and_the_rest_is_shown(home, own_s3):
    home.fill()
    store = ObjectStore(own_s3.client(), "nightcatch")
    own_s3.kill()
    said = home.text(store=lambda: store, schedule=schedules)

    assert "In production S3 cannot be reached for models/sites/approved.json" in said
    assert "2026-11-21 02:06 its result is unknown: S3 cannot be reached" in said
    assert "1 label is held back of urls" in said
    assert "Next run 2026-11-22 02:00" in said


def test_a_dead_database_hides_no_model(home):
    home.fill()
    home.mongo_url = f"mongodb://127.0.0.1:{pick_port()}"
    said = home.text()

    assert "Held labels and feeds cannot be read: MongoDB" in said
    assert f"{version_name(1)} , serial 1" in said


def test_a_dead_scorer_is_named(home):
    url = f"http://127.0.0.1:{pick_port()}"
    said = home.text(scorer_urls=(url,))

    assert f"scorer broken {url} cannot be reached" in said


def test_a_full_disk_is_said_before_runs_fail(tmp_path):
    """On a file system of a megabyte, in a mount name space of its own."""
    program = (
        f"mount -t tmpfs -o size=1m none {tmp_path} && exec {sys.executable} -c '"
        "from include.status.gather import disk_of; from pathlib import Path;"
        "from include.status.figures import Part;"
        "from include.status.sentences import disk_sentence;"
        f'print(disk_sentence(Part(disk_of(Path("{tmp_path}")))))\''
    )
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"no name space of one's own: {done.stderr.strip()}")

    assert done.stdout.startswith("0.0 of 0.0 GiB free for"), done.stderr
    assert "free 2 GiB, or runs will fail" in done.stdout


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_and_breaks_no_rule_of_axe(home, chromium, scheme):
    home.fill()
    with serving(home.app(schedule=schedules, scorer_urls=("http://127.0.0.1:1",))) as url:
        chromium.show_at(390, 800, scheme)
        chromium.open(f"{url}/")
        overflow = chromium.run("document.documentElement.scrollWidth - innerWidth")
        violations = chromium.axe_violations()

    assert overflow <= 0
    assert violations == {}
    assert chromium.problems == []
