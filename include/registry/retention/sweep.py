"""Deletes what need not be kept any more, so that whatever is left looks whole or looks broken.

A version loses its signature first and a snapshot its profile: killed anywhere, what is left can
neither be approved nor trained on, and the next sweep takes the rest. A version that is being
approved stays: see `include.registry.approve`.
"""

import logging
from collections.abc import Iterable, Sequence

from include.contract import keys
from include.registry.retention.plan import Expired, approved_versions
from include.stores.objects import Entry, ObjectStore

_log = logging.getLogger(__name__)


def sweep(store: ObjectStore, pipeline: str, expired: Sequence[Expired]) -> tuple[Expired, ...]:
    """Return what is deleted now; what was used again since it was planned is left.

    Parameters
    ----------
    store : ObjectStore
    pipeline : str
    expired : sequence of Expired
        What `include.registry.retention.plan.plan_retention` returned.
    """
    versions = [each.name for each in expired if each.kind == "version"]
    kept = _retire(store, pipeline, versions)
    if kept:
        # A snapshot or a run of theirs may be among the expired; the next sweep plans anew.
        expired = [each for each in expired if each.kind in ("traffic", "feedback")]
    else:
        for version in versions:
            store.delete(keys.version_file(pipeline, version, keys.SIGNATURE))
    deleted = tuple(each for each in expired if _delete(store, each))
    for version in versions:
        store.delete(keys.retiring(pipeline, version))
    _log.info(
        "%s: %d objects deleted, %d bytes",
        pipeline,
        sum(len(each.entries) for each in deleted),
        sum(each.size_bytes for each in deleted),
    )
    return deleted


def clear(store: ObjectStore, prefix: str) -> None:
    """Return when nothing is under `prefix`."""
    _remove(store, list(store.entries_under(prefix)), prefix)


def _retire(store: ObjectStore, pipeline: str, versions: Iterable[str]) -> set[str]:
    """Return those of the versions that must stay; no other one can be approved from now on."""
    for version in versions:
        store.put(keys.retiring(pipeline, version), b"{}", "application/json")
    kept = {version for version in versions if _is_being_approved(store, pipeline, version)}
    # Read after the approvals under way: one that ended in between stands in the history now.
    kept |= approved_versions(store, pipeline).intersection(versions)
    for version in sorted(kept):
        _log.warning("%s: %s is being approved, or was, and is kept", pipeline, version)
    return kept


def _is_being_approved(store: ObjectStore, pipeline: str, version: str) -> bool:
    return any(True for _ in store.keys_under(keys.approving_prefix(pipeline, version)))


def _delete(store: ObjectStore, expired: Expired) -> bool:
    """Return whether the objects are gone; not when any of them was written again."""
    planned = {entry.key: entry for entry in expired.entries}
    for entry in store.entries_under(expired.prefix):
        if entry.key in planned and entry.modified_at != planned[entry.key].modified_at:
            _log.warning("%s %s is in use again and is kept", expired.kind, expired.name)
            return False
    _remove(store, expired.entries, expired.prefix)
    return True


def _remove(store: ObjectStore, entries: Sequence[Entry], prefix: str) -> None:
    for entry in sorted(entries, key=_order):
        store.delete(entry.key)
    for folder in _folders(entries, prefix):
        store.delete(folder)  # some servers go on listing a folder whose objects are gone


def _folders(entries: Sequence[Entry], prefix: str) -> list[str]:
    """Name the folders that the objects were in, innermost first; one that is not empty stays."""
    folders = set()
    for entry in entries:
        folder = entry.key
        while len(folder) > len(prefix):
            folder = folder[: folder.rstrip("/").rindex("/") + 1]
            folders.add(folder)
    return sorted(folders, key=len, reverse=True)


def _order(entry: Entry) -> tuple[bool, str]:
    """Put first what marks the others as complete: a manifest, a snapshot's profile."""
    says_it_is_whole = entry.key.endswith((f"/{keys.MANIFEST}", "/profile.json"))
    return (not says_it_is_whole, entry.key)
