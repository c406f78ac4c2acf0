"""A version's bill of materials (CycloneDX 1.6 ML-BOM): model, records and libraries.

Written by hand to the published schema: cyclonedx-python-lib knows no model cards yet.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from packaging.utils import canonicalize_name

from include.contract import keys
from include.contract.manifest import Manifest
from include.reporting.libraries import Library, locked_hashes
from include.reporting.limits import LIMITS, RISKS, TRADEOFF, USE_CASES, USERS
from include.reporting.model_card import performance_metrics
from include.reporting.report_inputs import ReportInputs

_IDS = uuid.UUID("7e0a3a86-5b0f-4f6e-9d43-5b1c0f2a6f11")


def bill_of_materials(
    manifest: Manifest, report_inputs: ReportInputs, libraries: Sequence[Library], lock: str
) -> bytes:
    """Return the bytes of ``bom.cdx.json``; equal arguments give equal bytes.

    Parameters
    ----------
    manifest : Manifest
        Its `files` are those that exist so far: the models.
    evidence : Evidence
    libraries : sequence of Library
        What trained, calibrated and exported the model.
    lock : str
        The lock they were installed from; "" if there is none.
    """
    model = f"model:{manifest.pipeline}@{manifest.version}"
    hashes = locked_hashes(lock)
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_IDS, model)}",
        "version": 1,
        "metadata": {
            "timestamp": manifest.created_at,
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [_nightcatch(manifest)]},
            "component": _model(manifest, report_inputs, model),
        },
        "components": [
            *_data(manifest, report_inputs),
            *(_library(each, hashes) for each in libraries),
        ],
        "dependencies": _dependencies(manifest, libraries, model),
    }
    return (json.dumps(bom, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def _nightcatch(manifest: Manifest) -> dict[str, Any]:
    tool = {"type": "application", "name": "nightcatch"}
    return {**tool, "version": manifest.code_commit} if manifest.code_commit else tool


def _model(manifest: Manifest, report_inputs: ReportInputs, ref: str) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": ref,
        "name": manifest.pipeline,
        "version": manifest.version,
        "description": report_inputs.title or manifest.pipeline,
        "components": [
            {
                "type": "file",
                "name": name,
                "hashes": [{"alg": "SHA-256", "content": entry.sha256}],
            }
            for name, entry in sorted(manifest.files.items())
            if name in (keys.MODEL_JOBLIB, keys.MODEL_ONNX)
        ],
        "modelCard": _card(manifest, report_inputs),
    }


def _card(manifest: Manifest, report_inputs: ReportInputs) -> dict[str, Any]:
    family = manifest.model["family"]
    return {
        "modelParameters": {
            "approach": {"type": "supervised"},
            "task": "binary classification",
            "architectureFamily": family,
            "modelArchitecture": f"{family} with a calibrated probability",
            "datasets": [{"ref": _snapshot_ref(manifest)}],
            "inputs": [{"format": f"{field.name}: {field.dtype}"} for field in manifest.inputs],
            "outputs": [{"format": f"probability of {manifest.target}: float32"}],
        },
        "quantitativeAnalysis": {
            "performanceMetrics": [
                _metric(each) for each in performance_metrics(manifest, report_inputs)
            ]
        },
        "considerations": {
            "users": list(USERS),
            "useCases": list(USE_CASES),
            "technicalLimitations": list(LIMITS),
            "performanceTradeoffs": [TRADEOFF],
            "ethicalConsiderations": [
                {"name": risk, "mitigationStrategy": answer} for risk, answer in RISKS
            ],
        },
        "properties": [
            {"name": "nightcatch:block_threshold", "value": str(manifest.thresholds.block)},
            {"name": "nightcatch:review_threshold", "value": str(manifest.thresholds.review)},
            {"name": "nightcatch:block_budget", "value": str(manifest.budgets.block)},
            {"name": "nightcatch:review_budget", "value": str(manifest.budgets.review)},
            {"name": "nightcatch:seed", "value": str(manifest.seed)},
            {"name": "nightcatch:run_id", "value": str(manifest.model.get("run_id", ""))},
        ],
    }


def _metric(metric: Mapping[str, Any]) -> dict[str, Any]:
    """Return a figure of the model card as CycloneDX writes it: numbers are text."""
    spelt = {"type": metric["type"], "value": str(metric["value"]), "slice": metric["slice"]}
    if interval := metric.get("confidence_interval"):
        return {
            **spelt,
            "confidenceInterval": {
                "lowerBound": str(interval["lower_bound"]),
                "upperBound": str(interval["upper_bound"]),
            },
        }
    return spelt


def _snapshot_ref(manifest: Manifest) -> str:
    return f"data:snapshot@{manifest.snapshot['digest']}"


def _data(manifest: Manifest, report_inputs: ReportInputs) -> list[dict[str, Any]]:
    rows = manifest.snapshot.get("rows", {})
    described = [
        *({"name": f"nightcatch:rows:{side}", "value": str(n)} for side, n in sorted(rows.items())),
        {
            "name": "nightcatch:simulated",
            "value": str(bool(manifest.snapshot.get("simulated"))).lower(),
        },
    ]
    snapshot = {
        "type": "data",
        "bom-ref": _snapshot_ref(manifest),
        "name": f"snapshot of {manifest.pipeline}",
        "version": manifest.snapshot["digest"],
        "data": [
            {"type": "dataset", "name": manifest.pipeline, "contents": {"properties": described}}
        ],
    }
    return [
        snapshot,
        *(_source(name, sha256) for name, sha256 in sorted(report_inputs.sources.items())),
    ]


def _source(name: str, sha256: str) -> dict[str, Any]:
    source = {
        "type": "data",
        "bom-ref": f"data:{name}",
        "name": name,
        "description": "public data set that the records may come from",
        "data": [{"type": "dataset", "name": name}],
    }
    return {**source, "hashes": [{"alg": "SHA-256", "content": sha256}]} if sha256 else source


def _library(library: Library, hashes: Mapping[tuple[str, str], tuple[str, ...]]) -> dict[str, Any]:
    """Return a library; a lock allows several files of it, one of which was installed."""
    name = canonicalize_name(library.name)
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": _purl(library),
        "name": library.name,
        "version": library.version,
        "purl": _purl(library),
    }
    if allowed := hashes.get((name, library.version)):
        component["externalReferences"] = [
            {
                "type": "distribution",
                "url": _purl(library),
                "comment": "files that the lock allows",
                "hashes": [{"alg": "SHA-256", "content": each} for each in allowed],
            }
        ]
    return component


def _dependencies(
    manifest: Manifest, libraries: Sequence[Library], model: str
) -> list[dict[str, Any]]:
    purls = {canonicalize_name(each.name): _purl(each) for each in libraries}
    needed = {"ref": model, "dependsOn": sorted([_snapshot_ref(manifest), *purls.values()])}
    between = [
        {
            "ref": _purl(each),
            "dependsOn": sorted({purls[name] for name in map(canonicalize_name, each.requires)}),
        }
        for each in libraries
    ]
    return [needed, *between]


def _purl(library: Library) -> str:
    return f"pkg:pypi/{canonicalize_name(library.name)}@{library.version}"
