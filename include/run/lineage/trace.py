"""Trace a prediction back to its version, approval and records; each step is verified."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from include.contract import keys
from include.contract.manifest import Manifest, check_file
from include.contract.pointer import MAX_POINTER_BYTES, Pointer, parse_pointer
from include.contract.signature import any_one
from include.errors import (
    ManifestError,
    ObjectMissingError,
    PredictionUnknownError,
    VersionRefusedError,
)
from include.inference import prediction_ids
from include.ingest.snapshot.snapshots import read_snapshot
from include.pipelines import Pipeline
from include.registry.approve import production_pointer
from include.registry.follow.verify import TrustedKeys, verify_manifest, verify_signature
from include.run.rows import SPLIT_SALT
from include.stores.gzip_lines import gzip_lines
from include.stores.objects import MAX_OBJECT_BYTES, ObjectStore
from include.stores.parquet import read_parquet
from include.training.split import SIDES, assign_sides

# Scorers begin another object at 8 MiB.
_MAX_OBJECT_BYTES = 64 * 1024 * 1024
QUARANTINED, UNKNOWN = "quarantined", "unknown"


@dataclass(frozen=True)
class Trace:
    """The origin of a prediction.

    Attributes
    ----------
    prediction : dict
        The line of the traffic log.
    approval : Pointer
        Which brought the version into production; signed by an approver.
    manifest : Manifest
        Of the version; signed by a trainer, and the one that was approved.
    rows : DataFrame or None
        ``_id`` and ``side`` of every record of the snapshot: ``train``, ``calibration``, ``test``,
        ``quarantined`` or ``unknown``; None when the snapshot is not kept any more.
    report : str or None
        Key of the report, which is the one that was signed.
    not_kept : tuple of str
        What is missing, in a sentence each.
    """

    prediction: dict[str, Any]
    approval: Pointer
    manifest: Manifest
    rows: pd.DataFrame | None
    report: str | None
    not_kept: tuple[str, ...]


def trace(
    store: ObjectStore, pipelines: Sequence[Pipeline], prediction_id: str, trusted_keys: TrustedKeys
) -> Trace:
    """Return the origin of a prediction.

    Parameters
    ----------
    store : ObjectStore
    pipelines : sequence of Pipeline
        Those that may have made it.
    prediction_id : str
        As in the response; row n of a table is ``<id>-<n>``.
    trusted_keys : TrustedKeys

    Raises
    ------
    PredictionUnknownError
        If it is not in the traffic that is kept.
    VersionRefusedError
        If its version, or the approval of it, is not kept any more.
    SignatureError, PointerError, ManifestError
        If something on the way is not what an approver or a trainer signed.
    """
    pipeline, prediction = _find(store, pipelines, prediction_id)
    approval = _approval(store, prediction, trusted_keys)
    manifest = _manifest(store, approval, trusted_keys)
    not_kept: list[str] = []
    report = _report(store, manifest, not_kept)
    rows = _rows(store, pipeline, manifest, not_kept)
    return Trace(prediction, approval, manifest, rows, report, tuple(not_kept))


def _find(
    store: ObjectStore, pipelines: Sequence[Pipeline], prediction_id: str
) -> tuple[Pipeline, dict[str, Any]]:
    if not prediction_ids.is_id(prediction_id):
        raise PredictionUnknownError(f"{prediction_id!r} is not an id of a prediction")
    day = prediction_ids.day_of(prediction_id)
    n_objects = 0
    # The id almost always identifies the pipeline.
    for pipeline in sorted(
        pipelines, key=lambda each: not prediction_ids.is_of(prediction_id, each.name)
    ):
        for key in store.keys_under(keys.traffic_prefix(pipeline.name, day)):
            n_objects += 1
            for line in _lines(store.get(key, _MAX_OBJECT_BYTES), prediction_id):
                return pipeline, line
    kept = f"none of its {n_objects} objects holds it" if n_objects else "none is kept"
    raise PredictionUnknownError(
        f"no prediction {prediction_id} in the traffic of {day}: {kept}; traffic is logged with a "
        "delay of seconds, if NIGHTCATCH_TRAFFIC_LOG is on, and deleted by ./nightcatch retain"
    )


def _lines(body: bytes, prediction_id: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of the prediction, or of the first row of its table."""
    start = prediction_id.encode()
    for raw in gzip_lines(body):
        if start in raw:
            line = json.loads(raw)
            if line["id"] == prediction_id or line["id"].startswith(f"{prediction_id}-"):
                yield line


