"""Whether a day's traffic is what it was on earlier days, and what has changed if it is not.

Training records are selected and traffic is not, so alarms compare traffic with earlier traffic.
How far it lies from the records of the version is shown beside it (`include.monitoring.inputs`).
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contract.manifest import Manifest
from include.errors import NightCatchError, ObjectMissingError
from include.evaluation.change_detection import alarm_limit
from include.ingest.snapshot.snapshots import read_snapshot
from include.monitoring.drift.state import Counts, DriftState, earlier_states
from include.monitoring.drift.update import SCORES, before_alarm, next_state, starts_over
from include.monitoring.inputs import Watched, most_frequent
from include.monitoring.limits import Limits
from include.pipelines import Pipeline
from include.stores.objects import ObjectStore
from include.validation.categories import PSEUDO_COUNT, Categories

MAX_SLICES = 6
_LEAST_CHANGE = 0.01
_log = logging.getLogger(__name__)


def watch_drift(
    store: ObjectStore,
    pipeline: Pipeline,
    watched: Watched | None,
    manifest: Manifest | None,
    scores: Mapping[str, Any],
    day: str,
    limits: Limits,
) -> dict[str, Any]:
    """Return what the test for drift finds of a day.

    Parameters
    ----------
    store : ObjectStore
    pipeline : Pipeline
    watched : tuple or None
        What `include.monitoring.inputs.watched_inputs` returned of the day's items.
    manifest : Manifest or None
        Of the version in production.
    scores : mapping
        As `include.monitoring.scores.measure_scores` returns it.
    day : str
        ``YYYY-MM-DD``.
    limits : Limits

    Returns
    -------
    dict
        ``evaluated`` and ``sentences``; where it is, also ``state``, ``n_days`` (earlier ones of
        the weekday), ``limit`` of the evidence, ``changed`` (divergence by field, in nats, from
        the days before; empty without an alarm), ``drawn`` and ``slices``.

    Raises
    ------
    MonitoringError
        If the state of an earlier day is malformed.
    """
    last, weekdays = earlier_states(store, pipeline.name, day)
    today = _counted(store, pipeline, watched, manifest, scores, day, limits, last)
    if not today.fields and not today.scores:
        return {"evaluated": False, "sentences": ["Too little to test for a change."]}
    earlier = tuple(weekdays)
    state = next_state(last, earlier, today, limits.false_alarm_rate)
    before = before_alarm(earlier, state)
    slices = (manifest.metrics.get("slices") or ()) if manifest else ()
    changed = dict(_divergences(state, before))
    return {
        "evaluated": True,
        "state": json.loads(json.dumps(state.to_dict())),
        "n_days": len([each for each in earlier if each.day >= state.since]),
        "limit": alarm_limit(limits.false_alarm_rate),
        "changed": changed,
        "drawn": [_drawn(name, today, before) for name in changed if name != SCORES],
        "slices": _slices(today, before, slices) if changed else [],
        "sentences": [],
    }


def _counted(
    store: ObjectStore,
    pipeline: Pipeline,
    watched: Watched | None,
    manifest: Manifest | None,
    scores: Mapping[str, Any],
    day: str,
    limits: Limits,
    last: DriftState | None,
) -> Counts:
    """Return a day's counts; no fields or scores where there are too few or nobody knows them."""
    version = manifest.version if manifest else ""
    known = last.counts.categories if last else {}
    is_enough = manifest is not None and scores["n_distinct"] >= limits.min_items
    counted = Counts(day, version, known, scores=tuple(scores["counts"] if is_enough else ()))
    if manifest is None or watched is None:
        return counted
    records, columns = watched
    if starts_over(last, version, list(columns.columns)):
        try:
            trained = read_snapshot(store, pipeline.name, str(manifest.snapshot["digest"]))
        except ObjectMissingError:
            return counted
        reference = pipeline.watched(trained)
        known = {name: Categories.of(reference[name]) for name in columns if name in reference}
    fields = {
        name: tuple(each.count(columns[name]).tolist())
        for name, each in known.items()
        if name in columns
    }
    return replace(counted, categories=known, fields=fields, slices=_parts(pipeline, records))


def _parts(pipeline: Pipeline, records: pd.DataFrame) -> dict[str, dict[str, int]]:
    if pipeline.slices is None:
        return {}
    try:
        parts = pipeline.slices(records)
    except NightCatchError as err:
        _log.warning("%s: the slices of the traffic are not known: %s", pipeline.name, err)
        return {}
    counts = {str(way): parts[way][parts[way] != ""].value_counts().to_dict() for way in parts}
    return {way: each for way, each in counts.items() if each}


def _shares(counts: Sequence[int]) -> npt.NDArray[np.float64]:
    smooth = np.array(counts) + PSEUDO_COUNT
    return np.asarray(smooth / smooth.sum())


def _usual(name: str, before: Sequence[Counts]) -> npt.NDArray[np.float64] | None:
    """Return the mean shares of a field on the days before; None if it is known of none."""
    known = [each.scores if name == SCORES else each.fields.get(name, ()) for each in before]
    shares = [_shares(counts) for counts in known if counts]
    return np.asarray(np.mean(shares, axis=0)) if shares else None


def _divergences(state: DriftState, before: Sequence[Counts]) -> Iterator[tuple[str, float]]:
    """Yield the fields of an open alarm, with their divergence from the days before."""
    today = state.counts
    same = [each for each in before if each.version == today.version]
    for name in state.changed:
        usual = _usual(name, same if name == SCORES else before)
        counts = today.scores if name == SCORES else today.fields.get(name, ())
        if usual is None or not counts:
            yield name, 0.0
        else:
            now = _shares(counts)
            yield name, round(float(np.sum(now * np.log(now / usual))), 6)


def _drawn(name: str, today: Counts, before: Sequence[Counts]) -> dict[str, Any]:
    """Return the most frequent values of a field, and their shares on the day and before."""
    usual, counts = _usual(name, before), today.fields.get(name, ())
    if usual is None or not counts:
        return {"column": name, "values": []}
    now = np.array(counts) / max(sum(counts), 1)
    return most_frequent(name, today.categories[name].names, now, usual)


def _slices(
    today: Counts, before: Sequence[Counts], evaluated: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the slices whose share changed most, with the version's figures on its test side."""
    figures = {(each["name"], each["value"]): each for each in evaluated}
    found: list[dict[str, Any]] = []
    for way, parts in today.slices.items():
        known = [each.slices[way] for each in before if way in each.slices]
        for part in sorted({*parts, *(name for each in known for name in each)}):
            now = parts.get(part, 0) / sum(parts.values())
            then = float(
                np.mean([each.get(part, 0) / sum(each.values()) for each in known] or [now])
            )
            tested = figures.get((way, part), {})
            shares = {"now": round(now, 6), "then": round(then, 6)}
            rates = {rate: tested.get(rate) for rate in ("recall", "fpr")}
            found.append({"name": way, "value": part, **shares, **rates})
    changed = [each for each in found if abs(each["now"] - each["then"]) >= _LEAST_CHANGE]
    return sorted(changed, key=lambda each: -abs(each["now"] - each["then"]))[:MAX_SLICES]
