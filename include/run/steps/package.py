"""From an evaluated model to a signed version: models, report, model card, bill of materials."""

import logging
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib.metadata import version as library_version
from pathlib import Path
from typing import Any

from include.contract import keys
from include.contract.manifest import Manifest, describe_file
from include.contract.run_documents import (
    CandidateResult,
    ChosenModel,
    DriftSummary,
    Evaluation,
    MeasuredTimes,
    PackagedVersion,
    Replay,
    ReportFigures,
    SearchTime,
    ServingFigures,
    SnapshotSummary,
    SplitSummary,
    ValidationSummary,
)
from include.inference.model import load_model
from include.registry.follow.verify import TrustedKeys
from include.registry.publish import publish_version
from include.registry.references import read_reference_bytes
from include.reporting import libraries
from include.reporting.bom import bill_of_materials
from include.reporting.model_card import model_card
from include.reporting.report import render_report
from include.reporting.report_inputs import ReportInputs
from include.run.first_attempt import TrainerKeys, keep_first
from include.run.rows import Rows, read_side
from include.run.run_context import RunContext, recorded_step
from include.run.steps import report_figures
from include.run.steps.gate import apply_rules
from include.run.steps.serving_checks import largest_difference, median_latency_us
from include.run.steps.training import read_chosen
from include.training.joblib_bytes import joblib_bytes
from include.training.onnx.export import to_onnx
from include.urls.reference.container import from_bytes

_log = logging.getLogger(__name__)
_SHOWN = (
    *("test", "random_split", "champion_on_same_rows", "ceiling"),
    *("fpr_interval", "review_fpr_interval", "slices", "verdicts"),
)


@dataclass(frozen=True)
class BuildInfo:
    """How and when a version is built.

    Attributes
    ----------
    started_at : datetime
        When the run was due, in UTC; it names the version, in a second attempt too.
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


@recorded_step("package")
def package(
    run: RunContext, made: BuildInfo, *, signing_key: Path, trusted_keys: TrustedKeys
) -> PackagedVersion:
    """Return the name and manifest digest of a version now complete and signed in the bucket.

    The report shows the verdict of every gate rule, evaluated on the files to be published; the
    gate evaluates them again on what was published. Drift must have been measured before.

    Parameters
    ----------
    run : RunContext
    made : BuildInfo
    signing_key : Path
        The trainer's.
    trusted_keys : TrustedKeys
    """
    estimator, chosen = read_chosen(run), run.read(ChosenModel)
    files = {
        keys.MODEL_JOBLIB: joblib_bytes(estimator),
        keys.MODEL_ONNX: to_onnx(estimator, run.pipeline.n_columns),
    }
    if known := run.read(SnapshotSummary).reference:
        files[keys.REFERENCE] = read_reference_bytes(run.store, known)
    trainer = TrainerKeys.read(signing_key, trusted_keys.trainers)
    test = read_side(run, "test")
    figures = report_figures.compute(run, chosen, estimator, test, made.seed)
    draft = _manifest(run, chosen, made, files)
    serving = _measure(run, draft, estimator, files, test, trainer)
    shown = _report_inputs(run, chosen, made, draft, serving, trusted_keys)
    shown = replace(shown, **vars(figures))
    files |= {
        keys.REPORT: render_report(draft, shown).encode(),
        keys.MODEL_CARD: model_card(draft, shown),
        keys.BOM: bill_of_materials(draft, shown, libraries.installed(), made.lock),
    }
    manifest = replace(draft, files={name: describe_file(body) for name, body in files.items()})
    sha256 = publish_version(
        run.store, manifest, files, signing_key=signing_key, trusted=trusted_keys.trainers
    )
    packaged = PackagedVersion(manifest.version, sha256, _model_bytes(draft))
    run.write(packaged)
    _log.info(
        "%s: %s of %d files, %d bytes, those of the models %d",
        *(manifest.pipeline, manifest.version, len(manifest.files)),
        *(sum(file.size_bytes for file in manifest.files.values()), packaged.size_bytes),
    )
    return packaged


def _measure(
    run: RunContext,
    draft: Manifest,
    estimator: Any,
    files: Mapping[str, bytes],
    test: Rows,
    trainer: TrainerKeys,
) -> tuple[ServingFigures, MeasuredTimes]:
    """Return how the files to be published behave in the scorer's code."""
    served = load_model(files[keys.MODEL_ONNX], draft, files.get(keys.REFERENCE, b""))
    chosen = run.read(ChosenModel)
    # Times are measured once: a second attempt must give the same bytes.
    times = keep_first(
        run,
        MeasuredTimes,
        MeasuredTimes.NAME.format(version=draft.version),
        lambda: MeasuredTimes(
            latency_us=median_latency_us(served.score, test.items),
            search={
                family: vars(run.read(SearchTime, SearchTime.NAME.format(family=family)))
                for family in chosen.candidates
            },
        ),
        trainer,
    )
    difference = largest_difference(served, estimator, test)
    return ServingFigures(difference, times.latency_us, _model_bytes(draft)), times


