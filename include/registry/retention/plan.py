"""What need not be kept any more: older than the policy, and needed by nothing that is kept.

This module decides and deletes nothing. What an approval names is kept even when nobody could
verify the approval.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from include.contract import keys
from include.errors import ObjectMissingError, PointerError
from include.registry.retention.policy import Retention
from include.registry.versions import version_names
from include.stores.objects import Entry, ObjectStore

Kind = Literal[
    "version",
    "run",
    "working files",
    "quarantine",
    "docs",
    "snapshot",
    "traffic",
    "feedback",
    "monitoring",
]


@dataclass(frozen=True)
class Expired:
    """Objects that go together.

    Attributes
    ----------
    kind : str
    name : str
        Of the version, run, snapshot or day.
    prefix : str
        Where they lie.
    entries : tuple of Entry
    """

    kind: Kind
    name: str
    prefix: str
    entries: tuple[Entry, ...]

    @property
    def size_bytes(self) -> int:
        """Of all objects together."""
        return sum(entry.size_bytes for entry in self.entries)


@dataclass(frozen=True)
class _Kept:
    """What kept versions and young runs need: run ids as they stand in keys, and digests."""

    runs: frozenset[str]
    snapshots: frozenset[str]


def plan_retention(
    store: ObjectStore, pipeline: str, retention: Retention, now: datetime
) -> tuple[Expired, ...]:
    """Return what may go: nothing approved, nothing that is needed by what is kept.

    Parameters
    ----------
    store : ObjectStore
    pipeline : str
    retention : Retention
    now : datetime
        Aware.

    Raises
    ------
    PointerError
        If an approval cannot be read, so that what it protects is unknown.
    """
    young = now - timedelta(days=retention.days)
    versions = list(_old_versions(store, pipeline, retention, young))
    going = {expired.name for expired in versions}
    runs = _grouped(store, keys.runs_prefix(pipeline))
    kept = _kept(store, pipeline, going, {n for n, run in runs.items() if _newest(run) >= young})
    return (
        *versions,
        *_old_runs(pipeline, runs, kept, young),
        *_old("docs", keys.docs_runs_prefix(pipeline), store, young, kept.runs),
        *_old_quarantine(store, pipeline, kept, young),
        *_old("snapshot", keys.snapshots_prefix(pipeline), store, young, kept.snapshots),
        *_old_days("traffic", keys.traffic_days_prefix(pipeline), store, now, retention),
        *_old_days("feedback", keys.feedback_days_prefix(pipeline), store, now, retention),
        *_old_days("monitoring", keys.monitoring_days_prefix(pipeline), store, now, retention),
    )


def approved_versions(store: ObjectStore, pipeline: str) -> frozenset[str]:
    """Return every version that an approval names, verified or not.

    Raises
    ------
    PointerError
        If an approval cannot be read.
    """
    names = set()
    for key in [*store.keys_under(keys.history_prefix(pipeline)), keys.approved(pipeline)]:
        try:
            names.add(str(json.loads(store.get(key))["version"]))
        except ObjectMissingError:
            continue  # nothing was approved yet
        except (ValueError, KeyError, TypeError) as err:
            raise PointerError(f"{key} cannot be read, so nothing is deleted: {err!r}") from err
    return frozenset(names)


def _old_versions(
    store: ObjectStore, pipeline: str, retention: Retention, young: datetime
) -> Iterator[Expired]:
    names = version_names(store, pipeline)
    kept = approved_versions(store, pipeline).union(names[-retention.newest_versions :])
    for name in names:
        prefix = keys.version_prefix(pipeline, name)
        entries = tuple(store.entries_under(prefix)) if name not in kept else ()
        if entries and _newest(entries) < young:
            yield Expired("version", name, prefix, entries)


def _kept(store: ObjectStore, pipeline: str, going: set[str], young_runs: set[str]) -> _Kept:
    """Gather what versions that stay, and runs that may be under way, refer to."""
    runs, snapshots = set(young_runs), set()
    for version in version_names(store, pipeline):
        if version in going:
            continue
        manifest = _document(store, keys.version_file(pipeline, version, keys.MANIFEST))
        runs.add(keys.safe_run_id(str(manifest.get("model", {}).get("run_id", ""))))
        snapshots.add(manifest.get("snapshot", {}).get("digest"))
    for run_id in young_runs:
        taken = _document(store, keys.run_file(pipeline, run_id, "snapshot.json"))
        snapshots.add(taken.get("digest"))
    return _Kept(frozenset(runs), frozenset(name for name in snapshots if name))


def _old_runs(
    pipeline: str, runs: Mapping[str, list[Entry]], kept: _Kept, young: datetime
) -> Iterator[Expired]:
    for run_id, entries in runs.items():
        if _newest(entries) >= young:
            continue
        prefix = keys.run_prefix(pipeline, run_id)
        if run_id not in kept.runs:
            yield Expired("run", run_id, prefix, tuple(entries))
        # What is known of a kept version's run stays; its rows and estimators have served.
        elif files := tuple(entry for entry in entries if not entry.key.endswith(".json")):
            yield Expired("working files", run_id, prefix, files)


def _old_quarantine(
    store: ObjectStore, pipeline: str, kept: _Kept, young: datetime
) -> Iterator[Expired]:
    prefix = keys.quarantine_prefix(pipeline)
    for entry in store.entries_under(prefix):
        run_id = entry.key.removeprefix(prefix).removesuffix(".parquet")
        if run_id not in kept.runs and entry.modified_at < young:
            yield Expired("quarantine", run_id, entry.key, (entry,))


def _old(
    kind: Kind, prefix: str, store: ObjectStore, young: datetime, kept: Iterable[str]
) -> Iterator[Expired]:
    for name, entries in _grouped(store, prefix).items():
        if name not in kept and _newest(entries) < young:
            yield Expired(kind, name, f"{prefix}{name}/", tuple(entries))


def _old_days(
    kind: Literal["traffic", "feedback", "monitoring"],
    prefix: str,
    store: ObjectStore,
    now: datetime,
    retention: Retention,
) -> Iterator[Expired]:
    days = retention.traffic_days if kind == "traffic" else retention.feedback_days
    first_kept = (now - timedelta(days=days)).date()
    for name, entries in _grouped(store, prefix).items():
        if name < f"date={first_kept.isoformat()}":
            yield Expired(kind, name, f"{prefix}{name}/", tuple(entries))


def _grouped(store: ObjectStore, prefix: str) -> dict[str, list[Entry]]:
    """Return all objects under `prefix` by the folder directly below it."""
    groups: dict[str, list[Entry]] = {}
    for entry in store.entries_under(prefix):
        name, slash, _ = entry.key.removeprefix(prefix).partition("/")
        if slash:
            groups.setdefault(name, []).append(entry)
    return groups


def _newest(entries: Iterable[Entry]) -> datetime:
    return max(entry.modified_at for entry in entries)


def _document(store: ObjectStore, key: str) -> dict[str, Any]:
    try:
        document = json.loads(store.get(key))
    except (ObjectMissingError, ValueError):
        return {}  # not written yet, or left by a deletion that was killed
    return document if isinstance(document, dict) else {}
