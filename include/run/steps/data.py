"""From MongoDB to accepted rows: snapshot, and validation with quarantine."""

import logging
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from include.contract import keys
from include.contract.run_documents import SnapshotSummary, ValidationSummary
from include.ingest.labels.selection import select_records
from include.ingest.snapshot.snapshots import (
    read_snapshot,
    read_type_errors,
    renew_snapshot,
    take_snapshot,
)
from include.registry.references import current_digest
from include.run.first_attempt import TrainerKeys, read_first, replace_first
from include.run.run_context import RunContext, recorded_step
from include.stores.documents import Documents
from include.validation.validate import ValidationOutcome

_log = logging.getLogger(__name__)
ACCEPTED = "accepted.parquet"


@recorded_step("take_snapshot")
def snapshot(
    run: RunContext,
    collection: Documents,
    read_at: datetime,
    trainer: TrainerKeys,
    known_on: datetime | None = None,
) -> SnapshotSummary:
    """Return the digest and the size of the run's snapshot of the collection, in the bucket.

    A second attempt of the run uses the snapshot of the first one, as long as that is kept.

    Parameters
    ----------
    run : RunContext
    collection : pymongo Collection
    read_at : datetime
        The time now, aware: no record can be younger.
    trainer : TrainerKeys
        Sign what a second attempt may take over.
    known_on : datetime, optional
        Aware: only records that were known then.

    Errors are those of `include.ingest.snapshot.snapshots.take_snapshot`.
    """
    summary = _earlier_snapshot(run, trainer)
    if summary is None:
        feeds = run.pipeline.feeds
        chosen = select_records(
            collection,
            run.pipeline.target,
            [feed.name for feed in feeds.feeds],
            feeds.max_source_share,
            read_at,
            since=run.pipeline.first_seen or "",
            known_on=known_on,
        )
        taken = take_snapshot(
            collection, run.pipeline.columns, run.store, run.pipeline.name, query=chosen
        )
        summary = SnapshotSummary(
            digest=taken.digest,
            rows=taken.n_rows,
            simulated_rows=taken.n_simulated,
            read_at=read_at.isoformat(timespec="seconds"),
            reference=current_digest(run.store, trainer.trusted) if run.pipeline.features else "",
            known_on=known_on.isoformat(timespec="seconds") if known_on else "",
        )
        _log.info("%s: %d rows, snapshot %s", run.pipeline.name, summary.rows, summary.digest)
        replace_first(run, SnapshotSummary.NAME, summary, trainer)
    run.write(summary)
    return summary


def _earlier_snapshot(run: RunContext, trainer: TrainerKeys) -> SnapshotSummary | None:
    """Return what an earlier attempt of the run took, if it is kept."""
    name = run.pipeline.name
    summary = read_first(run, SnapshotSummary, SnapshotSummary.NAME, trainer.trusted)
    if summary is None:
        return None
    if not renew_snapshot(run.store, name, summary.digest):
        _log.warning("%s: snapshot %s of this run is not kept any more", name, summary.digest)
        return None
    _log.info(
        "%s: this run read %d rows at %s, and uses them again (snapshot %s); "
        "a new run reads the collection anew",
        *(name, summary.rows, summary.read_at, summary.digest),
    )
    return summary


@recorded_step("validate")
def validate(run: RunContext, gx_root: Path) -> ValidationSummary:
    """Return how many rows were accepted and quarantined; rules and reasons are in the Data Docs.

    Parameters
    ----------
    run : RunContext
        With its snapshot.
    gx_root : Path

    Raises
    ------
    DataRejectedError
        If a rule of the whole data set is broken; docs and quarantine are written all the same.
    """
    from include.validation.data_docs.build import publish_docs

    name = run.pipeline.name
    with TemporaryDirectory(prefix="nightcatch-validate-") as work_dir:
        outcome = _run_suite(run, run.read(SnapshotSummary), gx_root, Path(work_dir))
        docs_key = publish_docs(outcome.docs_dir, run.store, name, run.run_id)
    quarantine_key = keys.quarantine(name, run.run_id)
    run.store.put(quarantine_key, outcome.quarantined.to_parquet(index=False))
    summary = ValidationSummary(
        accepted=len(outcome.accepted),
        quarantined=len(outcome.quarantined),
        warnings=tuple(outcome.warnings),
        failures=tuple(outcome.failures),
        docs=docs_key,
        quarantine=quarantine_key,
        statistics=outcome.statistics,
    )
    run.write(summary)
    for sentence in outcome.warnings:
        _log.warning("%s: %s", name, sentence)
    outcome.raise_if_rejected()
    run.write_frame(ACCEPTED, outcome.accepted)
    return summary


def _run_suite(
    run: RunContext, taken: SnapshotSummary, gx_root: Path, work_dir: Path
) -> ValidationOutcome:
    from include.validation.validate import validate as run_suite

    name, compute = run.pipeline.name, run.pipeline.suite_columns
    frame = read_snapshot(run.store, name, taken.digest)
    read_at = datetime.fromisoformat(taken.known_on or taken.read_at)  # no record can be younger
    return run_suite(
        frame,
        suite_name=name,
        gx_root=gx_root,
        run_id=run.run_id,
        max_quarantined_share=run.pipeline.max_quarantined_share,
        work_dir=work_dir,
        type_errors=read_type_errors(run.store, name, taken.digest),
        computed=compute(frame, read_at) if compute else None,
    )
