"""`./nightcatch export` writes what people have confirmed or listed, on any installation."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from include import pipelines
from include.cli.commands import export as command
from include.cli.main import main
from include.ingest.labels.reports import Reporter
from include.ingest.review.decisions import Decision, ReviewDesk
from tests.support.cli_session import ROOT
from tests.support.signed_versions import Signer

HELD = "http://held.example/login"
FEED = "http://only-a-feed.example/login"


class Installation:
    """An installation by its environment variables, with labels in MongoDB."""

    def __init__(self, s3, bucket, mongo_url, database, folder):
        approver = Signer.new(folder, "approver")
        self.database, self.numbers = database, count()
        self.desk = ReviewDesk(database, pipelines.get("urls"))
        self.environ = {
            "NIGHTCATCH_S3_ENDPOINT": s3.endpoint_url,
            "NIGHTCATCH_S3_BUCKET": bucket,
            "AIRFLOW_CONN_NIGHTCATCH_MONGO": mongo_url,
            "NIGHTCATCH_APPROVER_KEY": str(approver.path),
            "NIGHTCATCH_APPROVER_PUBLIC_KEY": str(approver.write_public_pem(folder / "a.pub")),
            "NIGHTCATCH_TRAINER_PUBLIC_KEY": str(folder / "a.pub"),
        }

    def run(self, *arguments):
        return main(list(arguments), ROOT, self.environ)

    def decide(self, url, verdict):
        """Let a person decide on a feed's report of a URL."""
        now = datetime.now(UTC)
        reporter = Reporter("phishtank", "terms", "phishing", timedelta(days=90), "first_seen")
        record = {"_id": url, "url": url, "label": 1, "source": "phishtank"}
        self.desk.queue.hold_records([(record, "doubtful")], reporter, now)
        self.desk.decide(f"urls/{url}", Decision(verdict, "ann", "looked", now))

    def exported(self, name, folder, *arguments):
        path = folder / "out"
        assert self.run("export", name, "-o", str(path), *arguments) == 0
        assert [each.name for each in folder.iterdir()] == ["out"]
        return path.read_text()


@pytest.fixture
def installation(s3, bucket, mongo_url, database, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "DATABASE", database.name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    database["urls"].insert_one({"_id": "feed", "url": FEED, "label": 1, "source": "openphish"})
    return Installation(s3, bucket, mongo_url, database, tmp_path)


def test_reviewed_labels_and_block_entries_leave_with_every_format(installation, tmp_path, capsys):
    folder = tmp_path / "www"
    folder.mkdir()
    installation.decide(HELD, "confirm")
    assert installation.run("block", "bad.example", "--scope", "host", "--reason", "a kit") == 0
    listed = installation.exported("list", folder)
    capsys.readouterr()

    found = [line for line in listed.splitlines() if not line.startswith("#")]
    assert sorted(found) == ["bad.example", "held.example/login"]
    assert "held.example CNAME ." in installation.exported("rpz", folder)
    assert len(json.loads(installation.exported("stix", folder))["objects"]) == 3
    assert "held.example" not in installation.exported("list", folder, "--labels", "none")
    assert "only-a-feed.example/login" in installation.exported("list", folder, "--labels", "all")

    assert installation.run("export", "list") == 0
    assert capsys.readouterr().out == listed


def test_what_is_allowed_or_withdrawn_leaves_the_zone_with_a_higher_serial(installation, tmp_path):
    folder = tmp_path / "www"
    folder.mkdir()

    def zone():
        text = installation.exported("rpz", folder)
        return int(text.partition("localhost. (")[2].split()[0]), "held.example CNAME" in text

    installation.decide(HELD, "confirm")
    with_it, was_there = zone()
    installation.decide(HELD, "reject")
    without, is_there = zone()

    assert (was_there, is_there) == (True, False)
    assert without >= with_it
    installation.decide(HELD, "confirm")
    assert installation.run("allow", HELD, "--scope", "host", "--reason", "ours") == 0
    assert zone()[1] is False
