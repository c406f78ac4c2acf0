"""Charts of the values of each column."""

import re

import numpy as np
import pandas as pd

from include.validation.data_docs.distributions import MAX_BARS, distributions


def heights(html, name):
    """Return the heights of the bars of a column, one list for each label."""
    figure = next(part for part in html.split("<figure>") if part.startswith(f"<figcaption>{name}"))
    return {
        label: [float(h) for h in re.findall(rf"label{label}' [^>]*height='([\d.]+)'", figure)]
        for label in (0, 1)
    }


def test_each_value_is_a_bar_with_its_labels_stacked():
    frame = pd.DataFrame({"_id": list("abcd"), "x": [-1.0, 1, 1, 1], "y": [0, 0, 1, 1]})

    html = distributions(frame, "y")

    assert heights(html, "x") == {0: [20.7, 20.7], 1: [0.0, 41.3]}
    assert "0: 2 (50.0%)" in html and "1: 2 (50.0%)" in html
    assert "<title>1: 3</title>" in html
    assert "<figcaption>_id" not in html


def test_a_measure_is_a_histogram_whose_ends_take_in_what_lies_outside():
    values = [*np.linspace(0, 100, 1000), 1e9]
    html = distributions(pd.DataFrame({"x": values, "y": 1}), "y")

    bars = re.findall(r"<title>(.*?) to (.*?): ([\d,]+)</title>", html)

    assert len(bars) == MAX_BARS
    assert sum(int(n.replace(",", "")) for *_, n in bars) == 1001
    assert float(bars[-1][1]) < 101


def test_days_are_named_as_days():
    days = pd.Series(pd.date_range("2026-01-01", periods=100, freq="D"))
    html = distributions(pd.DataFrame({"first_seen": days, "y": 0}), "y")

    assert "2026-01-01 to 2026-01-" in html or "2026-01-02 to 2026-01-" in html


def test_missing_values_and_missing_labels_are_counted():
    frame = pd.DataFrame({"x": [1.0, np.nan, 2.0, 2.0], "y": [1.0, 1.0, np.nan, 0.0]})
    html = distributions(frame, "y")

    assert "25.0% missing" in html
    assert "missing: 1 (25.0%)" in html
    for label in (np.nan, None, pd.NA):
        assert "missing: 2 (100.0%)" in distributions(pd.DataFrame({"y": [label] * 2}), "y")


def test_text_of_many_values_is_named_and_hostile_text_is_escaped():
    hostile = "<script>alert(1)</script>'\""
    frame = pd.DataFrame(
        {
            "url": [f"u{i}" for i in range(20)],
            hostile: [hostile] * 20,
            "y": [hostile, *"ab"] * 6 + ["a", "b"],
        }
    )
    html = distributions(frame, "y")

    assert "Not drawn: url." in html
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_frames_without_rows_label_or_values_are_no_fault():
    assert distributions(pd.DataFrame({"x": []}), "y") == ""
    assert "all: 1" in distributions(pd.DataFrame({"x": [1]}), "y")
    assert "Not drawn: x" in distributions(pd.DataFrame({"x": [None]}), None)
