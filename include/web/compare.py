"""Two versions side by side: what a person needs to approve, reject or roll back, on one page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from include.contract.manifest import Manifest
from include.contract.run_documents import Disagreements
from include.contract.verdicts import VERDICTS
from include.evaluation.label_verdict import LabelVerdict, label_verdict
from include.registry.comparison import drawn_of, read_disagreements, read_replay
from include.registry.follow.verify import TrustedKeys
from include.registry.overview import Ledger
from include.registry.versions import StoredVersion
from include.reporting.figures import BY_NAME, Figure, interval_text
from include.reporting.svg import Scale
from include.stores.objects import ObjectStore

WIDTH = 240
"""Of a drawing of intervals, in its own units."""
_INSET = 6
_SHOWN = ("recall", "fpr", "review_recall", "review_fpr")
_SHARES = Scale(0.0, 1.0)


@dataclass(frozen=True)
class Bar:
    """A value and its interval, drawn.

    Attributes
    ----------
    low, at, high : float
        In units of the drawing.
    text, interval : str
        As people read them.
    """

    low: float
    at: float
    high: float
    text: str
    interval: str


@dataclass(frozen=True)
class Pair:
    """One figure of both versions on one scale.

    Attributes
    ----------
    title, meaning : str
    new, old : Bar or None
    change : str
        The new one's less the old one's; empty where one is missing.
    """

    title: str
    meaning: str
    new: Bar | None
    old: Bar | None
    change: str


@dataclass(frozen=True)
class Share:
    """How often a version gives a verdict, as a part of a bar.

    Attributes
    ----------
    verdict : str
    count : int
    start, width : float
        In units of the drawing.
    """

    verdict: str
    count: int
    start: float
    width: float


@dataclass(frozen=True)
class Comparison:
    """What the page shows of two versions.

    Attributes
    ----------
    figures, slices : list of Pair
    on_same_rows : bool
        Whether both were evaluated on the test rows of the new one.
    replay : mapping or None
        Figures of the replayed traffic, where the new version was replayed beside the old one.
    shares : dict of str to list of Share
        Of replayed verdicts: ``new`` and ``old``.
    verdict : LabelVerdict
    bar : Bar
        Of the share of disagreements on which the new version is right.
    pair : Disagreements
    data : list of tuple of str
        What differs in the data: subject, of the new one, of the old one.
    """

    figures: list[Pair]
    slices: list[Pair]
    on_same_rows: bool
    replay: Mapping[str, Any] | None
    shares: dict[str, list[Share]]
    verdict: LabelVerdict
    bar: Bar
    pair: Disagreements
    data: list[tuple[str, str, str]]

    def count(self, state: str) -> int:
        """Return how many drawn disagreements are in a state."""
        return sum(each.state == state for each in self.pair.drawn)


def compare(
    store: ObjectStore, new: StoredVersion, old: StoredVersion, trusted_keys: TrustedKeys
) -> Comparison | None:
    """Return what the page shows of two versions; None if one cannot be verified.

    Raises
    ------
    StoreUnavailableError
    """
    if new.manifest is None or old.manifest is None:
        return None
    replay = read_replay(store, new.manifest, old.version, trusted_keys.trainers)
    kept = read_disagreements(store, new.manifest.pipeline, new.version, old.version)
    if not kept.drawn:
        kept = Disagreements(new.version, old.version, drawn_of(replay))
    said = label_verdict(kept.counted)
    share = said.new_right / said.n_labels if said.n_labels else 0.5
    return Comparison(
        figures=_figures(new.manifest, old.manifest),
        slices=_slices(new.manifest, old.manifest),
        on_same_rows=_same_rows(new.manifest, old.version) is not None,
        replay=replay,
        shares=_shares(replay) if replay else {},
        verdict=said,
        bar=_bar(_SHARES, BY_NAME["recall"], share, (said.low, said.high)),
        pair=kept,
        data=_data(new.manifest, old.manifest),
    )


def default_pair(ledger: Ledger, newest: str) -> tuple[str, str]:
    """Return which two versions are compared unless somebody chooses.

    The newest beside the one in production; if that is the newest, beside the one before it.
    """
    current = ledger.in_production
    if current is None:
        return newest, newest
    if newest > current.version:
        return newest, current.version
    return current.version, ledger.before.version if ledger.before else current.version


def _same_rows(new: Manifest, before: str) -> Mapping[str, Any] | None:
    champion: Mapping[str, Any] = new.metrics.get("champion_on_same_rows") or {}
    return champion if champion.get("version") == before else None


def _figures(new: Manifest, old: Manifest) -> list[Pair]:
    same = _same_rows(new, old.version)
    ours, theirs = new.metrics.get("test") or {}, same or old.metrics.get("test") or {}
    ranges = _ranges(new), {} if same else _ranges(old)
    pairs = (
        _pair(figure.title, figure, *((side.get(figure.name), each.get(figure.name))
              for side, each in zip((ours, theirs), ranges, strict=True)))
        for figure in (BY_NAME[name] for name in _SHOWN)
    )  # fmt: skip
    return [pair for pair in pairs if pair.new or pair.old]


def _ranges(manifest: Manifest) -> dict[str, Any]:
    """Return the exact interval of each figure, of what is at least of each verdict."""
    given = (manifest.metrics.get("verdicts") or {}).get("given", ())
    found = {}
    for prefix, each in zip(("", "review_"), given, strict=False):
        for name in ("recall", "fpr"):
            found[f"{prefix}{name}"] = each[f"{name}_interval"]
    return found


def _slices(new: Manifest, old: Manifest) -> list[Pair]:
    """Return the recall and the false positives of each part, the worst change first."""
    theirs = {(each["name"], each["value"]): each for each in old.metrics.get("slices") or ()}
    pairs = []
    for each in new.metrics.get("slices") or ():
        other = theirs.get((each["name"], each["value"]), {})
        for name in ("recall", "fpr"):
            if each.get(f"{name}_evaluated") and each.get(name) is not None:
                title = f"{each['name']}: {each['value']}, {BY_NAME[name].title.lower()}"
                sides = ((side.get(name), side.get(f"{name}_interval")) for side in (each, other))
                better = 1 if BY_NAME[name].more_is_better else -1
                change = better * (each[name] - (other.get(name) or each[name]))
                pairs.append((change, title, _pair(title, BY_NAME[name], *sides)))
    return [pair for _, _, pair in sorted(pairs, key=lambda found: found[:2])]


def _pair(title: str, figure: Figure, new: tuple[Any, Any], old: tuple[Any, Any]) -> Pair:
    known = [
        end for value, ends in (new, old) if value is not None for end in (value, *(ends or ()))
    ]
    if not known:
        return Pair(title, figure.meaning, None, None, "")
    scale = Scale.around((min(known), max(known)))
    bars = [None if side[0] is None else _bar(scale, figure, *side) for side in (new, old)]
    return Pair(title, figure.meaning, bars[0], bars[1], figure.change(new[0], old[0]))


def _bar(scale: Scale, figure: Figure, value: float, ends: tuple[float, float] | None) -> Bar:
    low, high = ends or (value, value)
    text = interval_text(figure, ends) if ends else ""
    return Bar(_x(scale, low), _x(scale, value), _x(scale, high), figure.text(value), text)


def _x(scale: Scale, value: float) -> float:
    return round(_INSET + scale.at(value) / 100 * (WIDTH - 2 * _INSET), 1)


def _shares(replay: Mapping[str, Any]) -> dict[str, list[Share]]:
    found = {}
    for side, key in (("new", "challenger"), ("old", "champion")):
        counts, start, parts = replay["verdicts"][key], 0.0, []
        for verdict in VERDICTS:
            width = WIDTH * counts[verdict] / max(replay["n"], 1)
            parts.append(Share(verdict, counts[verdict], round(start, 1), round(width, 1)))
            start += width
        found[side] = parts
    return found


def _data(new: Manifest, old: Manifest) -> list[tuple[str, str, str]]:
    """Return what each version was trained on, and how old its labels were."""
    return [(subject, of(new), of(old)) for subject, of in _DATA.items()]


def _rows(manifest: Manifest) -> str:
    rows = (manifest.snapshot.get("rows") or {}).values()
    return f"{sum(rows):,}" if rows else "not known"


def _newest_label(manifest: Manifest) -> str:
    dates = [each["newest"] for each in manifest.snapshot.get("origins", ()) if each.get("newest")]
    return max(dates) if dates else "not known"


def _label_age(manifest: Manifest) -> str:
    """Return the age of the middle record, of the source with the most of those with a date."""
    ages = [
        (each["phishing"] + each["legitimate"], each["median_age_days"])
        for each in manifest.snapshot.get("origins", ())
        if each.get("median_age_days") is not None
    ]
    return f"{max(ages)[1]:,.0f} days" if ages else "not known"


_DATA: dict[str, Callable[[Manifest], str]] = {
    "Family": lambda each: str(each.model.get("family", "not known")),
    "Records read on": lambda each: each.created_at[:10],
    "Records": _rows,
    "Newest label": _newest_label,
    "Median age of the largest source": _label_age,
    "Block from": lambda each: f"{each.thresholds.block:.3f}",
    "Review from": lambda each: f"{each.thresholds.review:.3f}",
}
