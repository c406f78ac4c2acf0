"""The page about one day: self-contained, readable offline, made of the day's figures alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Any, Literal

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from include.monitoring.audit import SOURCE
from include.monitoring.plots import draw_scores
from include.monitoring.quality import QUALITY
from include.reporting.figures import BY_NAME, Figure
from include.reporting.svg import Scale

State = Literal["good", "bad", "open"]
_FIGURES = tuple(BY_NAME[name] for name in QUALITY)
_WORDS = {
    "kept": "as promised",
    "broken": "not as promised",
    "open": "not decided",
    "too few": "too few labels",
    "no limit": "no limit",
}
_MAX_VERSIONS = 10


@dataclass(frozen=True)
class QualityRow:
    """One metric of one version.

    Attributes
    ----------
    figure : Figure
    n_labels : int
    value, interval, offline, limit, verdict : str
        As a person reads them; empty where there is none.
    low, high, at : float or None
        Places on a line, in percent.
    limit_at : float or None
    is_broken : bool
    """

    figure: Figure
    n_labels: int
    value: str
    interval: str
    offline: str
    limit: str
    verdict: str
    low: float
    high: float
    at: float | None
    limit_at: float | None
    is_broken: bool


def render_day(found: Mapping[str, Any]) -> str:
    """Return the HTML of a day; equal figures give equal pages.

    Parameters
    ----------
    found : mapping
        As `include.monitoring.day.watch_day` returns it.
    """
    quality = found["quality"][:_MAX_VERSIONS]
    return (
        _environment()
        .get_template("day.html")
        .render(
            found=found,
            state=state_of(found["findings"]),
            traffic=found["traffic"],
            feedback=found["feedback"],
            inputs=found["inputs"],
            drift=found["drift"],
            scores=found["scores"],
            findings=found["findings"],
            scale=_scale(found),
            histogram=_histogram(found),
            quality=[(each, [_row(each, figure) for figure in _FIGURES]) for each in quality],
            n_more=len(found["quality"]) - len(quality),
            audit=found["audit"],
            audited=[_audited(name, each) for name, each in found["audit"]["figures"].items()],
            to_label=_to_label(found["audit"]),
            source=SOURCE,
        )
    )


def state_of(findings: Mapping[str, Any]) -> State:
    """Return one word for a day: beyond a limit, within them, or too little to judge by."""
    if findings["is_beyond"]:
        return "bad"
    return "good" if findings["drift_evaluated"] or findings["quality_evaluated"] else "open"


def _scale(found: Mapping[str, Any]) -> Scale:
    columns = found["inputs"].get("columns", ())
    return Scale.around((0.25, *(each["kl"] for each in columns)), low=0.0)


def _histogram(found: Mapping[str, Any]) -> Markup | None:
    scores = found["scores"]
    return draw_scores(scores, found["thresholds"]) if scores["n_items"] else None


def _row(quality: Mapping[str, Any], figure: Figure) -> QualityRow:
    found = quality["figures"][figure.name]
    scale = _scale_of(figure, found)
    low, high = found["low"], found["high"]
    value, limit = found["value"], found["limit"]
    return QualityRow(
        figure=figure,
        n_labels=found["n_labels"],
        value="" if value is None else figure.text(value),
        interval="" if value is None else f"{100 * low:.1f} to {100 * high:.1f} %",
        offline="" if found["offline"] is None else figure.text(found["offline"]),
        limit="" if limit is None else figure.text(limit),
        verdict=_WORDS[found["verdict"]],
        low=scale.at(low),
        high=scale.at(high),
        at=None if value is None else scale.at(value),
        limit_at=None if limit is None else scale.at(limit),
        is_broken=found["verdict"] == "broken",
    )


def _audited(name: str, found: Mapping[str, Any]) -> tuple[Figure, str, str]:
    """Return a figure by the random sample, and its value and interval as people read them."""
    figure = BY_NAME[name]
    if found["value"] is None:
        return figure, "not known", ""
    low, high = figure.text(found["low"]), figure.text(found["high"])
    return figure, figure.text(found["value"]), f"{low.removesuffix(' %')} to {high}"


def _to_label(audit: Mapping[str, Any]) -> list[str]:
    """Return ids of each stratum in turn, so that whoever stops early has labelled some of each."""
    rounds = zip_longest(*(stratum["drawn"] for stratum in audit["strata"]))
    return [name for each in rounds for name in each if name]


def _scale_of(figure: Figure, found: Mapping[str, Any]) -> Scale:
    """Return a scale of shares; of a small rate a short one."""
    highest = max(found["high"], 2 * (found["limit"] or 0.0))
    return Scale(0.0, 1.0 if figure.more_is_better else min(1.0, max(0.02, highest)))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=ChoiceLoader(
            [PackageLoader("include.monitoring"), PackageLoader("include.reporting")]
        ),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["count"] = lambda number: f"{number:,}"
    environment.filters["share"] = lambda value: f"{100 * value:.1f} %"
    return environment
