"""Slices: the same figures for parts of the rows, with how many rows they rest on."""

import numpy as np
import pytest

from include.evaluation.slices import SliceResult, slice_figures

HOW = {"min_rows": 20, "confidence": 0.95, "seed": 0}


def evaluated(y, flagged, champion=None):
    y, flagged = np.asarray(y, dtype=np.int8), np.asarray(flagged, dtype=bool)
    champion = None if champion is None else np.asarray(champion, dtype=bool)
    return SliceResult(y, flagged, flagged, flagged, np.arange(len(y)), champion)


def labels(*values):
    return {"host": np.array(values, dtype=object)}


def test_the_figures_are_those_counted_by_hand():
    rows = evaluated([1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 1, 0, 0, 0])
    ip, name = slice_figures(rows, labels(*("ip", "ip", "name", "name") * 2), **HOW)

    assert (ip["name"], ip["value"], ip["n"], ip["n_positive"]) == ("host", "ip", 4, 2)
    assert (ip["recall"], ip["fpr"], ip["accuracy"]) == (1.0, 0.5, 0.75)
    assert (name["recall"], name["fpr"], name["accuracy"]) == (0.5, 0.0, 0.75)


def test_a_slice_of_few_rows_says_so_and_is_not_evaluated():
    y = [1] * 30 + [0] * 5
    (found,) = slice_figures(evaluated(y, y), labels(*["ip"] * 35), **HOW)

    assert (found["recall_evaluated"], found["fpr_evaluated"], found["evaluated"]) == (
        True,
        False,
        True,
    )
    assert found["sentence"].endswith("too few rows (5 legitimate < 20), not evaluated")
    assert found["sentence"].startswith("host = ip: 100.0% (88.4% to 100.0%) of 30 phishing rows")


def test_a_slice_without_a_class_has_no_rate_of_it():
    (found,) = slice_figures(evaluated([1] * 3, [1] * 3), labels("ip", "ip", "ip"), **HOW)

    assert found["fpr"] is None
    assert found["fpr_interval"] == (0.0, 1.0)
    assert not found["evaluated"]
    assert "0 of 0 legitimate rows" in found["sentence"]


def test_rows_without_a_name_are_in_no_slice():
    found = slice_figures(evaluated([1, 0, 1], [1, 0, 1]), labels("ip", "", ""), **HOW)

    assert [(each["value"], each["n"]) for each in found] == [("ip", 1)]


def test_more_slices_make_each_interval_wider():
    y = [1] * 40
    flagged = [1] * 30 + [0] * 10
    (alone,) = slice_figures(evaluated(y, flagged), labels(*["ip"] * 40), **HOW)
    many = {f"way {number}": np.array(["ip"] * 40, dtype=object) for number in range(20)}
    among = slice_figures(evaluated(y, flagged), many, **HOW)[0]

    assert among["recall_interval"][0] < alone["recall_interval"][0]
    assert among["recall_interval"][1] > alone["recall_interval"][1]


def test_the_champion_is_compared_on_the_same_rows():
    y = [1] * 40 + [0] * 40
    ours, theirs = [1] * 20 + [0] * 60, [1] * 40 + [0] * 40
    (found,) = slice_figures(evaluated(y, ours, theirs), labels(*["ip"] * 80), **HOW)
    low, high = found["recall_change"]

    assert low < -0.5 < high < -0.3
    assert found["fpr_change"] == (0.0, 0.0)


def test_rows_that_somebody_relabelled_are_disputed_by_the_champion():
    y, theirs = [0] * 100, [1] * 30 + [0] * 70
    (found,) = slice_figures(evaluated(y, [0] * 100, theirs), labels(*["ip"] * 100), **HOW)
    (alone,) = slice_figures(evaluated(y, [0] * 100), labels(*["ip"] * 100), **HOW)

    assert found["disputed_interval"] == pytest.approx((0.21, 0.40), abs=0.01)
    assert alone["disputed_interval"] is None


@pytest.mark.parametrize("champion", [None, [0, 1]], ids=["no-champion", "champion"])
def test_the_figures_fit_in_json(champion):
    import json

    found = slice_figures(evaluated([1, 0], [1, 0], champion), labels("a", "b"), **HOW)

    assert json.loads(json.dumps(found, allow_nan=False))
