"""A finished run as tests of tracking see it: what the steps leave in the bucket, in small."""

import json

from include.contract import keys
from include.tracking.run_outcome import Ending
from tests.support.signed_versions import Version, publish

VERSION = "20261121T020513Z-3f9a1c2b"
DIGEST = "0123456789abcdef" * 2
SCORES = {"average_precision": [0.9, 0.8, 1.0], "recall_at_fpr": [0.5, 0.7, 0.6]}


def ending(pipeline="sites", run_id="scheduled__2026-11-21T02:00:00+00:00", **changes):
    facts = {
        "outcome": "approved",
        "failed_tasks": (),
        "started_at": "2026-11-21T02:00:00+00:00",
        "ended_at": "2026-11-21T02:01:00+00:00",
        "order": {"effort": "quick", "seed": 0, "accept_drift": False},
        "code_commit": "c0ffee",
    }
    return Ending(pipeline=pipeline, run_id=run_id, **{**facts, **changes})


def documents():
    """The documents of a run that came through the gate."""

    def candidate(family, **params):
        return {"family": family, "params": params, "scores": SCORES}

    return {
        "champion.json": {"serial": 0},
        "snapshot.json": {"digest": DIGEST, "rows": 100, "simulated_rows": 0},
        "validation.json": {"accepted": 98, "quarantined": 2, "docs": "docs/sites/x/index.html"},
        "drift.json": {"max_kl": 0.01, "max_psi": 0.02, "columns": {"a": {"kl": 0.01}}},
        "candidates/LogisticRegression.json": candidate("LogisticRegression", model__C=0.1),
        "candidates/LogisticRegression.seconds.json": {"search": 2.5, "fit": 0.5},
        "candidates/RandomForest.json": candidate("RandomForest", model__max_depth=None),
        "chosen.json": {
            "family": "RandomForest",
            "params": {"model__max_depth": None},
            "threshold": 0.42,
            "calibration": {"value": 0.42},
        },
        "evaluation.json": {
            "test": {"accuracy": 0.94, "roc_auc": 0.99, "confident": True, "bins": [1, 2]},
            "random_split": {"accuracy": 0.97},
            "champion_on_same_rows": None,
            "fpr_interval": [0.001, 0.02],
            "ceiling": 0.98,
            "rows": {"train": 60, "calibration": 20, "test": 18},
        },
        "version.json": {"version": VERSION, "manifest_sha256": "ab" * 32},
        "infra_validation.json": {"onnx_difference": 1e-7, "latency_us": 12.5},
        "gate.json": [{"rule": "accuracy", "passed": True, "sentence": "accuracy .94 >= .9"}],
    }


def leave_run(store, ended, signer, **changes):
    """Write a run's documents, and the version that they name, as the steps do."""
    left = {**documents(), **changes}
    for name, document in left.items():
        if document is not None:
            body = json.dumps(document).encode()
            store.put(keys.run_file(ended.pipeline, ended.run_id, name), body)
    if left["version.json"] is not None:
        files = {"model.onnx": b"graph", "report.html": b"<h1>Report</h1>"}
        publish(store, Version(VERSION, files, pipeline=ended.pipeline), signer)
