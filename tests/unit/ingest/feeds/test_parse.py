"""Each ready-made feed is read from a file of its structure, written by hand."""

import json
from datetime import UTC, datetime

import pytest

from include import pipelines
from include.errors import DataRejectedError
from include.ingest.feeds.parse import parse_feed
from include.ingest.files.reader import Row

URLS = pipelines.get("urls")
PHISHTANK = """\
phish_id,url,phish_detail_url,submission_time,verified,verification_time,online,target
1,"http://a.example/x,y",http://t.example/1,2026-11-01T05:06:07+00:00,yes,2026-11-01T06:00:00Z,yes,Shop
2,http://b.example/,http://tank.example/2,2026-11-02T05:06:07+00:00,no,,yes,Other
"""
URLHAUS = """################################################################
# abuse.ch URLhaus Database Dump (CSV - recent URLs only)      #
################################################################
#
# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter
"7","2026-11-03 04:05:06","http://c.example/bin.sh","online","2026-11-03","malware_download","elf","https://haus.example/url/7/","us"
"""
TWEETS = """2026-11-01 02:26:32,us,url,https://d.example/login,#phishing #scam,https://post.example/1
2026-11-01 02:27:00,us,ip,192.0.2.7,#phishing,https://post.example/2
2026-11-01 02:28:00,us,domain,e.example,#phishing,https://post.example/3
2026-11-01 02:29:00,us,url,http://f.example/x,#malware,https://post.example/4
"""
CERT = [
    {"RegisterPositionId": 1, "DomainAddress": "g.example", "InsertDate": "2026-11-01T00:00:00",
     "DeleteDate": None},
    {"RegisterPositionId": 2, "DomainAddress": "gone.example", "InsertDate": "2026-10-01T00:00:00",
     "DeleteDate": "2026-11-01T00:00:00"},
]  # fmt: skip
METAMASK = {
    "version": 2,
    "tolerance": 2,
    "fuzzylist": ["good.example"],
    "whitelist": ["good.example"],
    "blacklist": ["h.example", "i.example"],
}
TWO_FACTOR = [
    ["One", {"domain": "j.example", "tfa": ["totp"], "documentation": "https://j.example/2fa"}],
    ["Two", {"domain": "k.example", "tfa": ["sms"]}],
]
NEWS = {
    "hits": [
        {"objectID": "1", "url": "https://l.example/post", "created_at": "2026-11-02T10:00:00Z"},
        {"objectID": "2", "title": "Ask", "created_at": "2026-11-02T11:00:00Z"},
    ]
}
DAY = datetime(2026, 11, 1, tzinfo=UTC)
CASES = {
    "openphish": ("http://m.example/a\nhttps://n.example/b\n", ["http://m.example/a",
                  "https://n.example/b"], None),
    "phishtank": (PHISHTANK, ["http://a.example/x,y"], DAY.replace(hour=5, minute=6, second=7)),
    "phishtank_key": (PHISHTANK, ["http://a.example/x,y"], DAY.replace(hour=5, minute=6, second=7)),
    "phishing_database": ("http://o.example/a?b=c,d\n", ["http://o.example/a?b=c,d"], None),
    "jpcert": ("date,URL,description\n2026/11/01 00:00:00,https://p.example/,A shop\n",
               ["https://p.example/"], DAY),
    "cert_polska": (json.dumps(CERT), ["g.example"], DAY),
    "phishunt": ("https://q.example/\n", ["https://q.example/"], None),
    "tweetfeed": (TWEETS, ["https://d.example/login", "e.example"],
                  DAY.replace(hour=2, minute=26, second=32)),
    "metamask": (json.dumps(METAMASK), ["h.example", "i.example"], None),
    "urlhaus": (URLHAUS, ["http://c.example/bin.sh"],
                datetime(2026, 11, 3, 4, 5, 6, tzinfo=UTC)),
    "change_password": (json.dumps({"r.example": "https://r.example/account/password"}),
                        ["https://r.example/account/password"], None),
    "two_factor": (json.dumps(TWO_FACTOR), ["https://j.example/2fa"], None),
    "hacker_news": (json.dumps(NEWS), ["https://l.example/post"],
                    datetime(2026, 11, 2, 10, tzinfo=UTC)),
    "own_log": ("time,client,url,status\n2026-11-01 00:00:00,10.1.2.3,http://s.example/,200\n"
                "2026-11-01 00:00:01,10.1.2.3,http://t.example/,403\n", ["http://s.example/"], DAY),
}  # fmt: skip


def parsed(tmp_path, name, text):
    (tmp_path / "feed").write_text(text)
    return list(parse_feed(tmp_path / "feed", URLS.feeds.named(name), URLS.layout))


def test_every_ready_made_feed_has_a_case():
    assert set(CASES) == {feed.name for feed in URLS.feeds.feeds}


@pytest.mark.parametrize("name", CASES)
def test_a_ready_made_feed_is_read(tmp_path, name):
    text, urls, first_seen = CASES[name]
    label = {"phishing": 1, "legitimate": 0}[URLS.feeds.named(name).label]

    rows = parsed(tmp_path, name, text)

    assert all(isinstance(row, Row) for row in rows), rows
    assert [row.record["url"] for row in rows] == urls
    assert {row.record["label"] for row in rows} == {label}
    assert {row.record["source"] for row in rows} == {name}
    assert rows[0].record.get("first_seen") == first_seen


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("openphish", "<!DOCTYPE html><title>Just a moment...</title>"),
        ("openphish", "Sorry, you have been rate limited. Come back later.\n"),
        ("openphish", ""),
        ("phishtank", "<html>"),
        ("phishtank", "id,name\n1,2\n"),
        ("metamask", "<html>"),
        ("metamask", '{"whitelist": ["good.example"]}'),
        ("metamask", '{"blacklist": []}'),
    ],
)
def test_what_is_not_of_the_format_is_refused(tmp_path, name, text):
    with pytest.raises(DataRejectedError):
        parsed(tmp_path, name, text)


def test_a_bad_entry_of_json_costs_one_record(tmp_path):
    bad, good = parsed(tmp_path, "metamask", '{"blacklist": ["no host", "u.example"]}')

    assert (bad.line, good.record["url"]) == (1, "u.example")
