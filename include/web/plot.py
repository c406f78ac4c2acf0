"""Figures over time, drawn on the server as small plots that need no script."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from include.registry.versions import StoredVersion
from include.reporting.figures import BY_NAME, Figure
from include.reporting.svg import Scale

FIGURES = tuple(
    BY_NAME[name] for name in ("recall", "fpr", "review_recall", "review_fpr", "roc_auc")
)
WIDTH, HEIGHT = 270, 140
LEFT, RIGHT = 50, 8
_INSET, _TOP, _BOTTOM = 8, 14, 24
# An axis is at least two points long: what a few rows of chance can do must not look like a fall.
_LEAST_SPAN = 0.02


@dataclass(frozen=True)
class Point:
    """One version in a plot.

    Attributes
    ----------
    version, text, state : str
        `text` is the figure as a person reads it; `state` is that of `state_of`.
    x, y : float
        In units of the plot.
    """

    version: str
    text: str
    state: str
    x: float
    y: float


@dataclass(frozen=True)
class Plot:
    """One metric of the versions of a page, oldest first.

    Attributes
    ----------
    figure : Figure
    points : tuple of Point
    ticks : tuple of tuple
        Height in the plot and text of each line across it.
    limit : tuple or None
        Height and text of the limit the figure should keep.
    alt : str
        What the plot shows, for those who do not see it.
    """

    figure: Figure
    points: tuple[Point, ...]
    ticks: tuple[tuple[float, str], ...]
    limit: tuple[float, str] | None
    alt: str

    @property
    def line(self) -> str:
        """The points as SVG writes them."""
        return " ".join(f"{point.x:g},{point.y:g}" for point in self.points)


def state_of(kept: StoredVersion) -> str:
    """Return one word for what became of a version."""
    if kept.problem:
        return "refused"
    if kept.is_in_production:
        return "in production"
    if kept.serials:
        return "was in production"
    if kept.answer or kept.gate.rejections:
        return "rejected"
    return "not approved" if kept.gate.evaluated else "not evaluated"


def figure_of(kept: StoredVersion, figure: Figure) -> float | None:
    """Return a version's figure on the held-back rows, if it is known."""
    test: dict[str, Any] = (kept.manifest.metrics.get("test") if kept.manifest else None) or {}
    value = test.get(figure.name)
    return float(value) if isinstance(value, int | float) else None


def plots(versions: Sequence[StoredVersion]) -> list[Plot]:
    """Return a plot of each metric that at least one version has.

    Parameters
    ----------
    versions : sequence of StoredVersion
        Newest first.
    """
    drawn = (_plot(figure, versions[::-1]) for figure in FIGURES)
    return [plot for plot in drawn if plot is not None]


def _plot(figure: Figure, oldest_first: Sequence[StoredVersion]) -> Plot | None:
    known = [
        (kept, value) for kept in oldest_first if (value := figure_of(kept, figure)) is not None
    ]
    if not known:
        return None
    newest = known[-1][0].manifest
    budget = newest.budgets.block if newest and figure.name == "fpr" else None
    values = [value for _, value in known]
    if len({figure.text(value) for value in values}) == 1:  # equal as text: a flat line
        values = values[:1] * len(known)
    axis = _axis(values) if budget is None else (0.0, max(budget, *values))
    scale = Scale.around(axis)
    points = tuple(
        Point(
            kept.version,
            figure.text(value),
            state_of(kept),
            _x(index, len(known)),
            _y(scale, value),
        )
        for index, ((kept, _), value) in enumerate(zip(known, values, strict=True))
    )
    level = len(set(values)) == 1
    marked = (min(values), max(values)) if level or budget is not None else axis
    ends = {figure.text(value): _y(scale, value) for value in marked}
    ticks = tuple((height, text) for text, height in ends.items())
    limit = None if budget is None else (_y(scale, budget), f"budget {figure.text(budget)}")
    first, last = points[0].text, points[-1].text
    said = (
        f"{figure.title} of {len(points)} versions: from {first} to {last}"
        if points[1:]
        else f"{figure.title} of one version: {first}"
    )
    return Plot(figure, points, ticks, limit, f"{said}. The table below holds every figure.")


def _axis(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the axis of figures that are 1 at most."""
    spread = max(values) - min(values)
    span = max(spread, _LEAST_SPAN)
    top = min(max(values) + (span - spread) / 2, max(1.0, *values))
    return top - span, top


def _x(index: int, count: int) -> float:
    share = index / (count - 1) if count > 1 else 0.5
    first, last = LEFT + _INSET, WIDTH - RIGHT - _INSET
    return round(first + share * (last - first), 1)


def _y(scale: Scale, value: float) -> float:
    return round(HEIGHT - _BOTTOM - scale.at(value) / 100 * (HEIGHT - _TOP - _BOTTOM), 1)