def _report_inputs(
    run: RunContext,
    chosen: ChosenModel,
    made: BuildInfo,
    draft: Manifest,
    measured: tuple[ServingFigures, MeasuredTimes],
    trusted_keys: TrustedKeys,
) -> ReportInputs:
    """Return what the report shows besides its figures, the verdicts of the gate among it."""
    serving, times = measured
    evaluation, drift, replay = run.read(Evaluation), run.read(DriftSummary), run.read(Replay)
    verdicts = apply_rules(
        chosen,
        evaluation,
        serving,
        drift,
        replay,
        run.pipeline.policy,
        accept_drift=made.accept_drift,
    )
    return ReportInputs(
        title=run.pipeline.title,
        sources={dataset.name: dataset.rows_sha256 for dataset in run.pipeline.datasets},
        evaluation=asdict(evaluation),
        verdicts=[asdict(verdict) for verdict in verdicts],
        champion=report_figures.describe_champion(run, trusted_keys),
        validation=asdict(run.read(ValidationSummary)),
        drift=asdict(drift),
        replay=asdict(replay),
        meanings={each.name: each.description.partition(":")[0] for each in draft.inputs},
        seconds=times.search,
    )


def _manifest(
    run: RunContext, chosen: ChosenModel, made: BuildInfo, files: dict[str, bytes]
) -> Manifest:
    """Return the manifest of a version of which only the models are made yet."""
    pipeline, evaluation = run.pipeline, run.read(Evaluation)
    snapshot, parted = run.read(SnapshotSummary), run.read(SplitSummary)
    short_digest = describe_file(files[keys.MODEL_ONNX]).sha256[:8]
    return Manifest(
        pipeline=pipeline.name,
        version=f"{made.started_at:%Y%m%dT%H%M%SZ}-{short_digest}",
        created_at=snapshot.read_at,
        files={name: describe_file(body) for name, body in files.items()},
        inputs=pipeline.inputs,
        target=pipeline.target.name,
        labels={"0": "Legitimate", "1": "Phishing"},
        thresholds=chosen.thresholds,
        budgets=chosen.budgets,
        metrics=_metrics(run, chosen, evaluation),
        snapshot={
            "digest": snapshot.digest,
            "rows": evaluation.rows,
            "added": dict(parted.added),
            "known_on": snapshot.known_on,
            "origins": [dict(each) for each in parted.origins],
            "simulated": snapshot.simulated_rows > 0,
            "validation": run.read(ValidationSummary).docs,
        },
        code_commit=made.code_commit,
        libraries={"python": platform.python_version()}
        | {name: library_version(name) for name in libraries.DIRECT},
        seed=made.seed,
        model={
            "family": chosen.family,
            "params": chosen.params,
            "order": chosen.order,
            "run_id": run.run_id,
            "report_figures": run.digest(ReportFigures.NAME),
        },
        features=pipeline.features.name if pipeline.features else "",
        reference=_described_reference(files.get(keys.REFERENCE, b"")),
    )


def _described_reference(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    known = from_bytes(body).known
    return {
        "digest": describe_file(body).sha256,
        "names": len(known.ranks),
        "sources": list(known.sources),
    }


def _metrics(run: RunContext, chosen: ChosenModel, evaluation: Evaluation) -> dict[str, Any]:
    files = (CandidateResult.NAME.format(family=family) for family in chosen.candidates)
    return {
        **{name: getattr(evaluation, name) for name in _SHOWN},
        "calibration": chosen.calibration,
        "candidates": [asdict(run.read(CandidateResult, file)) for file in files],
    }


def _model_bytes(manifest: Manifest) -> int:
    return sum(
        entry.size_bytes
        for name, entry in manifest.files.items()
        if name in (keys.MODEL_JOBLIB, keys.MODEL_ONNX, keys.REFERENCE)
    )
