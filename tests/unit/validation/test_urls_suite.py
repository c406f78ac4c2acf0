"""The suite of URLs: each fault with its reason, each artefact with its gap, and nothing runs."""

import itertools
import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from include import pipelines
from include.pipelines.urls.normal import normalise
from tests.support.validation import GX_ROOT

RUN_AT = datetime(2026, 11, 21, 2, tzinfo=UTC)
PIPELINE = pipelines.get("urls")
HOSTILE = (
    "http://a.example/</script><script>document.title='owned'</script>\"'><img src=x onerror=a>"
)


def as_snapshot(records):
    """Return records in the columns and types in which a snapshot is read."""
    columns = ["url", "label", "source", "first_seen", "reviewed_by"]
    made = pd.DataFrame(records, columns=columns)
    return made.assign(
        _id=[f"record-{n}" for n in range(len(made))],
        label=made["label"].astype(np.float32),
        first_seen=pd.to_datetime(made["first_seen"], utc=True).dt.as_unit("ms"),
    )


@pytest.fixture(scope="module")
def sound():
    """Two thousand simulated records, each URL once."""
    by_url = {normalise(record["url"]): record for record in PIPELINE.simulate(3000, 0)}
    return as_snapshot(list(by_url.values())[:2000])


@pytest.fixture
def validate_urls(apply_gate):
    def run(frame, **settings):
        computed = PIPELINE.suite_columns(frame, RUN_AT)
        return apply_gate(
            frame, suite_name="urls", computed=computed, max_quarantined_share=0.05, **settings
        )

    return run


def test_sound_records_are_accepted_as_they_came(sound, validate_urls):
    outcome = validate_urls(sound)

    outcome.raise_if_rejected()
    assert outcome.warnings == ()
    pd.testing.assert_frame_equal(outcome.accepted, sound)
    assert outcome.statistics["distinct_vectors"] == 2000


FAULTS = {
    "no_url": ({"url": None}, "url is missing"),
    "empty": (
        {"url": ""},
        "url is 0 characters long, allowed are 1 to 65536; "
        "url cannot be opened: '' is neither a domain name nor an IP address",
    ),
    "long": (
        {"url": "http://a.example/" + "x" * 65_536},
        "url is 65553 characters long, allowed are 1 to 65536",
    ),
    "scheme": ({"url": "ftp://a.example/"}, "url has the scheme ftp, allowed are http and https"),
    "no_host": (
        {"url": "http://nothing/x"},
        "url cannot be opened: 'nothing' is neither a domain name nor an IP address",
    ),
    "no_label": ({"label": np.nan}, "label is missing"),
    "unknown_label": (
        {"label": -1},
        "label holds -1, allowed are 1 (phishing) and 0 (legitimate)",
    ),
    "future": (
        {"first_seen": pd.Timestamp("2026-12-01T02:00", tz="UTC")},
        "first_seen lies 10 days after the run",
    ),
    "epoch": (
        {"first_seen": pd.Timestamp("1970-01-01T02:00", tz="UTC")},
        "first_seen lies -20778 days from the run, before there was a web",
    ),
}


def test_each_fault_is_quarantined_with_its_reason(sound, validate_urls):
    bad = sound.copy()
    for row, (change, _) in enumerate(FAULTS.values()):
        for column, value in change.items():
            bad.loc[row, column] = value

    outcome = validate_urls(bad)

    outcome.raise_if_rejected()
    assert dict(enumerate(outcome.quarantined["reasons"])) == dict(
        enumerate(reason for _, reason in FAULTS.values())
    )


def test_a_day_is_granted_to_clocks_and_a_missing_date_is_no_fault(sound, validate_urls):
    records = sound.copy()
    records.loc[0, "first_seen"] = pd.Timestamp("2026-11-21T20:00", tz="UTC")
    records.loc[1:800, "first_seen"] = pd.NaT

    outcome = validate_urls(records)

    assert outcome.quarantined.empty
    assert outcome.warnings == ()


def test_both_records_of_a_contradiction_are_quarantined_with_both_sources(sound, validate_urls):
    duplicates = sound.copy()
    duplicates.loc[0, ["url", "label", "source"]] = ["http://www.a.example/login", 1, "feed"]
    duplicates.loc[1, ["url", "label", "source"]] = [
        "https://a.example:443/login#now",
        0,
        "curators",
    ]

    outcome = validate_urls(duplicates)

    outcome.raise_if_rejected()
    assert (
        outcome.quarantined["reasons"].tolist()
        == ["url is labelled legitimate by curators and phishing by feed"] * 2
    )


def test_one_of_two_equal_records_is_quarantined(sound, validate_urls):
    duplicates = sound.copy()
    duplicates.loc[[3, 9], ["url", "label"]] = ["http://a.example", 1]

    outcome = validate_urls(duplicates)

    (reason,) = outcome.quarantined["reasons"]
    assert outcome.quarantined["_id"].tolist() == ["record-9"]
    assert (
        reason
        == f"url is, once normalised, that of another record of {duplicates.loc[3, 'source']}"
    )


