"""One day of one pipeline: everything that is looked at, and what is left in the bucket of it."""

import logging
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from include.contract import keys
from include.contract.manifest import Manifest
from include.contract.pointer import Pointer
from include.errors import ManifestError, ManifestSchemaError, MonitoringError, VersionRefusedError
from include.monitoring.audit import SOURCE, draw_audit, evaluate_audit
from include.monitoring.baselines import Baseline, baseline_of, read_report_figures
from include.monitoring.drift.day import watch_drift
from include.monitoring.findings import conclude
from include.monitoring.findings_store import leave_day, read_findings
from include.monitoring.inputs import measure_inputs, watched_inputs
from include.monitoring.limits import Limits, limits_of
from include.monitoring.page import render_day
from include.monitoring.quality import evaluate_quality
from include.monitoring.records.labels import Feedback, read_feedback
from include.monitoring.records.traffic import Item, Traffic, read_traffic
from include.monitoring.scores import measure_scores
from include.pipelines import Pipeline
from include.registry.approve import production_pointer, read_history
from include.registry.follow.verify import TrustedKeys, verify_manifest
from include.registry.versions import read_signed_manifest
from include.stores.objects import ObjectStore

SCHEMA_VERSION = 3
_MOST_SO_FAR = 20_000
_NOT_OVER = {"evaluated": False, "sentences": ["Drift is measured when the day is over."]}
_log = logging.getLogger(__name__)


def watch_day(
    store: ObjectStore, pipeline: Pipeline, day: str, trusted_keys: TrustedKeys, gx_root: Path
) -> dict[str, Any] | None:
    """Evaluate a day's traffic and labels, write figures and page, and return the findings.

    Made of what lies in the bucket alone: a day that is watched again is found the same, and
    its objects replace the earlier ones.

    Parameters
    ----------
    store : ObjectStore
    pipeline : Pipeline
    day : str
        ``YYYY-MM-DD``, in UTC; over.
    trust : Trust
    gx_root : Path
        The repository's ``gx`` folder.

    Returns
    -------
    dict or None
        None when nothing was scored on the day and no label is known: nothing is left of it.

    Raises
    ------
    SignatureError, PointerError, ManifestError
        If the version in production must not be verified.
    MonitoringError
        If the pipeline's limits cannot be read, or the traffic of a day that was watched before is
        not kept any more.
    """
    limits = limits_of(pipeline.name)
    traffic = read_traffic(store, pipeline, day)
    feedback = read_feedback(store, pipeline, day, limits.label_days)
    if not traffic.lines.n_objects:
        _refuse_to_forget(store, pipeline.name, day)
        if not feedback.lines.n_objects:
            return None
    found = _evaluate(store, pipeline, day, trusted_keys, traffic, feedback, gx_root)
    leave_day(store, found, render_day(found))
    for sentence in found["findings"]["sentences"]:
        _log.info("%s, %s: %s", pipeline.name, day, sentence)
    return found


def day_so_far(
    store: ObjectStore, pipeline: Pipeline, day: str, trusted_keys: TrustedKeys
) -> dict[str, Any] | None:
    """Return the findings of a day that is not over, all but the drift of its inputs.

    Nothing is written. Parameters and errors are those of `watch_day`, None as well.
    """
    traffic = read_traffic(store, pipeline, day, _MOST_SO_FAR)
    if not traffic.lines.n_objects:
        return None
    feedback = read_feedback(store, pipeline, day, limits_of(pipeline.name).label_days)
    return _evaluate(store, pipeline, day, trusted_keys, traffic, feedback, None)


