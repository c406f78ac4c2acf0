"""Why a run of a training DAG failed, as the documents say that it left in the bucket."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from include.alerts.kinds import (
    Cause,
    DriftAboveLimit,
    GateRejected,
    QuarantineAboveLimit,
    RunFailed,
)
from include.contract import keys
from include.errors import ObjectMissingError, StoreUnavailableError
from include.pipelines import Pipeline
from include.stores.objects import ObjectStore

DRIFT_RULE = "drift"


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
    try:
        if "validate" in failed.reasons:
            found = list(_quarantine(store, pipeline, failed))
        elif "gate" in failed.reasons:
            found = list(_gate(store, pipeline, failed))
        elif "approve" in failed.reasons and _was_answered_no(store, pipeline, failed):
            return ()
        else:
            found = []
    except StoreUnavailableError:
        found = []
    return tuple(found) or (failed,)


def _quarantine(store: ObjectStore, pipeline: Pipeline, failed: RunFailed) -> Iterator[Cause]:
    found = _read(store, pipeline, failed, "validation.json", None)
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


def _gate(store: ObjectStore, pipeline: Pipeline, failed: RunFailed) -> Iterator[Cause]:
    verdicts = _read(store, pipeline, failed, "gate.json", [])
    rejected = [verdict for verdict in verdicts if not verdict["passed"]]
    if any(verdict["rule"] == DRIFT_RULE for verdict in rejected):
        yield _drift(pipeline, failed, _read(store, pipeline, failed, "drift.json", None))
    others = [each["sentence"] for each in rejected if each["rule"] != DRIFT_RULE]
    if others:
        version = _read(store, pipeline, failed, "version.json", {}).get("version", "unknown")
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


def _was_answered_no(store: ObjectStore, pipeline: Pipeline, failed: RunFailed) -> bool:
    answer = _read(store, pipeline, failed, "approval.json", {"approved": True})
    return not answer["approved"]


def _read(
    store: ObjectStore, pipeline: Pipeline, failed: RunFailed, name: str, otherwise: Any
) -> Any:
    try:
        return json.loads(store.get(keys.run_file(pipeline.name, failed.run_id, name)))
    except ObjectMissingError:
        return otherwise
