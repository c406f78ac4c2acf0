"""From a judged model to a version in force: package, infra-validation, gate, approval."""

import logging
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from importlib.metadata import version as library_version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys
from include.contract.approval import Pointer
from include.contract.manifest import Manifest, describe_file
from include.errors import GateRejectedError
from include.evaluation.gate import judge
from include.evaluation.report import render_report
from include.evaluation.verdicts import rejections
from include.nightly.champion import load_version
from include.nightly.model import read_chosen
from include.nightly.night import Night
from include.nightly.rows import read_side
from include.registry.approve import Request, approve
from include.registry.follow.believe import Trust
from include.registry.publish import publish_version
from include.training.package import joblib_bytes, to_onnx

_log = logging.getLogger(__name__)
_LIBRARIES = ("scikit-learn", "numpy", "skl2onnx", "onnx", "onnxruntime", "joblib", "pandas")
_TIMED_RECORDS = 300


def package(
    night: Night,
    chosen: dict[str, Any],
    *,
    started_at: datetime,
    seed: int,
    code_commit: str,
    signing_key: Path,
    trust: Trust,
) -> dict[str, Any]:
    """Return the name and manifest digest of a version now complete and signed in the bucket.

    Parameters
    ----------
    started_at : datetime
        Of the run, in UTC: a second attempt gives the same version.
    """
    estimator = read_chosen(night, chosen)
    files = {
        keys.MODEL_JOBLIB: joblib_bytes(estimator),
        keys.MODEL_ONNX: to_onnx(estimator, night.pipeline.n_columns),
    }
    short_digest = describe_file(files[keys.MODEL_ONNX]).sha256[:8]
    version = f"{started_at:%Y%m%dT%H%M%SZ}-{short_digest}"
    draft = _manifest(night, chosen, version, started_at, seed, code_commit)
    files[keys.REPORT] = render_report(draft).encode()
    described = {name: describe_file(body) for name, body in files.items()}
    manifest = replace(draft, files=described)
    sha256 = publish_version(
        night.store, manifest, files, signing_key=signing_key, trusted=trust.trainers
    )
    summary = {
        "version": version,
        "manifest_sha256": sha256,
        "size_bytes": sum(entry.size_bytes for entry in described.values()),
    }
    night.write_json("version.json", summary)
    return summary


def infra_validate(
    night: Night, packaged: dict[str, Any], chosen: dict[str, Any], trust: Trust
) -> dict[str, Any]:
    """Return how the published files behave in the scorer's own code, on every test row."""
    test = read_side(night, "test")
    served = load_version(night.store, _provisional_pointer(night, packaged), trust)
    probability = served.model.score(test.items)
    expected = read_chosen(night, chosen).predict_proba(test.X)[:, 1]
    figures = {
        "onnx_difference": float(np.abs(probability - expected).max()),
        "latency_us": _median_latency_us(served.model.score, test.items),
        "size_bytes": packaged["size_bytes"],
    }
    night.write_json("infra_validation.json", figures)
    return figures


def gate(night: Night, evidence: dict[str, Any]) -> list[str]:
    """Return the sentence of every rule, all passed.

    Parameters
    ----------
    evidence : dict
        What `include.evaluation.gate.judge` asks for.

    Raises
    ------
    GateRejectedError
        If one was not; all sentences are kept under the run.
    """
    verdicts = judge(evidence, night.pipeline.policy)
    night.write_json("gate.json", [asdict(verdict) for verdict in verdicts])
    for verdict in verdicts:
        _log.info("%s: %s", "passed" if verdict.passed else "REJECTED", verdict.sentence)
    if rejected := rejections(verdicts):
        raise GateRejectedError(f"{night.pipeline.name}: {'; '.join(rejected)}")
    return [verdict.sentence for verdict in verdicts]


def promote(
    night: Night,
    packaged: dict[str, Any],
    *,
    expected_serial: int,
    approved_by: str,
    approved_at: datetime,
    reason: str,
    key: ec.EllipticCurvePrivateKey,
    trust: Trust,
) -> Pointer:
    """Return the pointer with which the run's version came into force, exactly once.

    Errors are those of `include.registry.approve.approve`.
    """
    request = Request(
        pipeline=night.pipeline.name,
        version=packaged["version"],
        approved_by=approved_by,
        approved_at=approved_at.isoformat(timespec="seconds"),
        reason=reason,
        run_id=night.run_id,
        expected_serial=expected_serial,
        manifest_sha256=packaged["manifest_sha256"],
    )
    return approve(night.store, request, key, trust.approvers)


def _manifest(
    night: Night,
    chosen: dict[str, Any],
    version: str,
    started_at: datetime,
    seed: int,
    code_commit: str,
) -> Manifest:
    """Return the manifest of a version whose files are not made yet."""
    pipeline = night.pipeline
    evaluation, snapshot = night.read_json("evaluation.json"), night.read_json("snapshot.json")
    shown = ("test", "random_split", "champion_on_same_rows", "ceiling", "fpr_interval")
    return Manifest(
        pipeline=pipeline.name,
        version=version,
        created_at=started_at.isoformat(timespec="seconds"),
        files={},
        inputs=pipeline.inputs,
        target=pipeline.target.name,
        labels={"0": "Legitimate", "1": "Phishing"},
        threshold=chosen["threshold"],
        fpr_budget=chosen["fpr_budget"],
        metrics={
            **{name: evaluation[name] for name in shown},
            "calibration": chosen["calibration"],
            "candidates": [
                night.read_json(f"candidates/{family}.json") for family in chosen["candidates"]
            ],
            "slices": {},
        },
        snapshot={
            "digest": snapshot["digest"],
            "rows": evaluation["rows"],
            "simulated": snapshot["simulated_rows"] > 0,
            "validation": night.read_json("validation.json")["docs"],
        },
        code_commit=code_commit,
        libraries={
            "python": platform.python_version(),
            **{name: library_version(name) for name in _LIBRARIES},
        },
        seed=seed,
        model={"family": chosen["family"], "params": chosen["params"], "run_id": night.run_id},
        features=pipeline.features.name if pipeline.features else "",
    )


def _provisional_pointer(night: Night, packaged: dict[str, Any]) -> Pointer:
    """Return what a pointer to the version would say; it is never signed nor written."""
    return Pointer(
        pipeline=night.pipeline.name,
        version=packaged["version"],
        serial=1,
        manifest_sha256=packaged["manifest_sha256"],
        approved_by="",
        approved_at="",
        reason="infra-validation",
        run_id=night.run_id,
    )


def _median_latency_us(score: Callable[[npt.NDArray[Any]], object], items: Any) -> float:
    """Return the median time of scoring one item in process, in microseconds."""
    times = []
    for index in range(_TIMED_RECORDS):
        item = items[index % len(items)][np.newaxis]
        started = time.perf_counter_ns()
        score(item)
        times.append(time.perf_counter_ns() - started)
    return float(np.median(times)) / 1_000
