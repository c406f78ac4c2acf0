"""A candidate that makes more errors is never let through where one with fewer was refused."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from include.contract.verdicts import Thresholds
from include.evaluation.comparison import compare_with_champion
from include.evaluation.gate.policy import Policy
from include.evaluation.gate.rules import apply_gate
from include.evaluation.intervals import clopper_pearson
from include.evaluation.metrics import evaluate
from include.evaluation.simple_baselines import simpler_figures

POLICY = Policy(
    min_accuracy=0.85,
    min_roc_auc=0.9,
    min_recall_at_fpr=0.6,
    max_brier=0.12,
    max_fpr_over_budget=2.0,
    max_accuracy_loss=0.03,
    max_roc_auc_loss=0.03,
    max_recall_loss=0.1,
    min_lead_over_simpler=0.005,
)
N_ROWS = 120
HOW = {"fpr_budget": 0.1, "confidence": 0.95, "seed": 0}


def scores(rng, y, noise):
    return 1 / (1 + np.exp(-(4.0 * y - 2.0 + rng.normal(0, noise, len(y)))))


def rejected(y, candidate, champion, simplest, groups):
    flagged = (candidate >= 0.6) & (y == 0)
    gate_inputs = {
        "test": evaluate(y, candidate, Thresholds(0.6, 0.5), 0.1),
        "fpr_interval": clopper_pearson(int(flagged.sum()), int((y == 0).sum()), 0.95),
        "champion": compare_with_champion(y, candidate, champion, groups, **HOW),
        "later_months": None,
        "slices": [],
        "known_pages": None,
        "edits": (),
        "replay": {"n_days": 7, "figures": None, "missing": "a test"},
        "simpler": {"plain": simpler_figures(y, candidate, simplest, groups, **HOW)},
        "shuffled": {"family": "a tree", "roc_auc": 0.5},
        "drift": {"blocked": []},
        "accept_drift": False,
        "block": {"used_budget": 0.1, "fpr_upper_bound": 0.1, "shortage": ""},
        "review_fpr_interval": (0.0, 1.0),
        "onnx_difference": 0.0,
        "latency_us": 1.0,
        "size_bytes": 1,
    }
    return {verdict.rule for verdict in apply_gate(gate_inputs, POLICY) if not verdict.passed}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1.0, 1.6, 2.2]), st.integers(1, 30))
def test_more_errors_never_turn_a_rejection_into_a_pass(seed, noise, n_worse):
    rng = np.random.default_rng(seed)
    y = (np.arange(N_ROWS) % 2).astype(np.int8)
    groups = rng.integers(0, 60, N_ROWS)
    champion, simplest = scores(rng, y, 1.2), scores(rng, y, 2.0)
    candidate = scores(rng, y, noise)
    worse = candidate.copy()
    spoilt = rng.permutation(N_ROWS)[:n_worse]
    worse[spoilt] = np.where(y[spoilt] == 1, candidate[spoilt] / 20, 1 - candidate[spoilt] / 20)
    worse = np.where(y == 1, np.minimum(worse, candidate), np.maximum(worse, candidate))

    before = rejected(y, candidate, champion, simplest, groups)
    assert before <= rejected(y, worse, champion, simplest, groups)
