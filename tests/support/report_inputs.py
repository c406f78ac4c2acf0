"""A version to report on, small and synthetic, with everything a report can show."""

from dataclasses import replace
from functools import cache

import numpy as np

from include.contract.manifest import FileEntry
from include.contract.verdicts import Budgets, Thresholds
from include.evaluation.curves import histogram, reliability, sweep
from include.evaluation.figure_intervals import figure_intervals
from include.evaluation.metrics import evaluate
from include.evaluation.verdict_figures import verdict_figures
from include.reporting.report_inputs import ReportInputs
from tests.support.signed_versions import Version

THRESHOLDS, BUDGET = Thresholds(0.6, 0.4), 0.02
RNG = np.random.default_rng(0)
Y = (np.arange(400) % 2).astype(np.int8)
PROBABILITY = np.clip(0.5 + (Y - 0.5) * 0.7 + RNG.normal(0, 0.2, 400), 0, 1).round(3)
GROUPS = np.arange(400) // 2
SET_BY = {
    "value": 0.6,
    "fpr": 0.0095,
    "n_negatives": 4_321,
    "fpr_upper_bound": 0.0124,
    "budget": 0.02,
    "used_budget": 0.02,
    "shortage": "",
}


def figures(probability=PROBABILITY):
    return evaluate(Y, probability, THRESHOLDS, BUDGET)


def scores(at):
    return {
        "average_precision": [at, at + 0.01],
        "roc_auc": [at, at],
        "recall_at_fpr": [0.8, 0.9],
    }


def manifest(**changes):
    made = Version("20261121T020513Z-3f9a1c2b").manifest(
        files={"model.onnx": FileEntry("a" * 64, 3), "model.joblib": FileEntry("b" * 64, 4)},
        thresholds=THRESHOLDS,
        budgets=Budgets(BUDGET),
        metrics={
            "test": figures(),
            "random_split": figures(np.clip(PROBABILITY + 0.1 * (Y - 0.5), 0, 1)),
            "champion_on_same_rows": {
                "version": "20261120T020513Z-00000000",
                **figures(np.clip(PROBABILITY - 0.3 * (Y - 0.5), 0, 1)),
            },
            "ceiling": 0.9894,
            "calibration": {
                "block": {**SET_BY, "shortage": "too few rows for a budget of 2.00%"},
                "review": {**SET_BY, "fpr": 0.0295},
                "n_rows": 9_000,
            },
            "verdicts": verdict_figures(Y, PROBABILITY, THRESHOLDS),
            "candidates": [
                {"family": "LogisticRegression", "params": {}, "scores": scores(0.9)},
                {"family": "DecisionTree", "params": {}, "scores": scores(0.8)},
            ],
        },
        snapshot={
            "digest": "0123456789abcdef" * 2,
            "rows": {"train": 7_000, "calibration": 900, "test": 400},
            "simulated": False,
        },
        model={
            "family": "LogisticRegression",
            "params": {"classifier__C": 1.0},
            "run_id": "manual__1",
        },
        libraries={"python": "3.11.7", "numpy": "2.4.6"},
    )
    return replace(made, **changes)


VERDICTS = (
    {"rule": "accuracy", "passed": True, "evaluated": True, "sentence": "accuracy 0.95 >= 0.92"},
    {"rule": "champion", "passed": True, "evaluated": False, "sentence": "too few rows"},
)
SLICE = {
    "name": "a",
    "value": "first",
    "n": 60,
    "n_positive": 10,
    "accuracy": 0.9,
    "recall": 0.8,
    "fpr": 0.02,
    "recall_interval": (0.6, 0.95),
    "fpr_interval": (0.0, 0.05),
    "recall_evaluated": False,
    "fpr_evaluated": True,
}


@cache
def intervals():
    return figure_intervals(
        Y,
        PROBABILITY,
        GROUPS,
        thresholds=THRESHOLDS,
        fpr_budget=BUDGET,
        confidence=0.95,
        seed=0,
    )


@cache
def curves():
    return {
        "sweep": sweep(Y, PROBABILITY),
        "reliability": reliability(Y, PROBABILITY),
        "histogram": histogram(Y, PROBABILITY),
    }


