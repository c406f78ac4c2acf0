"""From MongoDB to accepted rows: snapshot, validation with quarantine, drift."""

import logging
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from include.contract import keys
from include.errors import ObjectMissingError
from include.ingest.snapshot.snapshots import (
    read_snapshot,
    read_type_errors,
    renew_snapshot,
    take_snapshot,
)
from include.run.run_context import RunContext
from include.stores.documents import Documents

_log = logging.getLogger(__name__)
ACCEPTED = "accepted.parquet"
_SNAPSHOT = "snapshot.json"


def snapshot(run: RunContext, collection: Documents, read_at: datetime) -> dict[str, Any]:
    """Return the digest and the size of the run's snapshot of the collection, in the bucket.

    A run that is made again gets the snapshot it had, as long as that is kept.

    Parameters
    ----------
    night : Night
    collection : pymongo Collection
    read_at : datetime
        The time now, aware: no record can be younger.

    Errors are those of `include.ingest.snapshot.snapshots.take_snapshot`.
    """
    pipeline = run.pipeline
    if (earlier := _earlier_snapshot(run)) is not None:
        return earlier
    taken = take_snapshot(collection, pipeline.columns, run.store, pipeline.name)
    summary = {
        "digest": taken.digest,
        "rows": taken.n_rows,
        "simulated_rows": collection.count_documents({"simulated": True}),
        "read_at": read_at.isoformat(timespec="seconds"),
    }
    run.write_json(_SNAPSHOT, summary)
    _log.info("%s: %d rows, snapshot %s", pipeline.name, taken.n_rows, taken.digest)
    return summary


def _earlier_snapshot(run: RunContext) -> dict[str, Any] | None:
    """Return what an earlier attempt of the run took, if it is kept."""
    name = run.pipeline.name
    try:
        summary: dict[str, Any] = run.read_json(_SNAPSHOT)
    except ObjectMissingError:
        return None
    if not renew_snapshot(run.store, name, summary["digest"]):
        _log.warning("%s: snapshot %s of this run is not kept any more", name, summary["digest"])
        return None
    _log.info(
        "%s: this run read %d rows at %s, and uses them again (snapshot %s); "
        "a new run reads the collection anew",
        *(name, summary["rows"], summary["read_at"], summary["digest"]),
    )
    return summary


def validate(
    run: RunContext, digest: str, gx_root: Path, read_at: datetime | None = None
) -> dict[str, Any]:
    """Return how many rows were accepted and quarantined; rules and reasons are in the Data Docs.

    Parameters
    ----------
    night : Night
    digest : str
        Of the snapshot.
    gx_root : Path
    read_at : datetime, optional
        When the records were read: none can be younger.

    Raises
    ------
    DataRejectedError
        If a rule of the whole data set is broken; docs and quarantine are written all the same.
    """
    from include.validation.data_docs.build import publish_docs
    from include.validation.validate import validate as run_suite

    name, compute = run.pipeline.name, run.pipeline.suite_columns
    frame = read_snapshot(run.store, name, digest)
    with TemporaryDirectory(prefix="nightcatch-validate-") as work_dir:
        outcome = run_suite(
            frame,
            suite_name=name,
            gx_root=gx_root,
            run_id=run.run_id,
            max_quarantined_share=run.pipeline.max_quarantined_share,
            work_dir=Path(work_dir),
            type_errors=read_type_errors(run.store, name, digest),
            computed=compute(frame, read_at) if compute else None,
        )
        docs_key = publish_docs(outcome.docs_dir, run.store, name, run.run_id)
    quarantine_key = keys.quarantine(name, run.run_id)
    run.store.put(quarantine_key, outcome.quarantined.to_parquet(index=False))
    summary = {
        "accepted": len(outcome.accepted),
        "quarantined": len(outcome.quarantined),
        "warnings": list(outcome.warnings),
        "failures": list(outcome.failures),
        "docs": docs_key,
        "quarantine": quarantine_key,
    }
    run.write_json("validation.json", {**summary, "statistics": outcome.statistics})
    for sentence in outcome.warnings:
        _log.warning("%s: %s", name, sentence)
    outcome.raise_if_rejected()
    run.write_frame(ACCEPTED, outcome.accepted)
    return summary
