"""Files as they were met in the field: read right, or refused by name; never a line as a URL.

Cases 01, 03, 06, 09, 11, 13 to 15, 17, 18, 20 to 24 and 26 to 28; the numbers are those of the
folder's table. Files of the same kinds with example domains, under `cases`, are always tried.
"""

from pathlib import Path

import pymongo
import pytest

from include import pipelines
from include.errors import DataRejectedError
from include.ingest.files.reader import Row, read_records
from include.ingest.files.text_lines import BadLine
from include.ingest.load import load_dataset

CASES = Path(__file__).parent / "cases"
PHISHING = {"label": 1}
TWO = [("http://login-shop.example/a", 1), ("https://www.example.org/", 0)]


def read(path, pipeline="urls", given=None):
    rows = list(read_records(path, pipelines.get(pipeline).layout, given))
    return (
        [row for row in rows if isinstance(row, Row)],
        [row.line for row in rows if isinstance(row, BadLine)],
    )


def urls(path, given=PHISHING):
    rows, _ = read(path, given=given)
    return [row.record["url"] for row in rows]


@pytest.mark.parametrize(
    "name",
    [
        "cr_only.csv",
        "latin1.csv",
        "declared_separator.csv",
        "ghosts.csv",
        "nonsense_dates.csv",
        "is_phishing.csv",
    ],
)
def test_tables_are_read_however_they_were_saved(name):
    rows, bad = read(CASES / name)

    assert [(row.record["url"], row.record["label"]) for row in rows] == TWO
    assert bad == []


def test_excels_unicode_text_is_read():
    rows, bad = read(CASES / "utf16_excel.csv")

    assert [row.record["url"] for row in rows] == [
        "http://login-shop.example/m\u00fcnchen",
        "https://www.example.org/",
    ]
    assert bad == []


@pytest.mark.parametrize(
    ("name", "expected", "bad_lines"),
    [
        ("cr_only_list.txt", ["http://login-shop.example/a", "http://verify-shop.example/b"], []),
        (
            "comment_header.csv",
            ["http://203.0.113.9:81/i", "https://cdn-shop.example/x,y.sh"],
            [],
        ),
        ("hosts", ["login-shop.example", "verify-shop.example", "secure-shop.example"], []),
        (
            "mixed_lines.txt",
            ["http://login-shop.example/a", "https://verify-shop.example/b"],
            [1, 4, 5],
        ),
        (
            "slashed_dates.csv",
            ["https://a1.login-shop.example/w", "http://verify-shop.example/?id=1"],
            [],
        ),
        ("ranked.csv", ["example.com", "example.org"], []),
        ("inline_comments.txt", ["203.0.113.9", "login-shop.example"], [3, 4]),
        ("one_unknown_column.csv", ["http://login-shop.example/a,b", "verify-shop.example"], [1]),
        ("one_column.csv", ["login-shop.example", "verify-shop.example"], []),
        (
            "cells_in_a_list.txt",
            ["http://login-shop.example/a", "https://verify-shop.example/b"],
            [2, 3, 4],
        ),
        (
            "array_lines.txt",
            ["http://login-shop.example/a", "https://verify-shop.example/b"],
            [],
        ),
        (
            "indicator_value.csv",
            ["http://login-shop.example/a", "https://verify-shop.example/b"],
            [],
        ),
        ("defanged.txt", ["http://login-shop.example/a", "verify-shop.example"], []),
    ],
)
def test_lists_and_feeds_are_read_with_the_label_that_is_given(name, expected, bad_lines):
    rows, bad = read(CASES / name, given=PHISHING)

    assert [row.record["url"] for row in rows] == expected
    assert bad == bad_lines


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("list.json", "this is JSON"),
        ("config.json", "this is JSON"),
        ("error_page.txt", "this is HTML"),
        ("lfs_pointer.csv", "this is a Git LFS pointer"),
        ("adblock.txt", "this is Adblock rules"),
        ("adblock_untitled.txt", "Adblock rules"),
        ("prose.txt", "neither a header .* nor an entry of a list"),
        ("headerless.csv", "without a header"),
        ("merge_conflict.txt", "merge conflicts"),
    ],
)
@pytest.mark.parametrize("given", [PHISHING, {}], ids=["label_given", "no_label"])
def test_what_is_no_list_is_refused_by_name(name, what, given):
    with pytest.raises(DataRejectedError, match=what):
        read(CASES / name, given=given)


def test_01_an_index_without_a_name_is_left_out(field_dir):
    for name in ("train_with_index.csv", "train_unnamed.csv"):
        rows, bad = read(field_dir / "01-index-and-predicted-column" / name, "sites")
        assert (len(rows), bad) == (6, [])


def test_03_rows_are_split_at_cr(field_dir):
    folder = field_dir / "03-cr-only-lines"

    assert len(read(folder / "sites.csv", "sites")[0]) == 6
    assert len(read(folder / "urls.csv")[0]) == 2
    assert urls(folder / "list.txt") == [
        "http://login-acme.example.top/a",
        "http://verify-acme.example.icu/b",
        "http://x-acme.example.icu/c",
    ]


