"""What is blocked, in three formats: complete, in force, of one owner, and the same each time."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from include.contract.lists import DecisionList
from include.exports.blocked import collect_blocked
from include.exports.formats import FORMATS, to_list, to_rpz, to_stix
from include.registry.lists import list_entry
from include.urls.reference.build import built_in_reference

NOW = datetime(2026, 12, 10, 12, tzinfo=UTC)
AT, UNTIL = "2026-11-21T02:06:00+00:00", "2027-01-31T00:00:00+00:00"


def listed(*entries):
    made = [
        list_entry(
            action, scope, text, reason="a test", author="ann", added_at=AT, expires_at=until
        )
        for action, scope, text, until in entries
    ]
    return DecisionList("urls", 3, tuple(made), changed_at=AT)


def block(scope, text, until=UNTIL):
    return "block", scope, text, until


def allow(scope, text, until=None):
    return "allow", scope, text, until


def label(url, **fields):
    seen = NOW - timedelta(days=3)
    record = {"url": url, "source": "phishtank", "first_seen": seen, "reviewed_at": seen}
    return {**record, "expires_at": NOW + timedelta(days=60), **fields}


def collect(entries=(), labels=(), now=NOW):
    return collect_blocked(listed(*entries), labels, built_in_reference(), now)


def lines(export):
    return [line for line in to_list(export).splitlines() if not line.startswith("#")]


def zone_names(export):
    return re.findall(r"^(\S+) CNAME", to_rpz(export), re.M)


def indicators(export):
    return json.loads(to_stix(export))["objects"][1:]


EVERY_SCOPE = (
    block("url", "https://a.example/login?x='"),
    block("path", "https://b.example/kit/"),
    block("host", "c.example"),
    block("domain", "d.example"),
    block("host", "http://203.0.113.7/"),
)


def test_entries_of_every_scope_and_labels_are_in_each_format():
    export = collect(
        EVERY_SCOPE, [label("http://login-check.example/a"), label("http://[2001:4860::8]/x")]
    )

    assert lines(export) == [
        "203.0.113.7", "a.example/login?x=%27", "b.example/kit/*", "c.example", "d.example",
        "*.d.example", "[2001:4860::8]/x", "login-check.example/a",
    ]  # fmt: skip
    assert zone_names(export) == ["*.d.example", "c.example", "d.example", "login-check.example"]
    assert [each["pattern"] for each in indicators(export)] == [
        "[ipv4-addr:value = '203.0.113.7']",
        "[url:value = 'http://[2001:4860::8]/x' OR url:value = 'https://[2001:4860::8]/x']",
        "[url:value = 'http://a.example/login?x=%27' OR url:value = 'https://a.example/login?x=%27']",
        "[url:value MATCHES '^https?://b\\\\.example/kit(?:[/?#]|$)']",
        "[domain-name:value = 'c.example']",
        "[domain-name:value MATCHES '(?:^|\\\\.)d\\\\.example$']",
        "[url:value = 'http://login-check.example/a' OR url:value = 'https://login-check.example/a']",
    ]


def test_each_entry_says_until_when_it_holds():
    export = collect([block("host", "c.example"), block("host", "e.example", None)])
    first, second = indicators(export)

    assert to_list(export).splitlines()[1:3] == ["# until 2027-01-31T00:00:00Z", "c.example"]
    assert "c.example CNAME . ; until 2027-01-31T00:00:00Z" in to_rpz(export)
    assert "$TTL 300" in to_rpz(export)
    assert first["valid_until"] == "2027-01-31T00:00:00.000Z"
    # Without an end of its own it holds beyond the next month, and is renewed each month.
    assert second["valid_until"] == "2027-01-31T00:00:00.000Z"
    assert all(each["valid_from"] == "2026-11-21T02:06:00.000Z" for each in (first, second))


def test_what_has_ended_is_not_exported():
    past = NOW - timedelta(hours=1)
    export = collect(
        [block("host", "c.example", past.isoformat())],
        [label("http://old.example/a", expires_at=past), label("javascript:x")],
    )

    assert export.entries == ()
    assert export.changed == past  # so a zone that loses an entry has a higher serial


def test_what_is_allowed_is_not_exported():
    export = collect(
        [
            allow("host", "good.example"),
            allow("url", "https://partly.example/ours"),
            allow("host", "ours.wide.example"),
            block("host", "partly.example"),
            block("domain", "wide.example"),
            block("path", "c.example/kit"),
        ],
        [label("http://good.example/a"), label("http://partly.example/b")],
    )

    assert lines(export) == ["c.example/kit/*", "partly.example/b"]
    assert zone_names(export) == []
    assert [sentence.partition(" is left out")[0] for sentence in export.left_out] == [
        "host partly.example", "domain wide.example",
    ]  # fmt: skip
    assert export.n_allowed == 1


@pytest.mark.parametrize(
    "host",
    ["docs.google.com", "weebly.com", "s3.amazonaws.com", "github.io", "www.bit.ly", "co.uk"],
)
def test_a_shared_host_is_never_blocked_as_a_whole(host):
    signed = replace(listed(block("host", "c.example")).entries[0], value=host)
    entries = (
        signed,
        replace(signed, scope="domain"),
        replace(signed, scope="url", value=f"{host}/"),
    )
    export = collect_blocked(
        DecisionList("urls", 1, entries),
        [label(f"https://{host}/"), label(f"https://{host}/forms/kit")],
        built_in_reference(),
        NOW,
    )

    assert lines(export) == [f"{host}/forms/kit"]
    assert zone_names(export) == []
    assert len(export.left_out) == 3
    assert export.n_shared == 1


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("https://kit.github.io/login", ["kit.github.io"]),  # one owner, below a platform
        ("https://www.bbc.com/hacked", []),  # many readers, one bad page
        ("https://login-check.example/", ["login-check.example"]),
        ("http://192.168.1.1/admin", []),
    ],
)
def test_a_label_blocks_its_host_only_if_that_is_nobody_elses(url, names):
    assert zone_names(collect(labels=[label(url)])) == names


def test_equal_content_gives_equal_bytes_whatever_the_order_and_the_hour():
    labels = [label("http://login-check.example/a"), label("http://x.example/b", expires_at=None)]
    first = collect(EVERY_SCOPE, labels)
    later = collect(EVERY_SCOPE[::-1], labels[::-1], NOW + timedelta(hours=5))

    for write in FORMATS.values():
        assert write(first) == write(later)


def test_ids_stay_when_an_entry_changes_and_modified_rises():
    before, after = (
        indicators(collect(labels=[label("http://x.example/b", last_seen=at)]))[0]
        for at in (NOW - timedelta(days=2), NOW - timedelta(days=1))
    )

    assert before["id"] == after["id"]
    assert before["created"] == after["created"]
    assert before["modified"] < after["modified"]


def test_a_url_that_is_listed_and_labelled_stands_once_with_the_later_end():
    entries = [block("url", "http://x.example/b")]
    (found,) = collect(entries, [label("https://x.example/b")]).entries

    assert found.origin == "block list"
    assert found.until == NOW + timedelta(days=60)
    assert found.host == "x.example"


@pytest.mark.skipif(not shutil.which("named-checkzone"), reason="bind9-utils is not installed")
def test_bind_loads_the_zone(tmp_path):
    long_name = ".".join(["a" * 60] * 4)
    odd = [label(f"http://{name}/x") for name in (long_name, "under_score.example", "a~b.example")]
    path = tmp_path / "zone"
    path.write_text(to_rpz(collect(EVERY_SCOPE, odd)))
    checked = subprocess.run(
        ["named-checkzone", "rpz.nightcatch", str(path)], capture_output=True, text=True
    )

    assert checked.returncode == 0, checked.stdout
    assert "loaded serial" in checked.stdout
    assert "under_score.example CNAME" in path.read_text()
