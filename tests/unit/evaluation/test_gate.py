"""The gate: one sentence per rule, with its figure and its limit."""

import numpy as np
import pytest

from include.evaluation.gate import Policy, compare_with_champion, judge, rejections
from include.evaluation.intervals import false_positive_interval

POLICY = Policy(min_accuracy=0.92, min_roc_auc=0.97, min_recall_at_fpr=0.6, max_ece=0.06)
TEST = {
    "n_rows": 900,
    "n_phishing": 400,
    "accuracy": 0.95,
    "roc_auc": 0.99,
    "recall_at_fpr": 0.88,
    "ece": 0.03,
    "false_positives": 5,
}
GOOD = {
    "test": TEST,
    "fpr_interval": (0.002, 0.02),
    "champion": None,
    "drift": {"blocked": [], "sentences": []},
    "accept_drift": False,
    "fpr_budget": 0.01,
    "onnx_difference": 2e-7,
    "latency_us": 20.0,
    "size_bytes": 400_000,
}


def changed(**evidence):
    return {**GOOD, **evidence}


def test_a_good_model_passes_every_rule():
    verdicts = judge(GOOD, POLICY)

    assert rejections(verdicts) == []
    assert len({verdict.rule for verdict in verdicts}) == len(verdicts) == 10


@pytest.mark.parametrize(
    ("evidence", "sentence"),
    [
        pytest.param({"test": {**TEST, "accuracy": 0.91}}, "accuracy 0.91 < 0.92", id="accuracy"),
        pytest.param({"test": {**TEST, "roc_auc": 0.9}}, "roc_auc 0.9 < 0.97", id="auc"),
        pytest.param(
            {"test": {**TEST, "recall_at_fpr": 0.5}}, "recall_at_fpr 0.5 < 0.6", id="recall"
        ),
        pytest.param({"test": {**TEST, "ece": 0.1}}, "calibration_error 0.1 > 0.06", id="ece"),
        pytest.param({"onnx_difference": 0.01}, "onnx_difference 0.01 > 1e-05", id="parity"),
        pytest.param({"latency_us": 9e3}, "latency_us 9000 > 2000", id="latency"),
        pytest.param({"size_bytes": 10**9}, "size_bytes 1e+09 > 5e+07", id="size"),
        pytest.param(
            {"fpr_interval": (0.015, 0.04)}, "a budget of 1.00% is not believable", id="fpr"
        ),
        pytest.param(
            {"drift": {"blocked": ["SFH"], "sentences": []}},
            "moved beyond the blocking limit: SFH",
            id="drift",
        ),
        pytest.param(
            {
                "champion": {
                    "only_candidate_right": 8,
                    "only_champion_right": 25,
                    "p_champion_better": 0.002,
                }
            },
            "worse than the champion: right alone on 8 rows, wrong alone on 25",
            id="champion",
        ),
        pytest.param({"test": {**TEST, "accuracy": float("nan")}}, "accuracy nan", id="nan"),
    ],
)
def test_one_bad_figure_is_enough_and_is_named(evidence, sentence):
    (rejected,) = rejections(judge(changed(**evidence), POLICY))

    assert sentence in rejected


def test_drift_can_be_accepted_by_whoever_starts_the_run():
    drift = {"blocked": ["SFH"], "sentences": []}

    assert rejections(judge(changed(drift=drift, accept_drift=True), POLICY)) == []


def test_without_a_champion_the_outcome_is_said():
    sentences = [verdict.sentence for verdict in judge(GOOD, POLICY)]

    assert "no champion yet: the floors alone decide" in sentences


@pytest.mark.parametrize(
    ("wins", "losses", "worse"),
    [
        pytest.param(0, 0, False, id="identical"),
        pytest.param(10, 12, False, id="chance"),
        pytest.param(2, 20, True, id="clearly-worse"),
        pytest.param(20, 2, False, id="clearly-better"),
    ],
)
def test_only_a_champion_that_is_better_beyond_chance_rejects(wins, losses, worse):
    n_rows = 100
    y = np.ones(n_rows, dtype=np.int8)
    candidate, champion = np.ones(n_rows), np.ones(n_rows)
    champion[:wins] = 0.0
    candidate[wins : wins + losses] = 0.0
    compared = compare_with_champion(y, candidate, champion)

    assert (compared["only_candidate_right"], compared["only_champion_right"]) == (wins, losses)
    assert bool(rejections(judge(changed(champion=compared), POLICY))) is worse


def test_twins_widen_the_interval_of_a_rate():
    y = np.zeros(400, dtype=np.int8)
    flagged = np.zeros(400, dtype=bool)
    flagged[:8] = True
    alone = false_positive_interval(y, flagged, np.arange(400), confidence=0.95, seed=0)
    twins = false_positive_interval(y, flagged, np.arange(400) // 8, confidence=0.95, seed=0)

    assert alone[0] > twins[0] == 0.0
    assert alone[1] < twins[1]
    assert alone[0] < 0.02 < alone[1]


def test_without_legitimate_rows_nothing_is_known_of_the_rate():
    y = np.ones(3, dtype=np.int8)

    interval = false_positive_interval(y, y == 1, np.arange(3), confidence=0.95, seed=0)

    assert interval == (0.0, 1.0)


def test_the_interval_holds_the_true_rate_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(200):
        flagged = rng.random(500) < 0.05
        low, high = false_positive_interval(
            np.zeros(500, dtype=np.int8), flagged, np.arange(500), confidence=0.95, seed=1
        )
        held += low <= 0.05 <= high

    assert held >= 180
