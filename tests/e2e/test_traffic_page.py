"""The page about a day of traffic in a real browser: alone in a file, wide, on a phone, dark."""

import pytest

from include.monitoring.findings import conclude
from include.monitoring.limits import Limits
from include.monitoring.page import render_day
from include.monitoring.quality import evaluate_quality
from include.monitoring.weighted import Stratum, weighted_figures
from tests.support.labelled_predictions import BASELINE, SITES, VERSION, answers

LONG = "a-word-without-a-break-that-somebody-chose-for-a-source-of-labels" * 2
HOSTILE = "<script>document.title='owned'</script>"
COLUMNS = [
    {"column": f"field_{number}", "kl": 0.9 / (number + 1), "psi": 0.1} for number in range(12)
]
SHARES = [{"name": name, "now": 0.75, "then": 0.25} for name in ("1", LONG, HOSTILE)]
SAMPLE = [Stratum(True, 30, 12, 11), Stratum(False, 870, 12, 1)]


def day(*, empty=False):
    """The figures of a day, synthetic: everything the page can show, or next to nothing."""
    counts = list(range(1, 26))
    labelled = [] if empty else [
        *answers(60, verdict="Phishing", is_phishing=False, source=LONG),
        *answers(60, verdict="Phishing", is_phishing=True, source=HOSTILE),
    ]  # fmt: skip
    nothing = {"evaluated": False, "sentences": ["Too few."]}
    named = {"unreadable": 0, "unreadable_named": []} if empty else {
        "unreadable": 7, "unreadable_named": [LONG, HOSTILE]}  # fmt: skip
    found = {
        "pipeline": "sites", "day": "2026-11-22", "version": None if empty else VERSION,
        "so_far": False,
        "thresholds": None if empty else {"block": 0.6, "review": 0.5},
        "traffic": {"objects": 1, "lines": 0, "items": 0, "repeated": 3, "share_kept": 1 - 0.5 * (
            not empty), "without_inputs": 5 * (not empty), "different_inputs": 0,
            "by_version": {} if empty else {VERSION: 3}, **named},
        "feedback": {"days": 28, "labels": 120, "without_answer": 4, **named},
        "inputs": nothing if empty else {"evaluated": True, "sentences": ["field_0 has moved far"],
            "reference": VERSION, "n_items": 900, "columns": COLUMNS,
            "drawn": [{"column": LONG, "values": SHARES}]},
        "drift": nothing if empty else {"evaluated": True, "n_days": 8, "limit": 141.1,
            "state": {"since": "2026-09-01", "evidence": 273.4, "alarm_since": "2026-11-20"},
            "changed": {LONG: 0.41, "probability": 0.02},
            "drawn": [{"column": LONG, "values": SHARES}],
            "slices": [{"name": "page", "value": HOSTILE, "now": 0.4, "then": 0.1, "recall": 0.9,
                        "fpr": None}], "sentences": []},
        "scores": {**nothing, "n_items": 0, "shares": {}} if empty else {
            "evaluated": True, "sentences": ["Far."],
            "n_items": 900, "shares": {"Phishing": 0.3, "Suspicious": 0.1, "Legitimate": 0.6},
            "edges": [number / 25 for number in range(26)], "counts": counts,
            "references": [{"name": "the day before", "counts": counts[::-1], "kl": 0.4},
                           {"name": "the test side", "counts": counts, "kl": 0.0}]},
        "quality": evaluate_quality(SITES, labelled, {VERSION: BASELINE}, Limits()),
        "audit": {"strata": [], "n_days": 0, "n_drawn": 0, "n_labelled": 0,
            "figures": weighted_figures([], 0.99)} if empty else {
            "strata": [{"drawn": [f"{number:032x}" for number in range(30)]}], "n_days": 1,
            "n_drawn": 30, "n_labelled": 24, "figures": weighted_figures(SAMPLE, 0.99)},
    }  # fmt: skip
    return found | {"findings": conclude(found, Limits())}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("days")
    (folder / "whole.html").write_text(render_day(day()))
    (folder / "empty.html").write_text(render_day(day(empty=True)))
    return {name: f"file://{folder}/{name}.html" for name in ("whole", "empty")}


@pytest.mark.parametrize("page", ["whole", "empty"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_day_opens_alone_fits_and_breaks_no_rule_of_accessibility(
    chromium, pages, page, width, scheme
):
    chromium.show_at(width, 900, scheme)
    chromium.open(pages[page])
    chromium.run("document.querySelectorAll('details').forEach((each) => { each.open = true })")

    assert chromium.problems == []
    assert chromium.run("document.title") == "Traffic of sites on 2026-11-22"
    assert chromium.run("performance.getEntriesByType('resource').length") == 0
    assert chromium.run("document.documentElement.scrollWidth") <= width
    assert chromium.axe_violations(exclude=["svg"]) == {}
    chromium.problems.clear()
