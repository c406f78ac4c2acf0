"""Drift of the accepted rows against those that the version in production was trained on."""

import logging
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from include.contract.run_documents import DriftSummary
from include.errors import ObjectMissingError
from include.ingest.snapshot.snapshots import read_snapshot
from include.run.champion import Champion
from include.run.run_context import RunContext, recorded_step
from include.run.steps.data import ACCEPTED
from include.validation.data_docs.build import fetch_source, publish_docs
from include.validation.drift import DriftOutcome, measure_drift, no_reference

_log = logging.getLogger(__name__)


@recorded_step("measure_drift")
def measure(run: RunContext, champion: Champion | None, gx_root: Path) -> DriftSummary:
    """Return the drift of the watched columns, shown in the run's Data Docs as well."""
    if champion is None:
        outcome = no_reference(run.pipeline.name)
    else:
        outcome = _against(run, champion, gx_root)
    summary = DriftSummary(
        reference=outcome.reference,
        columns=tuple(asdict(each) for each in outcome.columns),
        limits=asdict(outcome.limits),
        max_kl=outcome.max_kl,
        max_psi=outcome.max_psi,
        warned=outcome.warned,
        blocked=outcome.blocked,
        sentences=outcome.sentences,
    )
    run.write(summary)
    for sentence in outcome.sentences:
        _log.info(sentence)
    return summary


def _against(run: RunContext, champion: Champion, gx_root: Path) -> DriftOutcome:
    pipeline, version = run.pipeline, champion.manifest.version
    try:
        digest = champion.manifest.snapshot["digest"]
        reference = read_snapshot(run.store, pipeline.name, digest)
    except ObjectMissingError:
        lost = f"{pipeline.name}: the snapshot of {version} is not kept any more, drift is unknown"
        return replace(no_reference(pipeline.name), sentences=(lost,))
    current = pipeline.watched(run.read_frame(ACCEPTED))
    with TemporaryDirectory(prefix="nightcatch-drift-") as work_dir:
        fetch_source(run.store, pipeline.name, run.run_id, Path(work_dir))
        outcome = measure_drift(
            current,
            pipeline.watched(reference),
            [name for name in current.columns if name != "_id"],
            pipeline=pipeline.name,
            reference_name=version,
            gx_root=gx_root,
            run_id=run.run_id,
            work_dir=Path(work_dir),
        )
        if outcome.docs_dir is not None:
            publish_docs(outcome.docs_dir, run.store, pipeline.name, run.run_id)
    return outcome