def report_inputs(**changes):
    made = ReportInputs(
        title="phishing from legitimate, for a test",
        sources={"a-public-set": "c" * 64},
        evaluation={
            "champion": {
                "only_candidate_right": 14,
                "only_champion_right": 9,
                "p_champion_better": 0.89,
                "differences": {"roc_auc": {"value": 0.01, "low": -0.01, "high": 0.03}},
            },
            "slices": [SLICE],
            "known_pages": {
                "n": 150,
                "fpr": 0.04,
                "review_fpr": 0.2,
                "champion_fpr": 0.05,
                "flagged": ["https://www.example.com/login"],
                "simulated": False,
            },
            "edits": [
                {
                    "name": "homoglyphs",
                    "n": 600,
                    "before": 0.8,
                    "recall": 0.7,
                    "review_before": 0.9,
                    "review_recall": 0.85,
                    "champion": None,
                },
                {"name": "user-info", "n": 0},
            ],
            "simpler": {
                "constant": {
                    "accuracy": 0.5,
                    "roc_auc": 0.5,
                    "recall_at_fpr": 0.0,
                    "lead": {"value": 0.45, "low": 0.4, "high": 0.5},
                }
            },
            "shuffled": {"roc_auc": 0.51},
            "later_months": {
                "since": "2026-03",
                "all": figures(),
                "seen": figures(),
                "unseen": None,
                "months": [
                    {
                        "month": "2026-03",
                        "n_phishing": 30,
                        "n_legitimate": 0,
                        "recall": 0.9,
                        "fpr": None,
                    },
                    {
                        "month": "2026-04",
                        "n_phishing": 20,
                        "n_legitimate": 5,
                        "recall": 0.6,
                        "recall_interval": [0.36, 0.81],
                        "fpr": 0.0,
                    },
                ],
            },
        },
        verdicts=VERDICTS,
        champion={
            "version": "20261120T020513Z-00000000",
            "family": "DecisionTree",
            "thresholds": Thresholds(0.5, 0.5),
            "rows": {"train": 6_000, "calibration": 900, "test": 400},
            "digest": "fedcba98" * 4,
        },
        validation={"accepted": 8_300, "quarantined": 4, "warnings": ["many duplicates"]},
        replay={
            "n_days": 7,
            "share": 0.5,
            "champion": "20261120T020513Z-00000000",
            "missing": "",
            "figures": {
                "n": 1_200,
                "n_changed": 1,
                "changed": 1 / 1_200,
                "verdicts": {
                    "champion": {"Phishing": 90, "Suspicious": 20, "Legitimate": 1_090},
                    "challenger": {"Phishing": 91, "Suspicious": 19, "Legitimate": 1_090},
                },
                "alerts": {"both": 90, "new": 1, "gone": 0},
                "reviewed": {"n": 6, "champion": 5, "challenger": 2, "only_challenger": 0},
                "allowed": {"n": 3, "champion": 1, "challenger": 1},
                "disagreements": [
                    {
                        "id": "1" * 32,
                        "shown": "https://evil.test/<b>",
                        "champion": "Suspicious",
                        "challenger": "Phishing",
                        "champion_probability": 0.5,
                        "challenger_probability": 0.97,
                        "is_phishing": True,
                    }
                ],
            },
        },
        drift={
            "reference": "20261120T020513Z-00000000",
            "columns": [{"column": "a", "kl": 0.3, "psi": 0.6}],
            "limits": {"warn_kl": 0.05, "block_kl": 0.25},
            "sentences": ["a has moved far"],
        },
        intervals=intervals(),
        curves=curves(),
        importance={
            "n_rows": 400,
            "n_repeats": 3,
            "inputs": [
                {"name": "a", "drop": 0.1, "drops": [0.09, 0.1, 0.11]},
                {"name": "b", "drop": -0.001, "drops": [-0.002, -0.001, 0.0]},
            ],
        },
        contributions={
            "unit": "log-odds",
            "n_rows": 300,
            "inputs": [
                {
                    "name": "a",
                    "mean": 1.0,
                    "direction": -0.9,
                    "strips": [[-1.2, 100, 1.0], [0.8, 200, 0.0]],
                }
            ],
        },
        meanings={"a": "First property"},
        seconds={"LogisticRegression": {"search": 1.2, "fit": 0.3}},
    )
    return replace(made, **changes)
