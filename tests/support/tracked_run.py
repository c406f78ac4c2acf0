"""A finished run as tests of tracking see it: what the steps leave in the bucket, in small."""

import json

from include.contract import keys
from include.contract.run_documents import (
    CandidateResult,
    ChampionPin,
    ChosenModel,
    DriftSummary,
    Evaluation,
    GateVerdict,
    GateVerdicts,
    PackagedVersion,
    SearchTime,
    ServingFigures,
    SnapshotSummary,
    ValidationSummary,
    serialise,
)
from include.contract.verdicts import Budgets, Thresholds
from include.tracking.run_outcome import RunOutcome
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
    return RunOutcome(pipeline=pipeline, run_id=run_id, **{**facts, **changes})


def documents():
    """Return the documents of a run that passed the gate."""

    def candidate(family, **params):
        return CandidateResult(family, params, SCORES)

    found = {
        "champion.json": ChampionPin(0),
        "snapshot.json": SnapshotSummary(DIGEST, 100, 0, "2026-11-21T02:00:00+00:00"),
        "validation.json": ValidationSummary(98, 2, (), (), "docs/sites/x/index.html", "", {}),
        "drift.json": DriftSummary(None, ({"column": "a"},), {}, 0.01, 0.02, (), (), ()),
        "candidates/LogisticRegression.json": candidate("LogisticRegression", model__C=0.1),
        "candidates/LogisticRegression.seconds.json": SearchTime(search=2.5, fit=0.5),
        "candidates/RandomForest.json": candidate("RandomForest", model__max_depth=None),
        "chosen.json": ChosenModel(
            family="RandomForest",
            simplest="LogisticRegression",
            params={"model__max_depth": None},
            candidates=("LogisticRegression", "RandomForest"),
            thresholds=Thresholds(0.42, 0.3),
            budgets=Budgets(0.01),
            calibration={"block": {"value": 0.42}},
            order={},
        ),
        "evaluation.json": Evaluation(
            test={"accuracy": 0.94, "roc_auc": 0.99, "confident": True, "bins": [1, 2]},
            random_split={"accuracy": 0.97},
            later_months=None,
            ceiling=0.98,
            rows={"train": 60, "calibration": 20, "test": 18},
            simpler={},
            shuffled={},
            slices=(),
            fpr_interval=(0.001, 0.02),
            review_fpr_interval=(0.002, 0.04),
            verdicts={},
            known_pages=None,
            edits=(),
            champion=None,
            champion_on_same_rows=None,
            champion_serial=0,
        ),
        "version.json": PackagedVersion(VERSION, "ab" * 32, 9),
        "infra_validation.json": ServingFigures(1e-7, 12.5, 9),
        "gate.json": GateVerdicts((GateVerdict("accuracy", True, "accuracy .94 >= .9"),)),
    }
    return {name: json.loads(serialise(document)) for name, document in found.items()}


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
