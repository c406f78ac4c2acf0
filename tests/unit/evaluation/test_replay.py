"""What changes for those who ask when a version takes the place of another."""

import numpy as np
import pytest

from include.contract.verdicts import Thresholds
from include.evaluation.replay import MAX_DRAWN, MAX_SHOWN, Replayed, replay_figures

THRESHOLDS = Thresholds(0.9, 0.5)


def figures(ours, theirs, labels=None, allowed=None, **more):
    n = len(ours)
    replayed = Replayed(
        ids=[f"{i:03}" for i in range(n)],
        shown=[f"https://{i}.example/" for i in range(n)],
        ours=np.array(ours, float),
        theirs=np.array(theirs, float),
        our_thresholds=THRESHOLDS,
        their_thresholds=THRESHOLDS,
        is_phishing=labels or [None] * n,
        allowed=np.array(allowed if allowed is not None else [False] * n, bool),
        **{"sites": [str(i) for i in range(n)], "can_be_labelled": np.ones(n, bool), **more},
    )
    return replay_figures(replayed, confidence=0.95)


def test_changes_are_counted_by_verdict_and_by_alert():
    found = figures([0.95, 0.95, 0.6, 0.1, 0.3], [0.95, 0.4, 0.95, 0.1, 0.55])

    assert found["verdicts"]["challenger"] == {"Phishing": 2, "Suspicious": 1, "Legitimate": 2}
    assert found["verdicts"]["champion"] == {"Phishing": 2, "Suspicious": 1, "Legitimate": 2}
    assert (found["n_changed"], found["changed"]) == (3, 0.6)
    assert found["alerts"] == {"both": 1, "new": 1, "gone": 1}
    assert found["alert_ratio"] == 1.0
    assert [each["id"] for each in found["disagreements"]] == ["001", "002", "004"]
    assert found["disagreements"][0]["challenger"] == "Phishing"


def test_twice_the_alerts_are_shown_to_be_more_and_chance_is_not():
    many = figures([0.95] * 200 + [0.1] * 800, [0.95] * 100 + [0.1] * 900)
    few = figures([0.95] * 102 + [0.1] * 898, [0.95] * 100 + [0.1] * 900)

    assert many["alert_ratio"] == 2.0
    assert many["alert_ratio_interval"][0] > 1.5
    assert few["alert_ratio_interval"][0] < 1.0 < few["alert_ratio_interval"][1]


def test_new_false_alarms_and_flags_on_the_allow_list_are_counted():
    found = figures(
        [0.95, 0.95, 0.1, 0.95],
        [0.95, 0.1, 0.95, 0.1],
        labels=[False, False, False, True],
        allowed=[False, False, True, True],
    )

    assert found["reviewed"] == {"n": 3, "champion": 2, "challenger": 2, "only_challenger": 1}
    assert found["allowed"] == {"n": 2, "champion": 1, "challenger": 1, "only_challenger": 1}


def test_equal_versions_change_nothing_and_long_lists_are_cut():
    rng = np.random.default_rng(0)
    same = rng.uniform(size=300)
    other = figures(rng.uniform(size=300), same)

    assert figures(same, same)["n_changed"] == 0
    assert other["n_changed"] > MAX_SHOWN == len(other["disagreements"])
    gaps = [
        abs(each["champion_probability"] - each["challenger_probability"])
        for each in other["disagreements"]
    ]
    assert gaps == sorted(gaps, reverse=True)
    assert figures([], [])["changed_interval"] == pytest.approx((0, 1))


def test_alerts_of_which_versions_disagree_are_drawn_fairly_and_each_site_once():
    rng = np.random.default_rng(1)
    ours, theirs = np.where(rng.random((2, 2_000)) < 0.2, 0.95, 0.6)
    can_be = rng.random(2_000) < 0.9
    sites = [str(at // 2) for at in range(2_000)]
    drawn = figures(ours, theirs, sites=sites, can_be_labelled=can_be)["drawn"]
    places = [int(each["id"]) for each in drawn]

    assert len(drawn) == MAX_DRAWN == len({sites[at] for at in places})
    assert all((ours[at] > 0.9) != (theirs[at] > 0.9) and can_be[at] for at in places)
    assert 800 < np.mean(places) < 1_200, "of all alike, not the first ones"
    assert {each["new"] for each in drawn} == {"Phishing", "Suspicious"}
    assert figures([0.6], [0.1])["drawn"] == [], "neither raises an alert"


def test_alerts_are_counted_in_each_part():
    pages = np.array(["a", "a", "b", ""], object)
    found = figures([0.95, 0.95, 0.1, 0.95], [0.95, 0.1, 0.95, 0.1], parts={"page": pages})

    assert found["slices"] == [
        {"name": "page", "value": "a", "n": 2, "alerts": {"both": 1, "new": 1, "gone": 0}},
        {"name": "page", "value": "b", "n": 1, "alerts": {"both": 0, "new": 0, "gone": 1}},
    ]
