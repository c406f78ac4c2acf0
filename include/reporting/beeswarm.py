"""SHAP values as one strip of dots per input: where a dot is, how many rows, which values."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

from include.reporting.report_inputs import ReportInputs
from include.reporting.svg import Scale

_WIDTH, _LARGEST_RADIUS, _COLOURS = 400, 7.5, 5
_CLEARLY = 0.3


@dataclass(frozen=True)
class Dot:
    """Rows whose contributions are about equal.

    Attributes
    ----------
    x, radius : float
        In the units of a strip `BeeswarmRow.WIDTH` wide.
    colour : int
        0, low values of the input, to 4, high ones.
    """

    x: float
    radius: float
    colour: int


@dataclass(frozen=True)
class BeeswarmRow:
    """One input.

    Attributes
    ----------
    name, meaning : str
    mean : float
        Of the absolute contributions.
    direction : str
        In words.
    dots : tuple of Dot
    """

    name: str
    meaning: str
    mean: float
    direction: str
    dots: tuple[Dot, ...]


def beeswarm_rows(report_inputs: ReportInputs) -> tuple[list[BeeswarmRow], float]:
    """Return the strips, the most moving input first, and the place of no contribution on them."""
    inputs: list[dict[str, Any]] = (report_inputs.contributions or {}).get("inputs", [])
    furthest = max([1e-9, *(abs(strip[0]) for each in inputs for strip in each["strips"])])
    most = max([1, *(strip[1] for each in inputs for strip in each["strips"])])
    scale = Scale(-1.05 * furthest, 1.05 * furthest)
    rows = [
        BeeswarmRow(
            each["name"],
            report_inputs.meanings.get(each["name"], ""),
            each["mean"],
            _direction(each["direction"]),
            tuple(_dot(strip, scale, most) for strip in each["strips"]),
        )
        for each in inputs
    ]
    return rows, _WIDTH / 2


def _dot(strip: list[float], scale: Scale, most: float) -> Dot:
    contribution, n_rows, rank = strip
    return Dot(
        x=round(_WIDTH / 100 * scale.at(contribution), 1),
        radius=round(max(1.5, _LARGEST_RADIUS * sqrt(n_rows / most)), 1),
        colour=min(int(rank * _COLOURS), _COLOURS - 1),
    )


def _direction(correlation: float) -> str:
    if correlation > _CLEARLY:
        return "high values speak for phishing"
    if correlation < -_CLEARLY:
        return "low values speak for phishing"
    return "neither way alone"
