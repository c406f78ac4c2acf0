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
from include.evaluation.gate import judge
from include.nightly import libraries, portrait
from include.nightly.model import read_chosen
from include.nightly.night import Night
from include.nightly.rows import read_side
from include.nightly.trial import largest_difference, median_latency_us
from include.registry.follow.believe import Trust
from include.registry.publish import publish_version
from include.reporting.bom import bill_of_materials
from include.reporting.evidence import Evidence
from include.reporting.model_card import model_card
from include.reporting.report import render_report
from include.services.scorer.model import load_model
from include.training.package import to_onnx
from include.training.pickled import joblib_bytes

_log = logging.getLogger(__name__)
_SHOWN = ("test", "random_split", "champion_on_same_rows", "ceiling", "fpr_interval", "slices")


@dataclass(frozen=True)
class Circumstances:
    """How a version comes to be, as whoever makes it says.

    Attributes
    ----------
    started_at : datetime
        When the run was due, in UTC: the night that names the version, in a second attempt too.
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
    night: Night,
    chosen: dict[str, Any],
    made: Circumstances,
    *,
    signing_key: Path,
    trust: Trust,
) -> dict[str, Any]:
    """Return the name and manifest digest of a version now complete and signed in the bucket.

    The report holds every verdict of the gate, reached here on the files to be published; the
    gate repeats them on what was published. Drift must have been measured before.

    Parameters
    ----------
    chosen : dict
        What `include.nightly.model.choose` returned.
    made : Circumstances
    signing_key : Path
        The trainer's.
    trust : Trust
    """
    estimator = read_chosen(night, chosen)
    files = {
        keys.MODEL_JOBLIB: joblib_bytes(estimator),
        keys.MODEL_ONNX: to_onnx(estimator, night.pipeline.n_columns),
    }
    draft = _manifest(night, chosen, made, files)
    shown = _evidence(night, chosen, made, draft, estimator, files[keys.MODEL_ONNX], trust)
    files |= {
        keys.REPORT: render_report(draft, shown).encode(),
        keys.MODEL_CARD: model_card(draft, shown),
        keys.BOM: bill_of_materials(draft, shown, libraries.installed(), made.lock),
    }
    manifest = replace(draft, files={name: describe_file(body) for name, body in files.items()})
    sha256 = publish_version(
        night.store, manifest, files, signing_key=signing_key, trusted=trust.trainers
    )
    summary = {
        "version": manifest.version,
        "manifest_sha256": sha256,
        "size_bytes": _model_bytes(draft),
    }
    night.write_json("version.json", summary)
    _log.info(
        "%s: %s of %d files, %d bytes, those of the models %d",
        *(manifest.pipeline, manifest.version, len(manifest.files)),
        *(sum(file.size_bytes for file in manifest.files.values()), summary["size_bytes"]),
    )
    return summary


def _evidence(
    night: Night,
    chosen: dict[str, Any],
    made: Circumstances,
    draft: Manifest,
    estimator: Any,
    onnx: bytes,
    trust: Trust,
) -> Evidence:
    """Return what the report shows, the verdicts of the gate among it."""
    test = read_side(night, "test")
    served = load_model(onnx, draft)
    # Times are measured once: a second attempt must give the same bytes.
    times = night.keep_first(
        f"times/{draft.version}.json",
        lambda: {
            "latency_us": median_latency_us(served.score, test.items),
            "search": portrait.seconds(night, chosen["candidates"]),
        },
    )
    evaluation, drift = night.read_json("evaluation.json"), night.read_json("drift.json")
    figures = {
        "onnx_difference": largest_difference(served, estimator, test),
        "latency_us": times["latency_us"],
        "size_bytes": _model_bytes(draft),
        "fpr_budget": draft.fpr_budget,
        "accept_drift": made.accept_drift,
        "drift": drift,
    }
    verdicts = judge({**evaluation, **figures}, night.pipeline.policy)
    return Evidence(
        title=night.pipeline.title,
        sources={dataset.name: dataset.sha256 for dataset in night.pipeline.datasets},
        evaluation=evaluation,
        verdicts=[asdict(verdict) for verdict in verdicts],
        champion=portrait.champion_in_words(night, trust),
        validation=night.read_json("validation.json"),
        drift=drift,
        meanings={each.name: each.description.partition(":")[0] for each in draft.inputs},
        seconds=times["search"],
        **portrait.draw(night, chosen, estimator, test, made.seed),
    )


def _manifest(
    night: Night, chosen: dict[str, Any], made: Circumstances, files: dict[str, bytes]
) -> Manifest:
    """Return the manifest of a version of which only the models are made yet."""
    pipeline = night.pipeline
    evaluation, snapshot = night.read_json("evaluation.json"), night.read_json("snapshot.json")
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
                night.read_json(f"candidates/{family}.json") for family in chosen["candidates"]
            ],
        },
        snapshot={
            "digest": snapshot["digest"],
            "rows": evaluation["rows"],
            "simulated": snapshot["simulated_rows"] > 0,
            "validation": night.read_json("validation.json")["docs"],
        },
        code_commit=made.code_commit,
        libraries={
            "python": platform.python_version(),
            **{name: library_version(name) for name in libraries.DIRECT},
        },
        seed=made.seed,
        model={
            "family": chosen["family"],
            "params": chosen["params"],
            "order": chosen["order"],
            "run_id": night.run_id,
        },
        features=pipeline.features.name if pipeline.features else "",
    )


def _model_bytes(manifest: Manifest) -> int:
    return sum(
        entry.size_bytes
        for name, entry in manifest.files.items()
        if name in (keys.MODEL_JOBLIB, keys.MODEL_ONNX)
    )
