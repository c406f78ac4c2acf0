"""A plot as SVG that stands in a page: its colours are the page's, its text the page's font."""

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, MUTED, LINE = "#010101", "#020202", "#030303"
PHISHING, LEGITIMATE, ACCENT, OTHER = "#040404", "#050505", "#060606", "#070707"
_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    LINE: "--line",
    PHISHING: "--phishing",
    LEGITIMATE: "--legitimate",
    ACCENT: "--accent",
    OTHER: "--other",
}
_STYLE: dict[Any, object] = {  # matplotlib types its keys one by one
    "axes.edgecolor": LINE,
    "axes.grid": True,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.axisbelow": True,
    "font.size": 9,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
    "svg.fonttype": "none",
    "svg.hashsalt": "nightcatch",
    "text.color": INK,
    "xtick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.color": LINE,
    "ytick.labelcolor": MUTED,
}
_FRAME = re.compile(r"^.*?<svg[^>]*?viewBox=\"([^\"]+)\"[^>]*>", re.DOTALL)
_UNUSED = re.compile(r"<metadata>.*?</metadata>|<defs>\s*<style.*?</defs>|<!--.*?-->", re.DOTALL)
_POINTS = re.compile(r" (?:d|x|y)=\"[^\"]+\"")
_DECIMALS = re.compile(r"(\.\d\d)\d+")
_SPACE = re.compile(r"\s*\n\s*")
_FONT = re.compile(r"font-family: [^;]+; ")


def draw(
    name: str,
    alt: str,
    paint: "Callable[[Figure], None]",
    width_in: float = 4.4,
    height_in: float = 3.2,
) -> Markup:
    """Return the SVG of what `paint` draws; equal drawings give equal bytes.

    Parameters
    ----------
    name : str
        Unlike that of any other plot of the page.
    alt : str
        What the plot shows, for those who do not see it.
    paint : callable (matplotlib.figure.Figure) -> None
    width_in, height_in : float
        One inch is 72 units of the page before it is scaled to its column.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # settings of the user must not change the bytes
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(width_in, height_in), layout="constrained")
        paint(figure)
        written = io.StringIO()
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    return Markup(_inline(written.getvalue(), name, alt))  # noqa: S704  # alt is escaped


def _inline(svg: str, name: str, alt: str) -> str:
    frame = _FRAME.match(svg)
    assert frame is not None, "matplotlib begins a plot otherwise"
    opening = f'<svg class="plot" role="img" viewBox="{frame[1]}" aria-label="{escape(alt)}">'
    body = _UNUSED.sub("", svg[frame.end() :]).replace("xlink:href", "href")
    body = _POINTS.sub(lambda found: _DECIMALS.sub(r"\1", found[0]), body)
    body = _FONT.sub("", body)
    body = _SPACE.sub("\n", body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, f"var({variable})")
    return opening + _own_ids(body, name)


def _own_ids(body: str, name: str) -> str:
    """Drop ids that nothing refers to; the others differ from those of other plots."""
    used = set(re.findall(r"(?:href=\"|url\()#([^\")]+)", body))
    body = re.sub(
        r" id=\"([^\"]+)\"",
        lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "",
        body,
    )
    return re.sub(r"(href=\"|url\()#", rf"\1#{name}-", body)


@dataclass(frozen=True)
class Scale:
    """A line from one value to another.

    Attributes
    ----------
    low, high : float
        At 0 % and at 100 %.
    """

    low: float
    high: float

    @classmethod
    def around(cls, values: Iterable[float], *, low: float | None = None) -> "Scale":
        """Return a scale that holds all values, with a little air; from `low` if given."""
        held = list(values) or [0.0, 1.0]
        bottom = min(held) if low is None else low
        air = 0.04 * (max(held) - bottom) or 0.01
        return cls(bottom - air if low is None else low, max(held) + air)

    def at(self, value: float) -> float:
        """Return the place of a value, from 0 to 100."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)
