"""What a URL record is, and when two of them are one."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include import pipelines
from include.errors import UrlRefusedError
from include.ingest.files.download import rows_digest
from include.ingest.files.reader import BadLine, Row, read_records
from include.ingest.labels.batches import documents
from include.ingest.labels.documents import Source
from include.pipelines.urls.normal import normalise
from include.pipelines.urls.records import DATASETS, LAYOUT, TARGET
from include.urls.address import take_apart

SAME = {
    "scheme": ("http://a.example/x", "https://a.example/x"),
    "no_scheme": ("http://a.example/x", "a.example/x"),
    "capitals_of_the_scheme": ("HTTP://a.example/x", "http://a.example/x"),
    "www": ("https://www.a.example/x", "https://a.example/x"),
    "capitals_of_the_host": ("http://A.Example/x", "http://a.example/x"),
    "trailing_dot": ("http://a.example./x", "http://a.example/x"),
    "default_port": ("http://a.example:80/x", "http://a.example/x"),
    "default_port_of_https": ("https://a.example:443/x", "https://a.example/x"),
    "escaped_letter": ("http://a.example/%7Eb%61", "http://a.example/~ba"),
    "escaped_host": ("http://%61.example/", "http://a.example/"),
    "capitals_of_an_escape": ("http://a.example/?q=%2f", "http://a.example/?q=%2F"),
    "bare_slash": ("http://a.example", "http://a.example/"),
    "no_slash_before_the_query": ("http://a.example?q", "http://a.example/?q"),
    "punycode": ("http://b\u00fccher.example/", "http://xn--bcher-kva.example/"),
    "escaped_unicode": ("http://a.example/\u00fc", "http://a.example/%c3%bc"),
    "fragment": ("http://a.example/x#top", "http://a.example/x"),
    "blanks": (" http://a.example/x\n", "http://a.example/x"),
    "no slashes": ("http:a.example/x", "http://a.example/x"),
    "backslashes": ("http:\\\\a.example\\x", "http://a.example/x"),
    "steps in the path": ("http://a.example/y/../x", "http://a.example/x"),
    "ways of writing an address": ("http://0x7f.1/", "http://127.0.0.1/"),
    "defanged": ("hxxp://a[.]example/x", "http://a.example/x"),
    "wrapped": ("https://www.google.com/url?q=https://a.example/x", "http://a.example/x"),
}
OTHER = {
    "host": ("http://a.example/", "http://b.example/"),
    "subdomain": ("http://a.example/", "http://m.a.example/"),
    "port": ("http://a.example:8080/", "http://a.example/"),
    "capitals_of_the_path": ("http://a.example/X", "http://a.example/x"),
    "slash_at_the_end": ("http://a.example/x/", "http://a.example/x"),
    "escaped_slash": ("http://a.example/a%2Fb", "http://a.example/a/b"),
    "escaped_percent": ("http://a.example/%2561", "http://a.example/%61"),
    "query": ("http://a.example/?a=1", "http://a.example/?a=2"),
    "order_of_the_query": ("http://a.example/?a&b", "http://a.example/?b&a"),
    "user": ("http://u@a.example/", "http://a.example/"),
    "page_in_the_fragment": ("http://a.example/#/one", "http://a.example/#/two"),
    "hash_bang": ("http://a.example/#!one", "http://a.example/"),
    "behind_2048_characters": (
        "http://a.example/" + "x" * 3000 + "1",
        "http://a.example/" + "x" * 3000 + "2",
    ),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME.keys())
def test_what_makes_no_difference(one, other):
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(("one", "other"), OTHER.values(), ids=OTHER.keys())
def test_what_makes_a_difference(one, other):
    assert normalise(one) != normalise(other)


@pytest.mark.parametrize("text", ["", "/", "#", "\ud800", "http://", "%", "\0", "a" * 10**5])
def test_what_is_no_web_address_has_no_normal_form(text):
    with pytest.raises(UrlRefusedError):
        normalise(text)


@given(st.text(max_size=60).map(lambda text: f"http://a.example{text}"))
def test_a_normal_form_is_its_own(text):
    try:
        normal = normalise(text)
    except UrlRefusedError:
        return

    assert normal.isascii()
    assert normalise(f"http://{normal}") == normal


def test_one_is_phishing():
    assert TARGET.encode([1, 0]).tolist() == [1, 0]


def test_the_model_is_shown_the_url_only_and_the_snapshot_holds_the_rest():
    pipeline = pipelines.get("urls")

    assert [field.name for field in pipeline.inputs] == ["url"]
    assert [(field.name, field.dtype) for field in pipeline.columns] == [
        ("url", "string"),
        ("label", "int8"),
        ("source", "string"),
        ("first_seen", "timestamp"),
        ("reviewed_by", "string"),
    ]


def test_an_id_is_the_hash_of_the_normalised_url_with_its_label():
    record = {"url": "https://www.A.example:443", "label": 1, "source": "feed"}

    (document,) = documents([record], Source("a.csv"), LAYOUT.identity)

    assert document == {
        "_id": hashlib.sha256(b"1 a.example/").hexdigest()[:24],
        "loaded_from": "a.csv",
        **record,
    }


def test_both_labels_of_one_url_are_two_records():
    one, other = ({"url": "http://a.example", "label": label} for label in (0, 1))

    assert LAYOUT.identity.key(one) != LAYOUT.identity.key(other)


def test_the_registrable_domain_is_the_group():
    import pandas as pd

    frame = pd.DataFrame({"url": ["https://x.a.co.uk/1", "http://a.co.uk", "http://b.co.uk"]})

    assert pipelines.get("urls").group_keys(frame).tolist() == ["a.co.uk", "a.co.uk", "b.co.uk"]


def test_a_feed_of_other_columns_is_read(tmp_path):
    path = tmp_path / "phishtank.csv"
    path.write_text(
        "phish_id,url,submission_time,verified,target\n"
        '7,"http://a.example/login,x",2026-01-02T03:04:05+00:00,yes,Other\n'
    )

    (row,) = read_records(path, LAYOUT, {"label": 1, "source": "phishtank"})

    assert row.record["url"] == "http://a.example/login,x"
    assert row.record["first_seen"].isoformat() == "2026-01-02T03:04:05+00:00"


def test_a_list_of_defanged_urls_is_stored_as_urls_and_what_is_none_is_a_bad_line(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("hxxp://a[.]example/x\nsecure(.)b(.)example\nnot a URL\nmailto:a@b.example\n")

    rows = list(read_records(path, LAYOUT, {"label": 1, "source": "feed"}))

    assert [row.record["url"] for row in rows[:2]] == ["http://a.example/x", "secure.b.example"]
    assert [type(row) for row in rows[2:]] == [BadLine, BadLine]
    assert "mailto: is no web address" in rows[3].reason


def test_the_real_file_is_read_whole(data_dir):
    rows = list(read_records(data_dir / "urls_train.csv.gz", LAYOUT, {"source": "the file"}))
    records = [row.record for row in rows if isinstance(row, Row)]
    labels_of = {}
    for record in records:
        normal = normalise(record["url"])
        labels_of.setdefault(normal, set()).add(record["label"])

    assert len(records) == len(rows) == 115_954
    assert sum(record["label"] for record in records) == 70_000
    assert {record["source"] for record in records if record["label"] == 1} == {"openphish"}
    assert len(labels_of) == 115_916
    assert all(len(labels) == 1 for labels in labels_of.values())


def test_real_urls_keep_host_and_tail_when_normalised(data_dir):
    rows = read_records(data_dir / "webpage_phishing_2021.csv.gz", LAYOUT)
    records = [row.record for row in rows if isinstance(row, Row)]

    assert len(records) == 11_430
    assert sum(record["label"] for record in records) == 5_715
    for record in records[::10]:
        before, after = take_apart(record["url"]), take_apart(normalise(record["url"]))
        assert (before.host, before.port) == (after.host, after.port)


def test_the_rows_of_the_public_set_are_those_that_are_pinned(data_dir):
    public = DATASETS[-1]

    assert rows_digest(data_dir / public.file_names[0], LAYOUT) == public.rows_sha256
