"""The first requests since an approval, scored by the new version and by the one before."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contract import keys
from include.contract.pointer import Pointer
from include.contract.run_documents import Drawn
from include.contract.verdicts import PHISHING, DecidedBy
from include.errors import ObjectMissingError
from include.evaluation.replay import MAX_DRAWN
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
Verdicts = npt.NDArray[np.object_]
Scores = npt.NDArray[np.float64]
Scored = tuple[str, float]


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
    drawn : tuple of Drawn
        The first sites that the model decides on and exactly one version raises an alert on.
    """

    n_items: int
    alerts: Alerts
    reviewed: Alerts
    allowed: Alerts
    drawn: tuple[Drawn, ...] = ()

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
    key, earlier = _key(release.pointer), read_release_figures(store, release.pointer)
    if earlier is not None and earlier.n_items >= limits.max_items:
        return earlier
    pair = _Pair(pipeline, release, before)
    reviewed = earlier.reviewed if earlier else pair.alerts(_reviewed(store, pipeline, since))
    items = list(read_first(store, pipeline, since, now, limits.max_items).items())
    listed = _list_of(store, pipeline, trusted_keys, since)
    alerts, allowed, differ = pair.by_list(items, listed, since)
    drawn = _more_drawn(earlier.drawn if earlier else (), differ)
    found = ReleaseFigures(len(items), alerts, reviewed, allowed, drawn)
    store.put(key, json.dumps(asdict(found)).encode(), "application/json")
    return found


class _Pair:
    """Two versions that score the same sites."""

    def __init__(self, pipeline: Pipeline, release: Champion, before: Champion) -> None:
        self._pipeline = pipeline
        self._versions = (release, before)

    def alerts(self, items: Iterable[tuple[str, Item]]) -> Alerts:
        """Return the alerts on all items, each site once."""
        return self._counted(*map(_flags, self._scored(self._sites(items))))

    def by_list(
        self, items: Iterable[tuple[str, Item]], listed: ListLookup, since: datetime
    ) -> tuple[Alerts, Alerts, list[Drawn]]:
        """Return the alerts on sites that the model decides on, and on those allowed by then.

        The third are the former on which the versions differ, in their order.
        """
        sites = self._sites(items)
        scored = self._scored(sites)
        new, old = map(_flags, scored)
        model, allowed = np.ones(len(sites), np.bool_), np.zeros(len(sites), np.bool_)
        if self._pipeline.features is not None:
            urls = [str(item.inputs[0]) for _, item in sites if item.inputs]
            by = np.array(by_lists_and_rules(urls, listed, since.timestamp()), dtype=object)
            model, allowed = by == DecidedBy.MODEL, by == DecidedBy.ALLOW_LIST
        differ = [
            self._drawn(*sites[at], *((verdicts[at], p[at]) for verdicts, p in scored))
            for at in np.flatnonzero((new != old) & model).tolist()
            if not sites[at][1].is_redacted
        ]
        on_model = self._counted(new[model], old[model])
        return on_model, self._counted(new[allowed], old[allowed]), differ

    def _drawn(self, name: str, item: Item, new: Scored, old: Scored) -> Drawn:
        shown = str(item.inputs[0]) if self._pipeline.features and item.inputs else ""
        return Drawn(name, shown, str(new[0]), str(old[0]), float(new[1]), float(old[1]))

    def _sites(self, items: Iterable[tuple[str, Item]]) -> list[tuple[str, Item]]:
        """Return the first item of each group that is never on two sides of a split."""
        given = list(items)
        if not given:
            return []
        names = [field.name for field in self._pipeline.inputs]
        inputs = logged_inputs(self._pipeline, [item for _, item in given])
        groups = self._pipeline.group_keys(pd.DataFrame(inputs, columns=names))
        first: dict[str, tuple[str, Item]] = {}
        for group, each in zip(groups, given, strict=True):
            first.setdefault(str(group), each)
        return list(first.values())

    def _scored(self, sites: Sequence[tuple[str, Item]]) -> list[tuple[Verdicts, Scores]]:
        """Return the verdicts and probabilities of the new version, and of the one before."""
        if not sites:
            return [(np.zeros(0, object), np.zeros(0))] * 2
        inputs = logged_inputs(self._pipeline, [item for _, item in sites])
        found = []
        for version in self._versions:
            scores = version.model.score(inputs).astype(np.float64)
            verdicts = [version.manifest.thresholds.verdict(each) for each in scores]
            found.append((np.array(verdicts, object), scores))
        return found

    def _counted(self, new: Flags, old: Flags) -> Alerts:
        return Alerts(int(np.sum(new & old)), int(np.sum(new & ~old)), int(np.sum(old & ~new)))


def _flags(scored: tuple[Verdicts, Scores]) -> Flags:
    return np.array(scored[0] == PHISHING, np.bool_)


def _more_drawn(earlier: tuple[Drawn, ...], differ: Sequence[Drawn]) -> tuple[Drawn, ...]:
    """Return what was drawn before, in its place, and what has come since."""
    known = {each.id for each in earlier}
    return (*earlier, *(each for each in differ if each.id not in known))[:MAX_DRAWN]


def _reviewed(store: ObjectStore, pipeline: Pipeline, since: datetime) -> list[tuple[str, Item]]:
    """Return what people said to be legitimate before the approval."""
    feedback = read_feedback(store, pipeline, since.date().isoformat(), LABEL_DAYS)
    return [
        (each.id, each.item)
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


def read_release_figures(store: ObjectStore, release: Pointer) -> ReleaseFigures | None:
    """Return what was found of a release so far; None before its first look."""
    try:
        found = json.loads(store.get(_key(release)))
    except ObjectMissingError:
        return None
    counts = {name: Alerts(*found[name]) for name in ("alerts", "reviewed", "allowed")}
    drawn = tuple(Drawn(**each) for each in found.get("drawn", ()))
    return ReleaseFigures(found["n_items"], **counts, drawn=drawn)


def _key(release: Pointer) -> str:
    day = datetime.fromisoformat(release.approved_at).astimezone(UTC).date().isoformat()
    return keys.release_figures(release.pipeline, day, release.serial)