def _approval(store: ObjectStore, prediction: dict[str, Any], trusted_keys: TrustedKeys) -> Pointer:
    name, serial = prediction["pipeline"], int(prediction["serial"])
    try:
        body = store.get(keys.history(name, serial), MAX_POINTER_BYTES)
        approvers = any_one(trusted_keys.approvers)
        pointer: Pointer | None = parse_pointer(body, approvers, pipeline=name)
    except ObjectMissingError:
        pointer = production_pointer(
            store, name, trusted_keys.approvers
        )  # written just before its history
    if pointer is None or pointer.serial != serial:
        raise VersionRefusedError(f"{name}: the approval of serial {serial} is not kept any more")
    if pointer.version != prediction["version"]:
        raise ManifestError(
            f"{name}: the traffic says that {prediction['version']} answered under serial "
            f"{serial}, but what was approved under it is {pointer.version}"
        )
    return pointer


def _manifest(store: ObjectStore, pointer: Pointer, trusted_keys: TrustedKeys) -> Manifest:
    name, version = pointer.pipeline, pointer.version
    try:
        body = store.get(keys.version_file(name, version, keys.MANIFEST))
        bundle = store.get(keys.version_file(name, version, keys.SIGNATURE))
    except ObjectMissingError as err:
        raise VersionRefusedError(f"{name}: version {version} is not kept any more") from err
    manifest = verify_manifest(body, pointer)
    verify_signature(bundle, manifest, body, trusted_keys)
    return manifest


def _report(store: ObjectStore, manifest: Manifest, not_kept: list[str]) -> str | None:
    key = keys.version_file(manifest.pipeline, manifest.version, keys.REPORT)
    if keys.REPORT not in manifest.files:
        not_kept.append("the version has no report")
        return None
    try:
        check_file(keys.REPORT, store.get(key), manifest.files[keys.REPORT])
    except ObjectMissingError:
        not_kept.append("the report")
        return None
    return key


def _rows(
    store: ObjectStore, pipeline: Pipeline, manifest: Manifest, not_kept: list[str]
) -> pd.DataFrame | None:
    """Return the records of the snapshot, proved to be those that the manifest names."""
    name, digest = pipeline.name, str(manifest.snapshot["digest"])
    try:
        frame = read_snapshot(store, name, digest)
    except ObjectMissingError:
        not_kept.append(f"snapshot {digest}, and with it which records were used")
        return None
    run_id = str(manifest.model.get("run_id", ""))
    try:
        stored = store.get(keys.quarantine(name, run_id), MAX_OBJECT_BYTES)
    except ObjectMissingError:
        not_kept.append(f"which of the snapshot's records the run {run_id} put in quarantine")
        return pd.DataFrame({"_id": frame["_id"], "side": UNKNOWN})
    rejected = read_parquet(stored, ["_id"], max_rows=len(frame))
    quarantined = frame["_id"].isin(rejected["_id"].to_pylist()).to_numpy()
    sides = np.full(len(frame), QUARANTINED, dtype=object)
    groups = pipeline.group_keys(frame[~quarantined].reset_index(drop=True))
    sides[~quarantined] = assign_sides(groups, SPLIT_SALT, pipeline.shares)
    used = {side: int(np.sum(sides == side)) for side in SIDES}
    if used != manifest.snapshot["rows"]:
        not_kept.append(
            f"the split that the version was made with: it says {manifest.snapshot['rows']}, "
            f"today's code {used}"
        )
    return pd.DataFrame({"_id": frame["_id"], "side": sides})
