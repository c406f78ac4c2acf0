"""The report: everything is in it, in words; nothing is loaded; nothing hostile comes through."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from include.reporting.report import render_report
from include.reporting.report_inputs import ReportInputs
from tests.support.report_inputs import SLICE, VERDICTS, manifest, report_inputs

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = "\"'><script>alert(1)</script><img src=https://evil.test/x onerror=alert(1)>"


class Page(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.ids, self.text = [], [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *attribute) for attribute in attributes]
        self.ids += [value for name, value in attributes if name == "id"]

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def html():
    return render_report(manifest(), report_inputs())


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def headings(html):
    return re.findall(r"<h2[^>]*>(?:\s*<svg.*?</svg>)?\s*(.*?)</h2>", html, re.DOTALL)


def test_a_report_says_who_labelled_the_rows_and_as_of_which_day():
    origin = {"source": "phish feed", "phishing": 1_200, "legitimate": 3}
    dates = {"oldest": "2026-04-01", "newest": "2026-05-30", "median_age_days": 12.4}
    shown = {**manifest().snapshot, "known_on": "2026-06-01T00:00:00+00:00"}
    shown |= {"origins": [origin | dates], "added": {"log_in_pages": 700}}

    text = Page(render_report(manifest(snapshot=shown), report_inputs())).text

    assert "phish feed1,20032026-04-01 to 2026-05-3012 days" in text
    assert "2026-06-01: records first seen or reviewed later are left out" in text
    assert "700 log in pages: they train, and are in no figure" in text


def test_a_report_has_every_chapter(html):
    assert headings(html) == [
        "Recommended: Approve", "Gate", "The model", "The data", "How good it is", "Ranking",
        "Calibration", "Verdicts", "Slices", "Known pages and attackers' edits",
        "Replayed traffic", "Candidates", "What moves it", "Drift", "Known limits", "Lineage",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("Gate: 1 of 1 rules passed", id="gate"),
        pytest.param("1 not evaluated", id="not-judged"),
        pytest.param("4 of 8,304 rows broke a rule", id="quarantine"),
        pytest.param("98.94 %", id="ceiling"),
        pytest.param("On the same test rows: Recall", id="champion"),
        pytest.param("Right where the other is wrong: 14 rows, against 9 rows", id="mcnemar"),
        pytest.param("a change of \N{MINUS SIGN}0.0100 to +0.0300", id="difference"),
        pytest.param("was DecisionTree", id="other-family"),
        pytest.param("a-public-set", id="source"),
        pytest.param("First property", id="meaning"),
        pytest.param("low values speak for phishing", id="direction"),
        pytest.param("a has moved far", id="drift"),
        pytest.param("1 in 1,000", id="prevalence"),
        pytest.param("0123456789abcdef0123456789abcdef", id="snapshot"),
        pytest.param("./nightcatch reproduce 20261121T020513Z-3f9a1c2b", id="reproduce"),
        pytest.param("A constant prediction: accuracy 50.0 %", id="simpler"),
        pytest.param("ROC AUC 0.5100", id="shuffled"),
        pytest.param("too few rows", id="slice"),
        pytest.param("Of 150 real log-in pages", id="known-pages"),
        pytest.param("www.example.com/login", id="flagged-page"),
        pytest.param("homoglyphs", id="edit"),
        pytest.param("1,200 requests of the last 7 days (a sample of 50.0 % of them)", id="replay"),
        pytest.param("evil.test/<b>", id="disagreement"),
        pytest.param("many duplicates", id="warning"),
        pytest.param("records before 2026-03", id="later-months"),
        pytest.param("on 4,321 of them that were not used", id="thresholds"),
        pytest.param("too few rows for a budget of 2.00%", id="shortage"),
        pytest.param("one half comes before the threshold for the budget", id="one-half"),
        pytest.param("1 in 10,000", id="base-rate"),
        pytest.param(
            "Recall at 0.01 % false positives: not stated, 200 legitimate rows do not suffice; "
            "30,000 would.",
            id="low-rate",
        ),
    ],
)
def test_a_report_says(page, words):
    assert words in re.sub(r"\s+", " ", page.text)


def test_a_report_loads_nothing_and_runs_nothing(html, page):
    linked = [value for _, name, value in page.attributes if name in ("href", "src", "srcset")]

    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & set(page.tags)
    assert [value for value in linked if not value.startswith("#")] == []
    assert ("meta", "http-equiv", "Content-Security-Policy") in page.attributes
    assert "://" not in html
    assert "@import" not in page.text and "url(http" not in page.text


def test_ids_are_unique_and_links_lead_somewhere(page):
    targets = [value[1:] for _, name, value in page.attributes if name == "href"]
    labels = [
        label
        for _, name, value in page.attributes
        if name == "aria-labelledby"
        for label in value.split()
    ]

    assert len(set(page.ids)) == len(page.ids)
    assert set(targets) | set(labels) <= set(page.ids)


def test_every_plot_is_told_in_words(page):
    plots = [value for tag, name, value in page.attributes if tag == "svg" and name == "aria-label"]

    assert len(plots) == 6
    assert any("before 2026-03 calls phishing: 90.0% in 2026-03, 60.0% in 2026-04" in words
               for words in plots)  # fmt: skip
    assert all(len(words) > 40 for words in plots)


def test_a_report_is_small_enough_to_mail(html):
    assert len(html.encode()) < 1_500_000


def test_what_was_not_measured_is_said():
    text = Page(render_report(manifest(metrics={"test": {}}), ReportInputs())).text

    assert "Recommended: Not judged" in re.sub(r"\s+", " ", text)
    for what in ("Verdicts of the gate", "Curves", "Calibration", "Slices", "Candidates"):
        assert f"{what}: not measured" in text
    for what in ("Permutation importance", "SHAP values", "Drift"):
        assert f"{what}: not measured" in text


def test_simulated_records_are_said_first():
    simulated = {**manifest().snapshot, "simulated": True}
    html = render_report(manifest(snapshot=simulated), report_inputs())

    assert html.index("Simulated records.") < html.index('id="decision"')
    assert "Recommended: For practice only" in html


def test_a_family_without_shap_values_is_said():
    said = {"unavailable": "KNN has no exact SHAP values"}
    html = render_report(manifest(), report_inputs(contributions=said))

    assert "KNN has no exact SHAP values" in html


def test_hostile_words_stay_words():
    made = manifest(
        model={"family": HOSTILE, "params": {HOSTILE: HOSTILE}, "run_id": HOSTILE},
        libraries={HOSTILE: HOSTILE},
        code_commit=HOSTILE,
    )
    spoilt = report_inputs(
        title=HOSTILE,
        sources={HOSTILE: ""},
        evaluation={"slices": [{**SLICE, "name": HOSTILE, "value": HOSTILE}]},
        verdicts=[{**VERDICTS[0], "rule": HOSTILE, "sentence": HOSTILE}],
        validation={"accepted": 1, "quarantined": 0, "warnings": [HOSTILE]},
        meanings={"a": HOSTILE},
        contributions={"unavailable": HOSTILE},
    )
    page = Page(render_report(made, spoilt))

    assert not {"script", "img"} & set(page.tags)
    assert [each for each in page.attributes if each[1].startswith("on")] == []
    assert page.text.count("<script>alert(1)</script>") > 10


def test_two_processes_write_the_same_bytes(tmp_path):
    code = (
        "import hashlib; from tests.support.report_inputs import manifest, report_inputs;"
        "from include.reporting.report import render_report;"
        "print(hashlib.sha256(render_report(manifest(), report_inputs()).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(digests) == 1
