"""`./nightcatch feeds` checks and pulls feeds and decides on what is held back."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pymongo
import pytest

from include import pipelines
from include.cli.commands import feeds as command
from include.cli.parser import build_parser
from include.cli.screen import Screen
from include.ingest.feeds.settings import Feeds, FeedSettings
from tests.support.feed_server import HTML, FeedServer

CONTENT = b"http://a.example/login\nhttps://www.paypal.com/x\nno host\n" + b"".join(
    b"http://b%d.example/\n" % n for n in range(30)
)
TABLE = """
[feeds.one]
address = "{url}/one"
format = "list"
label = "phishing"
licence = "ours"
terms = "none"
seen = "here"
enabled = true
allow_private = true
"""


@pytest.fixture
def server():
    opened = FeedServer()
    opened.contents["/one"] = CONTENT
    yield opened
    opened.close()


@pytest.fixture
def run(server, mongo_url, tmp_path, monkeypatch, capsys):
    """Run a feeds command on a database of its own; return exit code and output."""
    monkeypatch.setattr(command, "DATABASE", f"feeds_command_{server.server_port}")
    table = FeedSettings(
        name="one", address=f"{server.url}/one", format="list", label="phishing", licence="ours",
        terms="none", seen="here", enabled=True, allow_private=True,
    )  # fmt: skip
    urls = pipelines.get("urls")
    given = SimpleNamespace(
        name="urls", layout=urls.layout, inputs=urls.inputs, first_seen=urls.first_seen,
        doubt=urls.doubt, feeds=replace(Feeds(), feeds=(table,)),
    )  # fmt: skip
    monkeypatch.setattr(command, "get", lambda name: given)
    installation = SimpleNamespace(mongo_url=mongo_url, data_dir=None, download_dir=tmp_path)

    def feeds(*arguments):
        args = build_parser().parse_args(["feeds", *arguments])
        return command.feeds(installation, args, Screen()), capsys.readouterr().out

    yield feeds
    with pymongo.MongoClient(mongo_url) as client:
        client.drop_database(f"feeds_command_{server.server_port}")


def test_check_shows_what_a_feed_would_bring_and_lands_nothing(run, server, tmp_path):
    (tmp_path / "feeds.toml").write_text(TABLE.format(url=server.url))
    for named in ("one", str(tmp_path / "feeds.toml")):
        code, shown = run("check", named)

        assert code == 0
        assert "32 records" in shown
        assert "entry 3" in shown
        assert "1 would be held back" in shown
    assert json.loads(run("status", "--json")[1])[0]["status"] == "new"


def test_check_names_a_fault(run, server):
    server.contents["/one"] = HTML

    code, shown = run("check", "one")

    assert code == 1
    assert "HTML" in shown


def test_pull_status_held_and_decide(run):
    assert run("pull", "one")[0] == 0
    assert "not due" in run("pull", "one")[1]

    (health,) = json.loads(run("status", "--json")[1])
    assert (health["status"], health["n_new"], health["n_waiting"]) == ("well", 31, 1)
    assert run("status")[0] == 0
    (held,) = json.loads(run("held", "--json")[1])
    assert held["record"]["url"] == "https://www.paypal.com/x"
    assert held["id"] in run("held")[1]
    code, _ = run("decide", held["id"], "confirm", "--reason", "seen it", "--by", "Ann")
    assert code == 0
    assert json.loads(run("held", "--json")[1]) == []


def test_a_held_pull_is_accepted_by_a_person(run, server):
    run("pull", "one")

    assert run("accept", "one", "--reason", "they list more", "--by", "Ann")[0] == 0
