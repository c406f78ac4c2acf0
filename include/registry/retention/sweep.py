"""Deletes what need not be kept any more, so that whatever is left looks whole or looks broken.

A version loses its signature first and a snapshot its profile: killed anywhere, what is left can
neither be approved nor trained on, and the next sweep takes the rest.
"""

import logging
import time
from collections.abc import Callable, Sequence

from include.contract import keys
from include.errors import ObjectMissingError
from include.registry.retention.plan import Expired, approved_versions
from include.stores.objects import Entry, ObjectStore

_log = logging.getLogger(__name__)
# Between looking at a version's signature and bringing it into production, an approval writes once.
_APPROVAL_TAKES_S = 5.0


def wait_for_approvals() -> None:
    """Return when an approval that has looked at its version already has come through."""
    time.sleep(_APPROVAL_TAKES_S)


def sweep(
    store: ObjectStore,
    pipeline: str,
    expired: Sequence[Expired],
    wait: Callable[[], None] = wait_for_approvals,
) -> tuple[Expired, ...]:
    """Return what is deleted now; what was used again since it was planned is left.

    Parameters
    ----------
    store : ObjectStore
    pipeline : str
    doomed : sequence of Doomed
        What `include.registry.retention.plan.plan_retention` returned.
    wait : callable
        Called once no further approval of the versions can begin; returns when one that had
        begun before must have come through.
    """
    signatures = _take_signatures(store, pipeline, expired)
    if signatures:
        wait()
    rescued = _rescue_approved(store, pipeline, signatures)
    if rescued:
        # A snapshot or a run of theirs may be among the doomed; the next sweep knows better.
        expired = [each for each in expired if each.kind in ("traffic", "feedback")]
    deleted = tuple(each for each in expired if _delete(store, each))
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


def _take_signatures(
    store: ObjectStore, pipeline: str, expired: Sequence[Expired]
) -> dict[str, bytes]:
    """Return the signatures of the versions that go; without one, no version can be approved."""
    taken = {}
    approved = approved_versions(store, pipeline)
    for version in (each.name for each in expired if each.kind == "version"):
        key = keys.version_file(pipeline, version, keys.SIGNATURE)
        if version in approved:
            taken[version] = b""
            continue
        try:
            taken[version] = store.get(key)
        except ObjectMissingError:
            continue  # never finished, or an earlier sweep was killed
        store.delete(key)
    return taken


def _rescue_approved(store: ObjectStore, pipeline: str, signatures: dict[str, bytes]) -> list[str]:
    """Return the versions that were approved meanwhile; they have their signatures again."""
    rescued = sorted(approved_versions(store, pipeline) & signatures.keys())
    for version in rescued:
        if body := signatures[version]:
            store.put(keys.version_file(pipeline, version, keys.SIGNATURE), body)
        _log.warning("%s: %s was approved meanwhile and is kept", pipeline, version)
    return rescued


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
    """Put first what says that the others are whole: a manifest, a snapshot's profile."""
    says_it_is_whole = entry.key.endswith((f"/{keys.MANIFEST}", "/profile.json"))
    return (not says_it_is_whole, entry.key)
