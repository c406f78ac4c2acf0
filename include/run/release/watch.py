"""Compare a release with the version before it; take it back if it is beyond its limits.

What happened is read from the signed history alone, so a look that was killed is made up for by
the next one, and a release is taken back once.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract.pointer import WATCHER, Pointer
from include.errors import ManifestSchemaError, PromotionConflictError
from include.pipelines import Pipeline
from include.registry.approve import approve, production_pointer
from include.registry.comparison import read_disagreements
from include.registry.follow.verify import TrustedKeys
from include.registry.request import Request, is_held
from include.run.champion import load_version
from include.run.release.figures import ReleaseFigures, release_figures
from include.run.release.limits import ReleaseLimits
from include.run.release.rules import broken_limits
from include.run.rollback import approvals_before, reinstate
from include.stores.objects import ObjectStore

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Release:
    """A version that took the place of an older one.

    Attributes
    ----------
    pointer, before : Pointer
        Its approval, and the latest one of the version before.
    was_taken_back : bool
        Whether it was once before: a person has approved it all the same.
    """

    pointer: Pointer
    before: Pointer
    was_taken_back: bool


@dataclass(frozen=True)
class Watched:
    """What a look found.

    Attributes
    ----------
    in_production : Pointer or None
        After the look.
    figures : ReleaseFigures or None
        None where there is no release to watch.
    broken : tuple of str
        A sentence for each limit that the release in production is beyond.
    was_taken_back : bool
        By this look.
    """

    in_production: Pointer | None
    figures: ReleaseFigures | None = None
    broken: tuple[str, ...] = ()
    was_taken_back: bool = False

    def summary(self) -> dict[str, Any]:
        """Return what people see of it."""
        return {
            "version": self.in_production and self.in_production.version,
            "serial": self.in_production and self.in_production.serial,
            "figures": self.figures and self.figures.summary(),
            "broken": list(self.broken),
        }


def watch_release(
    store: ObjectStore,
    pipeline: Pipeline,
    limits: ReleaseLimits,
    key: ec.EllipticCurvePrivateKey | None,
    trusted_keys: TrustedKeys,
    now: datetime,
) -> Watched:
    """Return how a release does; with the mode ``act`` it is taken back beyond its limits.

    Parameters
    ----------
    store : ObjectStore
    pipeline : Pipeline
    limits : ReleaseLimits
    key : EllipticCurvePrivateKey or None
        The approver's; without it nothing is taken back.
    trusted_keys : TrustedKeys
    now : datetime
        Aware, UTC.

    Raises
    ------
    SignatureError, PointerError, ManifestError, VersionRefusedError
        If an approval or one of both versions must not be verified.
    StoreUnavailableError
    """
    current = production_pointer(store, pipeline.name, trusted_keys.approvers)
    if current is not None and key is not None and is_held(current):
        _complete(store, current, key, trusted_keys)
    if current is None or limits.mode == "off" or _is_over(current, limits, now):
        return Watched(current)
    release = watched_release(store, current, trusted_keys)
    if release is None:
        return Watched(current)
    try:
        new = load_version(store, release.pointer, trusted_keys)
        old = load_version(store, release.before, trusted_keys)
    except ManifestSchemaError as err:
        _log.warning("%s: a version was made by another release: %s", pipeline.name, err)
        return Watched(current)
    figures = release_figures(store, pipeline, new, old, trusted_keys, limits, now)
    labels = read_disagreements(store, pipeline.name, current.version, release.before.version)
    broken = broken_limits(figures.alerts, figures.legitimate, limits, labels.counted)
    _log.info("%s %s: %s", pipeline.name, current.version, broken or figures)
    if not broken or key is None or limits.mode != "act" or release.was_taken_back:
        return Watched(current, figures, broken)
    pointer = _take_back(store, release, broken, key, trusted_keys, now)
    return Watched(pointer, figures, was_taken_back=pointer is not None and is_held(pointer))


def watched_release(
    store: ObjectStore, current: Pointer, trusted_keys: TrustedKeys
) -> Release | None:
    """Return the release in production; None after a rollback, and for a first version.

    Raises
    ------
    SignatureError, PointerError
        If an approval must not be verified.
    """
    before, later, was_taken_back = None, current, False
    for earlier in approvals_before(store, current, trusted_keys):
        if before is None and earlier.version != current.version:
            before = earlier
        was_taken_back |= is_held(later) and earlier.version == current.version
        later = earlier
    if before is None or current.version < before.version:
        return None
    return Release(current, before, was_taken_back)


def _is_over(current: Pointer, limits: ReleaseLimits, now: datetime) -> bool:
    return now - datetime.fromisoformat(current.approved_at) > timedelta(days=limits.days)


def _take_back(
    store: ObjectStore,
    release: Release,
    broken: tuple[str, ...],
    key: ec.EllipticCurvePrivateKey,
    trusted_keys: TrustedKeys,
    now: datetime,
) -> Pointer | None:
    """Return what is in production afterwards: the version before, or what came first."""
    current, before = release.pointer, release.before
    request = Request(
        pipeline=current.pipeline,
        version=before.version,
        approved_by=WATCHER,
        approved_at=now.isoformat(timespec="seconds"),
        reason=f"took back {current.version}: {'; '.join(broken)}",
        run_id=f"{WATCHER}__{current.serial}",
        expected_serial=current.serial,
    )
    try:
        return reinstate(store, request, key, trusted_keys)
    except PromotionConflictError as err:
        _log.warning("%s: %s was not taken back: %s", current.pipeline, current.version, err)
        return production_pointer(store, current.pipeline, trusted_keys.approvers)


def _complete(
    store: ObjectStore,
    taken_back: Pointer,
    key: ec.EllipticCurvePrivateKey,
    trusted_keys: TrustedKeys,
) -> None:
    """Write the history entry that a look which was killed has left out."""
    same = Request(
        pipeline=taken_back.pipeline,
        version=taken_back.version,
        approved_by=taken_back.approved_by,
        approved_at=taken_back.approved_at,
        reason=taken_back.reason,
        run_id=taken_back.run_id,
    )
    approve(store, same, key, trusted_keys.approvers)
