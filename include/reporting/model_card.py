"""A version's model card: the report for programs, by the schema of Google's Model Card Toolkit.

Schema: model_card_toolkit v0.0.2, after Mitchell et al. (2019), doi 10.1145/3287560.3287596. It
allows more inside its four parts than it names; gate, drift and the like stand there.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from include.contract.manifest import Manifest
from include.reporting.figures import BY_NAME
from include.reporting.limits import LIMITS, RISKS, TRADEOFF, USE_CASES, USERS
from include.reporting.report_inputs import ReportInputs
from include.reporting.summary import summarise

SCHEMA_VERSION = "0.0.2"
_TEST, _RANDOM, _CHAMPION = "test", "test of a random split", "test, version in production"


def model_card(manifest: Manifest, report_inputs: ReportInputs) -> bytes:
    """Return the bytes of ``model_card.json``; equal manifests and evidence give equal bytes.

    Parameters
    ----------
    manifest : Manifest
    evidence : Evidence
    """
    card = {
        "schema_version": SCHEMA_VERSION,
        "model_details": _details(manifest, report_inputs),
        "model_parameters": _parameters(manifest, report_inputs),
        "quantitative_analysis": {
            "performance_metrics": list(performance_metrics(manifest, report_inputs)),
            "ceiling_of_accuracy": manifest.metrics.get("ceiling"),
            "thresholds": vars(manifest.thresholds),
            "budgets": vars(manifest.budgets),
            "calibration": manifest.metrics.get("calibration"),
            "verdicts": manifest.metrics.get("verdicts"),
            "gate": report_inputs.verdicts,
            "candidates": manifest.metrics.get("candidates"),
            "champion": report_inputs.evaluation.get("champion"),
            "simpler": report_inputs.evaluation.get("simpler"),
            "shuffled": report_inputs.evaluation.get("shuffled"),
            "later_months": report_inputs.evaluation.get("later_months"),
            "curves": report_inputs.curves,
            "permutation_importance": report_inputs.importance,
            "shap": report_inputs.contributions,
            "drift": report_inputs.drift,
        },
        "considerations": {
            "users": [{"description": each} for each in USERS],
            "use_cases": [{"description": each} for each in USE_CASES],
            "limitations": [{"description": each} for each in LIMITS],
            "tradeoffs": [{"description": TRADEOFF}],
            "ethical_considerations": [
                {"name": risk, "mitigation_strategy": answer} for risk, answer in RISKS
            ],
        },
    }
    return (json.dumps(card, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def performance_metrics(
    manifest: Manifest, report_inputs: ReportInputs
) -> Iterator[dict[str, Any]]:
    """Yield every figure: of the test rows with its interval, of both comparisons, of the slices.

    Yields
    ------
    dict
        ``type``, ``value``, ``slice``, and ``confidence_interval`` where there is one.
    """
    sides = ((_TEST, "test"), (_RANDOM, "random_split"), (_CHAMPION, "champion_on_same_rows"))
    for where, key in sides:
        measured: Mapping[str, Any] = manifest.metrics.get(key) or {}
        for name in BY_NAME:
            if name in measured:
                interval = (report_inputs.intervals or {}).get(name) if key == "test" else None
                yield _metric(name, measured[name], where, interval)
    for each in report_inputs.evaluation.get("slices") or ():
        for name in ("accuracy", "recall", "fpr", "review_recall", "review_fpr"):
            if each.get(name) is not None:
                where = f"{_TEST}, {each['name']} = {each['value']}"
                yield _metric(name, each[name], where, each.get(f"{name}_interval"))


def _metric(name: str, value: float, where: str, interval: Any) -> dict[str, Any]:
    metric: dict[str, Any] = {"type": name, "value": value, "slice": where}
    if interval:
        low, high = interval
        metric["confidence_interval"] = {"lower_bound": low, "upper_bound": high}
    return metric


def _details(manifest: Manifest, report_inputs: ReportInputs) -> dict[str, Any]:
    summary = summarise(manifest, report_inputs)
    return {
        "name": f"{manifest.pipeline}: {manifest.model['family']}",
        "overview": report_inputs.title or manifest.pipeline,
        "documentation": f"{summary.headline}. {' '.join(summary.reasons)}",
        "owners": [{"name": "NightCatch"}],
        "version": {
            "name": manifest.version,
            "date": manifest.created_at[:10],
            "diff": " ".join(summary.changes),
        },
        "lineage": {
            "run_id": manifest.model.get("run_id"),
            "code_commit": manifest.code_commit,
            "libraries": manifest.libraries,
            "seed": manifest.seed,
        },
    }


def _parameters(manifest: Manifest, report_inputs: ReportInputs) -> dict[str, Any]:
    snapshot = manifest.snapshot
    rows = ", ".join(f"{count:,} {side}" for side, count in snapshot.get("rows", {}).items())
    synthetic = "Simulated records. " if snapshot.get("simulated") else ""
    return {
        "model_architecture": manifest.model["family"],
        "hyperparameters": manifest.model.get("params"),
        "data": [
            {
                "name": f"snapshot {snapshot['digest']}",
                "description": f"{synthetic}Rows: {rows}.",
                "rows": snapshot.get("rows"),
                "simulated": bool(snapshot.get("simulated")),
                "quarantined": (report_inputs.validation or {}).get("quarantined"),
            },
            *(
                {"name": name, "description": "a public data set that the records may come from"}
                for name in report_inputs.sources
            ),
        ],
        "input_format": "; ".join(f"{field.name} ({field.dtype})" for field in manifest.inputs),
        "output_format": f"calibrated probability of {manifest.target}, from 0 to 1",
    }
