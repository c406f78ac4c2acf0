"""Find the causes of failed and late training runs in the documents of the run."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from include.contract import keys
from include.contract.run_documents import (
    DriftSummary,
    GateVerdicts,
    PackagedVersion,
    ValidationSummary,
)
from include.errors import ApprovalRejectedError, StoreUnavailableError
from include.notify.kinds import (
    Cause,
    DriftAboveLimit,
    GateRejected,
    QuarantineAboveLimit,
    RunFailed,
    RunLate,
)
from include.pipelines import Pipeline
from include.stores.objects import ObjectStore
from include.tracking.record import read_document

DRIFT_RULE = "drift"


def causes_of_failure(
    store: ObjectStore, pipeline: Pipeline, failed: RunFailed
) -> tuple[Cause, ...]:
    """Return each cause of a failed run once; none when a person rejected it.

    Parameters
    ----------
    store : ObjectStore
        If S3 is unavailable, the only cause is that the run failed.
    pipeline : Pipeline
    failed : RunFailed
        The failure as Airflow reports it.
    """
    try:
        if "validate" in failed.reasons:
            found = list(_quarantine(store, pipeline, failed))
        elif "gate" in failed.reasons:
            found = list(_gate(store, pipeline, failed))
        elif failed.reasons.get("approve", "").startswith(ApprovalRejectedError.__name__):
            return ()
        else:
            found = []
    except StoreUnavailableError:
        found = []
    return tuple(found) or (failed,)


def _quarantine(store: ObjectStore, pipeline: Pipeline, failed: RunFailed) -> Iterator[Cause]:
    found = read_document(store, pipeline.name, failed.run_id, ValidationSummary)
    limit = pipeline.max_quarantined_share
    rows = found.accepted + found.quarantined if found else 0
    if found and found.quarantined > limit * rows:
        yield QuarantineAboveLimit(
            pipeline.name,
            failed.run_id,
            quarantined=found.quarantined,
            rows=rows,
            limit=limit,
            reasons=found.statistics["reasons"],
            link=failed.link,
        )


def _gate(store: ObjectStore, pipeline: Pipeline, failed: RunFailed) -> Iterator[Cause]:
    name, run_id = pipeline.name, failed.run_id
    gate = read_document(store, name, run_id, GateVerdicts)
    verdicts = gate.verdicts if gate else ()
    rejected = [verdict for verdict in verdicts if not verdict.passed]
    drift = read_document(store, name, run_id, DriftSummary)
    if drift and any(verdict.rule == DRIFT_RULE for verdict in rejected):
        yield _drift(pipeline, failed, drift)
    others = [each.sentence for each in rejected if each.rule != DRIFT_RULE]
    packaged = read_document(store, name, run_id, PackagedVersion)
    if others and packaged:
        yield GateRejected(name, run_id, packaged.version, others, len(verdicts), failed.link)


def _drift(pipeline: Pipeline, failed: RunFailed, found: DriftSummary) -> Cause:
    limit = found.limits["block_kl"]
    moved = {each["column"]: each["kl"] for each in found.columns if each["kl"] > limit}
    return DriftAboveLimit(
        pipeline.name,
        failed.run_id,
        reference=found.reference or "",
        moved=moved,
        limit=limit,
        link=failed.link,
    )


_MINUTE = timedelta(minutes=1)


def late_run(
    store: ObjectStore,
    pipeline: str,
    dag_id: str,
    run_id: str,
    queued_at: datetime,
    now: datetime,
    link: str,
) -> RunLate:
    """Return the cause of a late run, with its last step.

    Parameters
    ----------
    store : ObjectStore
    pipeline, dag_id, run_id : str
    queued_at, now : datetime
        Aware.
    link : str
    """
    minutes = (now - queued_at) / _MINUTE
    return RunLate(dag_id, run_id, minutes, _last_step(store, pipeline, run_id, now), link)


def _last_step(store: ObjectStore, pipeline: str, run_id: str, now: datetime) -> str:
    prefix = keys.run_prefix(pipeline, run_id)
    try:
        entries = list(store.entries_under(prefix))
    except StoreUnavailableError:
        return "its last step is unknown, because S3 is unavailable"
    if not entries:
        return "it has written nothing yet"
    last = max(entries, key=lambda entry: entry.modified_at)
    minutes = (now - last.modified_at) / _MINUTE
    return f"it last wrote {last.key.removeprefix(prefix)}, {max(minutes, 0):.0f} minutes ago"