def test_06_a_nonsense_date_costs_the_date(field_dir):
    rows, bad = read(field_dir / "06-dates" / "zero_date_only.csv")

    assert ["first_seen" in row.record for row in rows] == [False, True]
    assert bad == []
    assert len(read(field_dir / "06-dates" / "dates.csv")[0]) == 5


def test_09_marks_of_missing_values_are_missing(field_dir):
    folder = field_dir / "09-na-strings"
    rows, bad = read(folder / "sites.csv", "sites")

    assert ["having_At_Symbol" in row.record for row in rows] == [False] * 6
    assert bad == []
    quoted, floats = (read(folder / f"sites_{kind}.csv", "sites") for kind in ("quoted", "floats"))
    assert quoted == floats
    assert len(quoted[0]) == 6


def test_11_ghost_columns_and_rows_are_no_records(field_dir):
    folder = field_dir / "11-trailing-empty-columns-rows"

    for name, pipeline, n_rows in (
        ("sites.csv", "sites", 6),
        ("sites_empty_rows_only.csv", "sites", 6),
        ("urls.csv", "urls", 2),
    ):
        rows, bad = read(folder / name, pipeline)
        assert (len(rows), bad) == (n_rows, [])


def test_13_capitals_aliases_and_usual_words_are_known(field_dir):
    folder = field_dir / "13-header-case"

    assert len(read(folder / "sites_upper.csv", "sites")[0]) == 6
    for name in ("urls_upper.csv", "urls_upper_known.csv", "kaggle_bad_good.csv"):
        assert [row.record["label"] for row in read(folder / name)[0]] == [1, 0]


def test_14_the_column_is_read_and_not_the_line(field_dir):
    folder = field_dir / "14-urlhaus-csv"

    assert urls(folder / "csv_recent.csv") == [
        "http://203.0.113.7:41000/i",
        "https://cdn-acme.example.top/x.sh",
        "http://files.example.icu/a,b/payload.exe",
    ]
    assert urls(folder / "odd_header.csv") == ["http://login-acme.example.top/a"]


def test_15_hosts_files_name_hosts(field_dir):
    assert urls(field_dir / "15-hosts-format" / "hosts") == [
        "login-acme-pay.example.top",
        "verify-acme.example.icu",
        "secure-acme.example.shop",
    ]


@pytest.mark.parametrize("case", ["17-html-instead-of-list", "18-metamask-config-json"])
def test_17_18_html_prose_and_json_are_refused(field_dir, case):
    for path in sorted((field_dir / case).iterdir()):
        for given in ({}, PHISHING):
            with pytest.raises(DataRejectedError, match=r"line 1: .*(HTML|JSON|neither)"):
                read(path, given=given)


def test_20_lines_of_a_table_in_a_list_are_bad(field_dir):
    folder = field_dir / "20-mixed-lines"

    assert read(folder / "ALL-phishing-links.txt", given=PHISHING)[1] == [1, 4]
    assert read(folder / "url_first.txt", given=PHISHING)[1] == [2, 3]


def test_21_22_23_24_feeds_are_read(field_dir):
    jpcert, bad = read(field_dir / "21-jpcert-csv" / "202611.csv", given=PHISHING)

    assert bad == []
    assert jpcert[0].record["url"] == "https://a1b2.hem-line.example.top/wabc"
    assert all("first_seen" in row.record for row in jpcert)
    phishtank, _ = read(field_dir / "22-phishtank-csv" / "online-valid.csv", given=PHISHING)
    assert [row.record["first_seen"].day for row in phishtank] == [24, 24]
    assert len(urls(field_dir / "23-openphish-feed" / "feed.txt")) == 4
    assert urls(field_dir / "24-tranco" / "top-1m.csv", {"label": 0})[0] == "example.com"


def test_26_defanged_lines_are_refanged(field_dir):
    assert not any("[" in url or "(" in url for url in urls(field_dir / "26-defanged/list.txt"))


def test_27_names_before_comments_are_read_and_wildcards_are_bad(field_dir):
    rows, bad = read(field_dir / "27-inline-comments" / "list.txt", given=PHISHING)

    assert [row.record["url"] for row in rows] == [
        "102.165.30.98",
        "login-acme.example.top",
        "verify-acme.example.icu",
    ]
    assert bad == [4, 5]


def test_28_the_coding_of_labels_is_shown_and_can_be_stated(field_dir, mongo_url, tmp_path):
    path = field_dir / "28-inverted-labels" / "phiusiil_like.csv"
    urls = pipelines.get("urls")
    with pymongo.MongoClient(mongo_url) as client:
        as_written, turned = client["field_28"]["as_written"], client["field_28"]["turned"]
        (note,) = load_dataset(as_written, urls, path=path, cache_dir=tmp_path).notes
        load_dataset(turned, urls, path=path, cache_dir=tmp_path, coding="inverted")
        labels = {found["url"]: found["label"] for found in turned.find()}
        client.drop_database("field_28")

    assert "1 for phishing" in note
    assert labels == {"https://www.example.org": 0, "http://login-acme.example.top/a": 1}
