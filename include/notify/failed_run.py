"""Why a run of a training DAG failed, as the documents say that it left in the bucket."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from include.contract.gate_verdicts import GATE
from include.errors import StoreUnavailableError
from include.notify.kinds import (
    Cause,
    DriftAboveLimit,
    GateRejected,
    QuarantineAboveLimit,
    RunFailed,
)
from include.pipelines import Pipeline
from include.stores.objects import ObjectStore
from include.tracking.record import read_document

DRIFT_RULE = "drift"
# Takes the name of a document of the run, and what to return where there is none.
_Read = Callable[..., Any]


def causes_of_failure(
    store: ObjectStore, pipeline: Pipeline, failed: RunFailed
) -> tuple[Cause, ...]:
    """Return each cause of a failed run once; none when a person had said no.

    Parameters
    ----------
    store : ObjectStore
        With S3 away, all that is known is that the run failed.
    pipeline : Pipeline
    failed : RunFailed
        What Airflow knows of it.
    """
    read = partial(read_document, store, pipeline.name, failed.run_id)
    try:
        if "validate" in failed.reasons:
            found = list(_quarantine(read, pipeline, failed))
        elif "gate" in failed.reasons:
            found = list(_gate(read, pipeline, failed))
        elif "approve" in failed.reasons and _was_answered_no(read):
            return ()
        else:
            found = []
    except StoreUnavailableError:
        found = []
    return tuple(found) or (failed,)


def _quarantine(read: _Read, pipeline: Pipeline, failed: RunFailed) -> Iterator[Cause]:
    found = read("validation.json")
    limit = pipeline.max_quarantined_share
    rows = found["accepted"] + found["quarantined"] if found else 0
    if found and found["quarantined"] > limit * rows:
        yield QuarantineAboveLimit(
            pipeline.name,
            failed.run_id,
            quarantined=found["quarantined"],
            rows=rows,
            limit=limit,
            reasons=found["statistics"]["reasons"],
            link=failed.link,
        )


def _gate(read: _Read, pipeline: Pipeline, failed: RunFailed) -> Iterator[Cause]:
    verdicts = read(GATE, [])
    rejected = [verdict for verdict in verdicts if not verdict["passed"]]
    if any(verdict["rule"] == DRIFT_RULE for verdict in rejected):
        yield _drift(pipeline, failed, read("drift.json"))
    others = [each["sentence"] for each in rejected if each["rule"] != DRIFT_RULE]
    if others:
        version = read("version.json")["version"]  # packaged before it was judged
        yield GateRejected(
            pipeline.name, failed.run_id, version, others, len(verdicts), failed.link
        )


def _drift(pipeline: Pipeline, failed: RunFailed, found: Mapping[str, Any]) -> Cause:
    limit = found["limits"]["block_kl"]
    moved = {each["column"]: each["kl"] for each in found["columns"] if each["kl"] > limit}
    return DriftAboveLimit(
        pipeline.name,
        failed.run_id,
        reference=found["reference"],
        moved=moved,
        limit=limit,
        link=failed.link,
    )


def _was_answered_no(read: _Read) -> bool:
    return not read("approval.json", {"approved": True})["approved"]