def test_lists_of_home_pages_are_warned_of_with_the_measured_gap(sound, validate_urls):
    legitimate = sound["label"] == 0
    bare = sound.copy()
    bare.loc[legitimate, "url"] = [
        f"https://www.site-{n}.example/" for n in range(int(legitimate.sum()))
    ]

    outcome = validate_urls(bare)

    outcome.raise_if_rejected()
    home, www = outcome.warnings
    share = PIPELINE.suite_columns(bare, RUN_AT)["home_page_phishing"].mean()
    assert home == (
        f"100% of the legitimate and {share:.0%} of the phishing URLs are bare home pages: a model "
        "looks 99.9% accurate for it, and flags pages that have a path; "
        f"gap {100 - 100 * share:.0f} points, limit 30"
    )
    assert www.startswith("100% of the legitimate and ")
    assert "of the phishing URLs begin with www." in www


BROKEN = {
    "no_records": (lambda frame: frame.head(0), "there are 0 records; at least 1000 are needed"),
    "few_records": (lambda frame: frame.head(999), "there are 999 records"),
    "one_class": (lambda frame: frame[frame["label"] == 1].assign(n=0), "label never holds 0"),
    "no_label_at_all": (lambda frame: frame.assign(label=np.nan), "label"),
    "no_url_at_all": (lambda frame: frame.assign(url=None), "url is missing"),
}


@pytest.mark.parametrize(("spoil", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_be_trained_on_is_refused(sound, validate_urls, spoil, message):
    outcome = validate_urls(spoil(sound))

    assert message in " ".join(outcome.failures)


def test_a_class_from_one_source_is_warned_of(sound, validate_urls):
    one = sound.assign(source=sound["source"].where(sound["label"] == 0, "feed"))

    (warning,) = validate_urls(one).warnings

    assert warning.startswith("all phishing URLs come from one source")


def test_undated_records_and_records_without_a_source_are_warned_of(sound, validate_urls):
    silent = sound.assign(first_seen=pd.NaT, source=sound["source"].where(sound.index > 199))
    silent["first_seen"] = pd.to_datetime(silent["first_seen"], utc=True).dt.as_unit("ms")

    warnings = validate_urls(silent).warnings

    assert len(warnings) == 2
    assert "90.0% of the records say which source" in warnings[0]
    assert "0.0% of the records say when" in warnings[1]


def test_no_page_runs_what_a_url_says(sound, validate_urls):
    bad = sound.copy()
    bad.loc[0, ["url", "label"]] = [HOSTILE, 7]
    bad.loc[1, "url"] = HOSTILE.replace("a.example", "</td><script>owned</script>")
    bad.loc[2, ["url", "source", "label"]] = ["http://b.example/", "<script>owned</script>", 0]
    bad.loc[3, ["url", "label"]] = ["http://b.example/", 1]

    outcome = validate_urls(bad)

    pages = list(outcome.docs_dir.rglob("*.html"))
    assert len(pages) >= 4
    for page in pages:
        text = page.read_text()
        assert "<script>owned" not in text
        assert "<script>document.title" not in text
        assert "<img src=x" not in text


def test_a_page_shows_the_beginning_of_what_is_too_long_to_read(sound, validate_urls):
    bad = sound.copy()
    bad.loc[0, "url"] = "http://a.example/" + "x" * 70_000

    page = (validate_urls(bad).docs_dir / "quarantine.html").read_text()

    assert "xxx... (70,017 characters)" in page
    assert len(page) < 20_000


def test_the_suite_names_columns_of_the_record_and_computed_ones():
    suite = json.loads((GX_ROOT / "expectations" / "urls.json").read_text())
    empty = as_snapshot([])
    known = {"_id", *(field.name for field in PIPELINE.columns)}
    computed = set(PIPELINE.suite_columns(empty, RUN_AT))
    asked = {
        rule["kwargs"]["column"] for rule in suite["expectations"] if "column" in rule["kwargs"]
    }

    assert known == set(empty.columns)
    assert asked <= known | computed
    assert computed - asked == {"normalised"}
    assert (suite["meta"]["inputs"], suite["meta"]["label"]) == (["normalised"], "label")


def test_the_real_records_are_sound_and_their_artefacts_are_named(data_dir, validate_urls):
    read = pd.read_csv(data_dir / "urls_train.csv.gz", nrows=30_000)
    real = as_snapshot(read.rename(columns={"date": "first_seen"}))

    outcome = validate_urls(real)

    outcome.raise_if_rejected()
    assert len(outcome.quarantined) < 10
    assert [warning.split(":")[0] for warning in outcome.warnings] == [
        "all phishing URLs come from one source",
        "88% of the legitimate and 65% of the phishing URLs use https",
        "41% of the legitimate and 7% of the phishing URLs begin with www.",
    ]


def test_every_simulated_seed_may_be_trained_on(validate_urls):
    for seed in range(2):
        records = itertools.islice(PIPELINE.simulate(1500, seed), 1500)
        validate_urls(as_snapshot(list(records))).raise_if_rejected()
