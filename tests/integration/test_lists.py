"""The signed list of a pipeline: changed exactly once, followed, and never replayed."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.contract import keys
from include.errors import ListRefusedError, SignatureError
from include.inference.listed import ListLookup
from include.registry.follow.list_follower import ListFollower
from include.registry.lists import (
    ListChange,
    change_list,
    current_list,
    list_entry,
    list_history,
)
from include.stores.objects import ObjectStore
from include.urls.reading import read_url
from tests.support.cli_session import open_cli_session
from tests.support.signed_versions import Signer

AT = "2026-11-21T02:06:00+00:00"
CURRENT = keys.decision_list("urls")


class Lists:
    """A list in a bucket of its own, and who follows it."""

    def __init__(self, client, bucket, folder):
        self.store = ObjectStore(client, bucket)
        self.signer, self.stranger = Signer.new(folder, "lists"), Signer.new(folder, "stranger")
        self.path = folder / "list.json"
        self.n_changes = 0

    def follower(self):
        return ListFollower(self.store, "urls", self.signer.trusted, self.path, ListLookup)

    def change(self, *, run_id=None, signer=None, **fields):
        self.n_changes += 1
        asked = ListChange("urls", "ann", AT, "a test", run_id or f"run-{self.n_changes}", **fields)
        signer = signer or self.signer
        return change_list(self.store, asked, signer.key, self.signer.trusted)

    def add(self, host, action="allow", **fields):
        return self.change(add=(entry(action, host),), **fields)

    def current(self):
        return current_list(self.store, "urls", self.signer.trusted)


def entry(action, host):
    return list_entry(action, "host", host, reason="a test", author="ann", added_at=AT)


def hosts(found):
    return [each.value for each in found.entries]


def decided(follower, url):
    found = follower.current and follower.current.find(read_url(url).parsed, 0.0)
    return found and found.action


@pytest.fixture
def lists(s3, bucket, tmp_path):
    return Lists(s3.client(), bucket, tmp_path)


def test_a_change_is_in_effect_at_the_next_poll(lists):
    follower = lists.follower()
    follower.poll_once()
    assert decided(follower, "http://a.example/x") is None

    lists.add("a.example")
    follower.poll_once()

    assert decided(follower, "http://a.example/x") == "allow"


def test_entries_are_replaced_removed_and_restored(lists):
    lists.add("a.example")
    lists.add("b.example", "block")
    lists.add("a.example")
    assert hosts(lists.current()) == ["a.example", "b.example"]

    lists.change(remove=(("host", "a.example"),))
    assert hosts(lists.current()) == ["b.example"]

    restored = lists.change(restore_serial=1)
    assert (restored.serial, hosts(restored)) == (5, ["a.example"])


def test_what_is_not_there_cannot_be_removed_or_restored(lists):
    lists.add("a.example")
    with pytest.raises(ListRefusedError, match=r"no host b\.example"):
        lists.change(remove=(("host", "b.example"),))
    with pytest.raises(ListRefusedError, match="no list 9"):
        lists.change(restore_serial=9)

    assert lists.current().serial == 1


def test_a_task_that_runs_twice_changes_once(lists):
    first = lists.add("a.example", run_id="run-a")
    second = lists.add("a.example", run_id="run-a")

    assert first == second
    assert lists.current().serial == 1


def test_changes_at_once_are_all_made_and_the_history_has_no_gap(lists):
    names = [f"a{number}.example" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lists.add, names))

    history = list(list_history(lists.store, "urls", lists.signer.trusted))
    assert sorted(hosts(lists.current())) == names
    assert [each.serial for each in history] == list(range(1, 9))


def test_a_missing_history_entry_is_written_by_the_next_change(lists):
    lists.add("a.example")
    lists.store.delete(keys.list_history("urls", 1))

    lists.add("b.example")

    assert lists.store.exists(keys.list_history("urls", 1))


def test_a_list_of_a_stranger_is_not_used_and_the_one_before_stays(lists):
    lists.add("a.example")
    follower = lists.follower()
    follower.poll_once()
    forged = current_list(lists.store, "urls", lists.signer.trusted)
    lists.store.put(CURRENT, forged.to_json(lists.stranger.key))

    follower.poll_once()

    assert decided(follower, "http://a.example/") == "allow"
    with pytest.raises(SignatureError):
        lists.current()


def test_an_older_list_or_another_one_of_the_same_serial_is_refused(lists):
    lists.add("a.example")
    old = lists.store.get(CURRENT)
    lists.add("evil.example", "block")
    follower = lists.follower()
    follower.poll_once()

    lists.store.put(CURRENT, old)
    follower.poll_once()

    assert decided(follower, "http://evil.example/") == "block"
    assert follower.current.list.serial == 2


def test_a_tampered_list_is_refused(lists):
    lists.add("a.example")
    document = json.loads(lists.store.get(CURRENT))
    document["entries"][0]["value"] = "evil.example"
    lists.store.put(CURRENT, json.dumps(document).encode())
    follower = lists.follower()

    follower.poll_once()

    assert follower.current is None


def test_the_list_of_another_pipeline_is_refused(lists):
    lists.add("a.example")
    with pytest.raises(ListRefusedError, match="of pipeline urls"):
        lists.store.put(keys.decision_list("sites"), lists.store.get(CURRENT))
        current_list(lists.store, "sites", lists.signer.trusted)


def test_the_list_on_disk_is_used_while_s3_is_down_and_never_goes_back(lists):
    lists.add("a.example")
    old = lists.store.get(CURRENT)
    lists.add("b.example", "block")
    lists.follower().poll_once()

    restarted = lists.follower()
    restarted.restore()
    assert decided(restarted, "http://b.example/") == "block"

    lists.store.put(CURRENT, old)
    restarted.poll_once()
    assert restarted.current.list.serial == 2


def test_a_list_on_disk_that_was_changed_is_not_used(lists):
    lists.add("a.example")
    lists.follower().poll_once()
    lists.path.write_bytes(lists.path.read_bytes().replace(b"a.example", b"e.example"))

    restarted = lists.follower()
    restarted.restore()

    assert restarted.current is None


class TestCommands:
    @pytest.fixture(scope="class")
    @classmethod
    def cli(cls, tmp_path_factory):
        with open_cli_session(tmp_path_factory.mktemp("state")) as cli:
            yield cli

    @pytest.fixture
    def run(self, cli, capsys):
        def run(*arguments):
            code = cli.run(*arguments)
            printed = capsys.readouterr()
            return code, printed.out + printed.err

        return run

    def test_a_site_is_allowed_shown_and_removed_again(self, run):
        reason = ("--reason", "our own page")
        assert run("allow", "hxxps://login[.]a[.]example/x", *reason)[0] == 0
        assert (
            run("block", "b.example", "--scope", "domain", "--until", "2030-01-31", *reason)[0] == 0
        )

        shown = json.loads(run("lists", "--json")[1])
        sites = [(e["action"], e["scope"], e["value"], e["expires_at"]) for e in shown["entries"]]
        assert sites == [
            ("allow", "host", "login.a.example", None),
            ("block", "domain", "b.example", "2030-02-01T00:00:00+00:00"),
        ]

        assert run("unlist", "login.a.example", *reason)[0] == 0
        assert "login.a.example" not in run("lists")[1]
        assert run("lists", "--restore", "1", *reason)[0] == 0
        assert "login.a.example" in run("lists")[1]
        assert len(json.loads(run("lists", "--history", "--json")[1])) == 4

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            (("allow", "vercel.app"), "shared"),
            (("allow", "hello world"), "no URL"),
            (("block", "a.example", "--until", "soon"), "date"),
            (("unlist", "never.example"), "never.example"),
        ],
        ids=["a platform", "no URL", "no date", "not listed"],
    )
    def test_what_is_refused_changes_nothing(self, run, arguments, named):
        before = run("lists", "--json")[1]

        code, said = run(*arguments, "--reason", "a test")

        assert code == 1
        assert named in said
        assert run("lists", "--json")[1] == before
