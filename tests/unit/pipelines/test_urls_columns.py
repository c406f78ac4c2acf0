"""What is computed of URL records for the suite and for drift."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from include.pipelines.urls.columns import drift_columns, suite_columns

RUN_AT = datetime(2026, 1, 10, tzinfo=UTC)


def frame(*records):
    """Records given as (url, label, source, first_seen), the last ones optional."""
    rows = [(f"id-{n}", *record, *[None] * (4 - len(record))) for n, record in enumerate(records)]
    made = pd.DataFrame(rows, columns=["_id", "url", "label", "source", "first_seen"])
    return made.assign(
        label=made["label"].astype("float32"),
        first_seen=pd.to_datetime(made["first_seen"], utc=True).dt.as_unit("ms"),
    )


def of(name, *records):
    found = suite_columns(frame(*records), RUN_AT)[name]
    return [None if value != value else value for value in found.astype(object)]


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example",
        "http://127.0.0.1:8080/x",
        "http://[2001:db8::1]/x",
        "http://0x7f000001.example/",
        "http://b\u00fccher.example/",
        "a.example/x",
        "http://user:pw@a.example/",
    ],
)
def test_what_can_be_opened_has_a_host(url):
    assert of("no_host", (url, 1)) == [None]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("", "''"),
        ("http:///x", "'x'"),
        ("not a url", "'not a url'"),
        ("http://<script>.example/", "'http://<script>.example/'"),
        ("http://a..example/", "'a..example'"),
        ("http://" + "a" * 500, "'http://" + "a" * 73 + "'"),
        ("a.example,1", "'a.example,1'"),
        ("http://localhost/", "'localhost'"),
    ],
)
def test_what_cannot_be_opened_says_what_stands_for_the_host(url, host):
    assert of("no_host", (url, 1)) == [host]


def test_a_foreign_scheme_is_one_fault():
    rows = [("javascript:alert(1)", 1), ("FTP://a.example/", 1), ("hxxps://a[.]example/", 1)]

    assert of("scheme", *rows) == ["javascript", "ftp", "https"]
    assert of("no_host", *rows) == [None] * 3


def test_a_missing_url_is_no_other_fault_than_missing():
    computed = suite_columns(frame((None, 1, "a"), (None, 0, "b")), RUN_AT)

    faults = computed[["n_chars", "scheme", "no_host", "repeats", "contradicts"]]
    assert faults.isna().all(axis=None)


def test_labels_that_contradict_each_other_name_every_source():
    said = of(
        "contradicts",
        ("http://a.example", 1, "feed"),
        ("https://www.a.example/", 0, "list"),
        ("http://a.example/#top", 0, None),
        ("http://b.example", 1, "feed"),
        ("http://b.example/", 1, "other feed"),
    )

    both = "legitimate by an unknown source, list and phishing by feed"
    assert said == [both, both, both, None, None]


def test_a_missing_or_unknown_label_contradicts_nothing():
    records = [("http://a.example", 1), ("http://a.example", None), ("http://a.example", 7)]

    assert of("contradicts", *records) == [None, None, None]


def test_a_repeated_url_says_whose_the_other_is():
    records = [("http://a.example", 1, "x"), ("a.example", 1, "y"), ("a.example", 0, "z")]

    assert of("repeats", *records) == [None, "x", None]


def test_days_are_counted_from_the_run():
    records = [
        ("a.example", 1, "x", day) for day in ("2026-01-12", "2026-01-10", "2025-12-31", None)
    ]

    assert of("days_after_run", *records) == [2, 0, -10, None]


def test_nothing_is_said_of_days_where_nobody_says_when_the_run_was():
    records = frame(("a.example", 1, "x", "2026-01-12"))

    assert suite_columns(records, None)["days_after_run"].isna().all()


def test_the_mean_of_a_trait_is_its_share_and_of_a_gap_the_difference():
    legitimate = [(f"https://www.site{n}.example/", 0) for n in range(8)]
    legitimate += [(f"https://site{n}.example/x", 0) for n in range(2)]
    phishing = [(f"http://bad{n}.example/login", 1) for n in range(3)] + [
        ("https://bad.example", 1)
    ]
    means = suite_columns(frame(*legitimate, *phishing), RUN_AT).mean(numeric_only=True)

    assert means["home_page_legitimate"] == pytest.approx(0.8)
    assert means["home_page_phishing"] == pytest.approx(0.25)
    assert means["home_page_gap"] == pytest.approx(0.55)
    assert means["https_legitimate"] == pytest.approx(1)
    assert means["https_gap"] == pytest.approx(0.75)
    assert means["www_gap"] == pytest.approx(0.8)


def test_no_records_have_no_columns_of_another_kind():
    none, some = frame(), frame(("http://a.example", 1, "x", "2026-01-01"))

    assert list(suite_columns(none, RUN_AT)) == list(suite_columns(some, RUN_AT))


def test_drift_is_measured_on_what_tells_of_other_urls():
    watched = drift_columns(
        frame(
            ("https://www.a.co.uk", 0, "list"),
            ("http://1.2.3.4/a/b?c=/", 1, "feed"),
            (None, None, None),
        )
    ).astype(object)

    assert watched.iloc[0].tolist() == ["co.uk", 7.0, 0.0, 1.0, 0.0, "list", 0.0]
    assert watched.iloc[1].tolist() == ["", 15.0, 2.0, 0.0, 1.0, "feed", 1.0]
    assert len(watched) == 3