def _evaluate(
    store: ObjectStore,
    pipeline: Pipeline,
    day: str,
    trusted_keys: TrustedKeys,
    traffic: Traffic,
    feedback: Feedback,
    gx_root: Path | None,
) -> dict[str, Any]:
    """Return the findings of a day; drift only with the folder of Great Expectations."""
    limits = limits_of(pipeline.name)
    in_production = version_at_the_end_of(store, pipeline.name, day, trusted_keys)
    manifest = _manifest(store, in_production, trusted_keys) if in_production else None
    version = manifest.version if manifest else None
    items = traffic.sample.in_order()
    # Of what is rare more is drawn, so only weighted figures of these labels mean anything.
    reported = [each for each in feedback.labelled if each.said.source != SOURCE]
    found: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "pipeline": pipeline.name,
        "day": day,
        "so_far": gx_root is None,
        "version": version,
        "thresholds": vars(manifest.thresholds) if manifest else None,
        "traffic": _counted(traffic, items),
        "feedback": _labels(feedback, limits),
        "inputs": _NOT_OVER,
        "drift": _NOT_OVER,
        "scores": measure_scores(store, items, manifest, day, limits),
        "quality": evaluate_quality(
            pipeline, reported, _baselines(store, feedback, manifest, trusted_keys), limits
        ),
        "audit": evaluate_audit(
            store, feedback, draw_audit(traffic, version), version, day, limits
        ),
    }
    if gx_root is not None:
        watched = watched_inputs(pipeline, items, limits) if manifest else None
        found["inputs"] = measure_inputs(store, pipeline, items, watched, manifest, limits, gx_root)
        found["drift"] = watch_drift(
            store, pipeline, watched, manifest, found["scores"], day, limits
        )
    found["findings"] = conclude(found, limits)
    return found


def _refuse_to_forget(store: ObjectStore, pipeline: str, day: str) -> None:
    """Return when there is no earlier page of the day that knew its traffic."""
    earlier = read_findings(store, pipeline, day)
    if earlier is not None and earlier["traffic"]["objects"]:
        raise MonitoringError(
            f"{pipeline}: the traffic of {day} is not kept any more; its page stays as it was"
        )


def version_at_the_end_of(
    store: ObjectStore, pipeline: str, day: str, trusted_keys: TrustedKeys
) -> Pointer | None:
    """Return the approval that was in production when a day ended; None if there was none.

    Raises
    ------
    SignatureError, PointerError
        If an approval must not be verified.
    """
    ended = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    known = list(read_history(store, pipeline, trusted_keys.approvers))
    current = production_pointer(store, pipeline, trusted_keys.approvers)
    approved = [*known, *([current] if current else [])]
    until = [pointer for pointer in approved if pointer.approved_at < ended]
    return max(until, key=lambda pointer: pointer.serial, default=None)


def _manifest(store: ObjectStore, pointer: Pointer, trusted_keys: TrustedKeys) -> Manifest | None:
    key = keys.version_file(pointer.pipeline, pointer.version, keys.MANIFEST)
    try:
        verify_manifest(store.get(key), pointer)
    except ManifestSchemaError as err:
        _log.warning("%s %s cannot be compared with: %s", pointer.pipeline, pointer.version, err)
        return None
    return read_signed_manifest(store, pointer.pipeline, pointer.version, trusted_keys)[0]


def _baselines(
    store: ObjectStore,
    feedback: Feedback,
    in_production: Manifest | None,
    trusted_keys: TrustedKeys,
) -> dict[str, Baseline]:
    """Return what the versions promised that labels are known of, as far as they are kept."""
    known = {in_production.version: in_production} if in_production else {}
    for version in sorted({each.item.version for each in feedback.labelled} - known.keys()):
        try:
            known[version] = read_signed_manifest(store, feedback.pipeline, version, trusted_keys)[
                0
            ]
        except (VersionRefusedError, ManifestError) as err:
            _log.warning("what %s promised is not known: %s", version, err)
    return {
        name: baseline_of(each, read_report_figures(store, each)) for name, each in known.items()
    }


def _counted(traffic: Traffic, items: Iterable[tuple[str, Item]]) -> dict[str, Any]:
    lines, sample = traffic.lines, traffic.sample
    kept = [item for _, item in items]
    return {
        "objects": lines.n_objects,
        "lines": lines.n_lines,
        "unreadable": lines.n_unreadable,
        "unreadable_named": lines.named,
        "items": sample.n_names,
        "repeated": max(0, lines.n_read - sample.n_names),
        "share_kept": sample.share,
        "without_inputs": sum(item.inputs is None for item in kept),
        "different_inputs": len({item.duplicate for item in kept}),
        "by_version": dict(sorted(Counter(item.version for item in kept).items())),
    }


def _labels(feedback: Feedback, limits: Limits) -> dict[str, Any]:
    return {
        "days": limits.label_days,
        "labels": feedback.n_labels,
        "without_answer": feedback.n_without_answer,
        "unreadable": feedback.lines.n_unreadable,
        "unreadable_named": feedback.lines.named,
    }
