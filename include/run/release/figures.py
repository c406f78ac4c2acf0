"""The first requests since an approval, scored by the new version and by the one before."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contract import keys
from include.contract.verdicts import PHISHING, DecidedBy
from include.errors import ObjectMissingError
from include.inference.decisions import by_lists_and_rules
from include.inference.listed import ListLookup
from include.monitoring.records.labels import read_feedback
from include.monitoring.records.traffic import Item, read_first
from include.pipelines import Pipeline
from include.registry.follow.verify import TrustedKeys
from include.registry.lists import current_list
from include.run.champion import Champion
from include.run.release.limits import ReleaseLimits
from include.run.release.logged import logged_inputs
from include.run.release.rules import Alerts
from include.stores.objects import ObjectStore

LABEL_DAYS = 30
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ReleaseFigures:
    """What a release does beside the version before it.

    Each site counts once, by its first request: many requests of one campaign are one alert.

    Attributes
    ----------
    n_items : int
        Different inputs that were scored by both versions.
    alerts : Alerts
        On sites that the model decides on.
    reviewed, allowed : Alerts
        On sites that people had reviewed as legitimate, and on those they had allowed, before the
        approval: what is said later depends on what the release itself flags.
    """

    n_items: int
    alerts: Alerts
    reviewed: Alerts
    allowed: Alerts

    @property
    def legitimate(self) -> Alerts:
        """On sites that people knew to be legitimate."""
        return Alerts(*(sum(pair) for pair in zip(self.reviewed, self.allowed, strict=True)))

    def summary(self) -> dict[str, Any]:
        """Return what people see of it."""
        counts = {"alerts": self.alerts, "reviewed": self.reviewed, "allowed": self.allowed}
        return {"items": self.n_items, **{name: each._asdict() for name, each in counts.items()}}


def release_figures(
    store: ObjectStore,
    pipeline: Pipeline,
    release: Champion,
    before: Champion,
    trusted_keys: TrustedKeys,
    limits: ReleaseLimits,
    now: datetime,
) -> ReleaseFigures:
    """Return what a release has done since its approval, and leave it in the bucket.

    What cannot change any more is not computed again.

    Parameters
    ----------
    store : ObjectStore
    pipeline : Pipeline
    release, before : Champion
        The version in production, and the one before it.
    trusted_keys : TrustedKeys
        Verify the list.
    limits : ReleaseLimits
    now : datetime
        Aware, UTC.

    Raises
    ------
    StoreUnavailableError
    SignatureError, ListRefusedError
        If there is a list that must not be used.
    """
    since = datetime.fromisoformat(release.pointer.approved_at).astimezone(UTC)
    day = since.date().isoformat()
    key = keys.release_figures(pipeline.name, day, release.pointer.serial)
    earlier = _read(store, key)
    if earlier is not None and earlier.n_items >= limits.max_items:
        return earlier
    pair = _Pair(pipeline, release, before)
    reviewed = earlier.reviewed if earlier else pair.alerts(_reviewed(store, pipeline, since))
    items = list(read_first(store, pipeline, since, now, limits.max_items).values())
    alerts, allowed = pair.by_list(items, _list_of(store, pipeline, trusted_keys, since), since)
    found = ReleaseFigures(len(items), alerts, reviewed, allowed)
    store.put(key, json.dumps(asdict(found)).encode(), "application/json")
    return found


class _Pair:
    """Two versions that score the same sites."""

    def __init__(self, pipeline: Pipeline, release: Champion, before: Champion) -> None:
        self._pipeline = pipeline
        self._versions = (release, before)

    def alerts(self, items: Sequence[Item]) -> Alerts:
        """Return the alerts on all items, each site once."""
        return self._counted(*self._flags(self._sites(items)))

    def by_list(
        self, items: Sequence[Item], listed: ListLookup, since: datetime
    ) -> tuple[Alerts, Alerts]:
        """Return the alerts on sites that the model decides on, and on those allowed by then."""
        sites = self._sites(items)
        new, old = self._flags(sites)
        if self._pipeline.features is None:
            return self._counted(new, old), Alerts()
        urls = [str(site.inputs[0]) for site in sites if site.inputs]
        by = np.array(by_lists_and_rules(urls, listed, since.timestamp()), dtype=object)
        model, allowed = by == DecidedBy.MODEL, by == DecidedBy.ALLOW_LIST
        return self._counted(new[model], old[model]), self._counted(new[allowed], old[allowed])

    def _sites(self, items: Sequence[Item]) -> list[Item]:
        """Return the first item of each group that is never on two sides of a split."""
        if not items:
            return []
        names = [field.name for field in self._pipeline.inputs]
        frame = pd.DataFrame(logged_inputs(self._pipeline, items), columns=names)
        first: dict[str, Item] = {}
        for group, item in zip(self._pipeline.group_keys(frame), items, strict=True):
            first.setdefault(str(group), item)
        return list(first.values())

    def _flags(self, sites: Sequence[Item]) -> tuple[Flags, Flags]:
        if not sites:
            return np.zeros(0, np.bool_), np.zeros(0, np.bool_)
        inputs = logged_inputs(self._pipeline, sites)
        new, old = (
            np.array(
                [
                    version.manifest.thresholds.verdict(each) == PHISHING
                    for each in version.model.score(inputs)
                ],
                np.bool_,
            )
            for version in self._versions
        )
        return new, old

    def _counted(self, new: Flags, old: Flags) -> Alerts:
        return Alerts(int(np.sum(new & old)), int(np.sum(new & ~old)), int(np.sum(old & ~new)))


def _reviewed(store: ObjectStore, pipeline: Pipeline, since: datetime) -> list[Item]:
    """Return what people said to be legitimate before the approval."""
    feedback = read_feedback(store, pipeline, since.date().isoformat(), LABEL_DAYS)
    return [
        each.item
        for each in feedback.labelled
        if each.item.inputs is not None
        and not each.said.is_phishing
        and _is_before(each.said.time, since)
    ]


def _list_of(
    store: ObjectStore, pipeline: Pipeline, trusted_keys: TrustedKeys, since: datetime
) -> ListLookup:
    """Return the list, with the entries that were made before the approval."""
    current = current_list(store, pipeline.name, trusted_keys.approvers)
    earlier = tuple(each for each in current.entries if _is_before(each.added_at, since))
    return ListLookup(replace(current, entries=earlier))


def _is_before(time: str, since: datetime) -> bool:
    """Return whether a time in UTC, ISO 8601 with or without its zone, is before another one."""
    return time[:19] < since.isoformat()[:19]


def _read(store: ObjectStore, key: str) -> ReleaseFigures | None:
    try:
        found = json.loads(store.get(key))
    except ObjectMissingError:
        return None
    counts = {name: Alerts(*found[name]) for name in ("alerts", "reviewed", "allowed")}
    return ReleaseFigures(found["n_items"], **counts)
