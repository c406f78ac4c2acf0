"""How far the accepted rows have moved from those the champion was trained on."""

import logging
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from include.errors import ObjectMissingError
from include.ingest.snapshot.snapshots import read_snapshot
from include.run.champion import Champion
from include.run.data import ACCEPTED
from include.run.run_context import RunContext
from include.validation.data_docs.build import fetch_source, publish_docs
from include.validation.drift import DriftOutcome, measure_drift, no_reference

_log = logging.getLogger(__name__)


def measure(run: RunContext, champion: Champion | None, gx_root: Path) -> dict[str, Any]:
    """Return the drift of what the pipeline watches, shown in the run's Data Docs as well."""
    if champion is None:
        outcome = no_reference(run.pipeline.name)
    else:
        outcome = _against(run, champion, gx_root)
    run.write_json("drift.json", outcome.to_dict())
    for sentence in outcome.sentences:
        _log.info(sentence)
    return {
        "max_kl": outcome.max_kl,
        "max_psi": outcome.max_psi,
        "blocked": list(outcome.blocked),
        "sentences": list(outcome.sentences),
    }


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
