"""Verdicts on known pages and on edited phishing, by hand on models that are plain functions."""

import numpy as np
import pytest

from include.contract.verdicts import Thresholds
from include.evaluation.probes import MAX_EDITED, Judge, edit_figures, known_page_figures

THRESHOLDS = Thresholds(0.8, 0.4)
HOW = {"confidence": 0.95, "seed": 0}


def judge(**scores):
    """Return a model that scores a text by its first letter."""
    return Judge(lambda texts: np.array([scores.get(text[0], 0.0) for text in texts]), THRESHOLDS)


def test_known_pages_are_counted_by_verdict_and_the_flagged_are_named():
    found = known_page_figures(["p1", "s1", "l1", "p2"], judge(p=0.9, s=0.5), judge(p=0.9, s=0.9))

    assert (found["n"], found["fpr"], found["review_fpr"]) == (4, 0.5, 0.75)
    assert found["champion_fpr"] == 0.75
    assert found["flagged"] == ["p1", "p2"]
    assert known_page_figures(["l1"], judge(), None)["champion_fpr"] is None


def test_recall_after_an_edit_stands_beside_that_before_it_and_the_champions():
    texts, groups = ["p"] * 8 + ["x"] * 2, np.arange(10)
    edits = {"hides": lambda text: "s" if text == "p" else None, "breaks": lambda text: None}
    hides, breaks = edit_figures(
        texts, groups, edits, judge(p=0.9, s=0.5), judge(p=0.9, s=0.1), **HOW
    )

    assert (hides["n"], hides["before"], hides["recall"]) == (8, 1.0, 0.0)
    assert (hides["review_before"], hides["review_recall"]) == (1.0, 1.0)
    assert hides["champion"] == 0.0
    assert hides["change"] == (1.0, 1.0)
    assert breaks == {"name": "breaks", "n": 0, "champion": None, "change": None}


def test_of_many_rows_a_sample_is_edited_the_same_one_each_time():
    texts, groups = [f"p{number}" for number in range(2 * MAX_EDITED)], np.arange(2 * MAX_EDITED)
    tried = []
    for _ in range(2):
        edits = {"none": lambda text: tried.append(text) or text}
        (found,) = edit_figures(texts, groups, edits, judge(p=0.9), None, **HOW)
        assert found["n"] == MAX_EDITED

    assert tried[:MAX_EDITED] == tried[MAX_EDITED:]
    assert found["change"] is None


@pytest.mark.parametrize("champion", [None, judge()])
def test_without_phishing_rows_no_edit_is_tried(champion):
    (found,) = edit_figures([], np.array([]), {"none": str}, judge(), champion, **HOW)

    assert found["n"] == 0
