"""From a judged model to a signed version folder: models, report, model card, bill of materials."""

import logging
import platform
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib.metadata import version as library_version
from pathlib import Path
from typing import Any

from include.contract import keys
from include.contract.manifest import Manifest, describe_file
from include.evaluation.gate import apply_gate
from include.inference.model import load_model
from include.registry.follow.verify import TrustedKeys
from include.registry.publish import publish_version
from include.reporting.bom import bill_of_materials
from include.reporting.model_card import model_card
from include.reporting.report import render_report
from include.reporting.report_inputs import ReportInputs
from include.run import libraries, report_figures
from include.run.rows import read_side
from include.run.run_context import RunContext
from include.run.serving_checks import largest_difference, median_latency_us
from include.run.training_steps import read_chosen
from include.training.joblib_bytes import joblib_bytes
from include.training.onnx.export import to_onnx

_log = logging.getLogger(__name__)
_SHOWN = ("test", "random_split", "champion_on_same_rows", "ceiling", "fpr_interval", "slices")


@dataclass(frozen=True)
class BuildInfo:
    """How a version comes to be, as whoever makes it says.

    Attributes
    ----------
    started_at : datetime
        When the run was due, in UTC: the run that names the version, in a second attempt too.
    seed : int
    code_commit : str
    accept_drift : bool
        Whether drift beyond the blocking limit was accepted.
    lock : str
        The lock that the libraries were installed from.
    """

    started_at: datetime
    seed: int
    code_commit: str
    accept_drift: bool = False
    lock: str = ""


def package(
    run: RunContext,
    chosen: dict[str, Any],
    made: BuildInfo,
    *,
    signing_key: Path,
    trusted_keys: TrustedKeys,
) -> dict[str, Any]:
    """Return the name and manifest digest of a version now complete and signed in the bucket.

    The report holds every verdict of the gate, reached here on the files to be published; the
    gate repeats them on what was published. Drift must have been measured before.

    Parameters
    ----------
    chosen : dict
        What `include.run.training_steps.choose` returned.
    made : BuildInfo
    signing_key : Path
        The trainer's.
    trust : Trust
    """
    estimator = read_chosen(run, chosen)
    files = {
        keys.MODEL_JOBLIB: joblib_bytes(estimator),
        keys.MODEL_ONNX: to_onnx(estimator, run.pipeline.n_columns),
    }
    draft = _manifest(run, chosen, made, files)
    shown = _gate_inputs(run, chosen, made, draft, estimator, files[keys.MODEL_ONNX], trusted_keys)
    files |= {
        keys.REPORT: render_report(draft, shown).encode(),
        keys.MODEL_CARD: model_card(draft, shown),
        keys.BOM: bill_of_materials(draft, shown, libraries.installed(), made.lock),
    }
    manifest = replace(draft, files={name: describe_file(body) for name, body in files.items()})
    sha256 = publish_version(
        run.store, manifest, files, signing_key=signing_key, trusted=trusted_keys.trainers
    )
    summary = {
        "version": manifest.version,
        "manifest_sha256": sha256,
        "size_bytes": _model_bytes(draft),
    }
    run.write_json("version.json", summary)
    _log.info(
        "%s: %s of %d files, %d bytes, those of the models %d",
        *(manifest.pipeline, manifest.version, len(manifest.files)),
        *(sum(file.size_bytes for file in manifest.files.values()), summary["size_bytes"]),
    )
    return summary


def _gate_inputs(
    run: RunContext,
    chosen: dict[str, Any],
    made: BuildInfo,
    draft: Manifest,
    estimator: Any,
    onnx: bytes,
    trusted_keys: TrustedKeys,
) -> ReportInputs:
    """Return what the report shows, the verdicts of the gate among it."""
    test = read_side(run, "test")
    served = load_model(onnx, draft)
    # Times are measured once: a second attempt must give the same bytes.
    times = run.keep_first(
        f"times/{draft.version}.json",
        lambda: {
            "latency_us": median_latency_us(served.score, test.items),
            "search": report_figures.seconds(run, chosen["candidates"]),
        },
    )
    evaluation, drift = (
        run.read_json("evaluation.json"),
        run.read_json("drift.json"),
    )
    figures = {
        "onnx_difference": largest_difference(served, estimator, test),
        "latency_us": times["latency_us"],
        "size_bytes": _model_bytes(draft),
        "fpr_budget": draft.fpr_budget,
        "accept_drift": made.accept_drift,
        "drift": drift,
    }
    verdicts = apply_gate({**evaluation, **figures}, run.pipeline.policy)
    return ReportInputs(
        title=run.pipeline.title,
        sources={dataset.name: dataset.sha256 for dataset in run.pipeline.datasets},
        evaluation=evaluation,
        verdicts=[asdict(verdict) for verdict in verdicts],
        champion=report_figures.describe_champion(run, trusted_keys),
        validation=run.read_json("validation.json"),
        drift=drift,
        meanings={each.name: each.description.partition(":")[0] for each in draft.inputs},
        seconds=times["search"],
        **report_figures.draw(run, chosen, estimator, test, made.seed),
    )


def _manifest(
    run: RunContext, chosen: dict[str, Any], made: BuildInfo, files: dict[str, bytes]
) -> Manifest:
    """Return the manifest of a version of which only the models are made yet."""
    pipeline = run.pipeline
    evaluation, snapshot = run.read_json("evaluation.json"), run.read_json("snapshot.json")
    short_digest = describe_file(files[keys.MODEL_ONNX]).sha256[:8]
    return Manifest(
        pipeline=pipeline.name,
        version=f"{made.started_at:%Y%m%dT%H%M%SZ}-{short_digest}",
        created_at=snapshot["read_at"],
        files={name: describe_file(body) for name, body in files.items()},
        inputs=pipeline.inputs,
        target=pipeline.target.name,
        labels={"0": "Legitimate", "1": "Phishing"},
        threshold=chosen["threshold"],
        fpr_budget=chosen["fpr_budget"],
        metrics={
            **{name: evaluation[name] for name in _SHOWN},
            "calibration": chosen["calibration"],
            "candidates": [
                run.read_json(f"candidates/{each}.json") for each in chosen["candidates"]
            ],
        },
        snapshot={
            "digest": snapshot["digest"],
            "rows": evaluation["rows"],
            "simulated": snapshot["simulated_rows"] > 0,
            "validation": run.read_json("validation.json")["docs"],
        },
        code_commit=made.code_commit,
        libraries={"python": platform.python_version()}
        | {name: library_version(name) for name in libraries.DIRECT},
        seed=made.seed,
        model={
            "family": chosen["family"],
            "params": chosen["params"],
            "order": chosen["order"],
            "run_id": run.run_id,
        },
        features=pipeline.features.name if pipeline.features else "",
    )


def _model_bytes(manifest: Manifest) -> int:
    return sum(
        entry.size_bytes
        for name, entry in manifest.files.items()
        if name in (keys.MODEL_JOBLIB, keys.MODEL_ONNX)
    )
