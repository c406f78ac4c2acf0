"""A picture of a DAG's flow as a small SVG: rows of boxes, top to bottom, with arrows between.

300 units wide: Airflow shows pictures in a DAG's documentation no wider. The card has a ground of
its own, since an `img` does not learn whether the page around it is light or dark.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

WIDTH = 300
_MARGIN, _GAP, _BOX, _ARROW, _COPY = 8, 22, 38, 18, 2
_OPENING = f"""<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="%d"\
 viewBox="0 0 {WIDTH} %d" role="img" font-family="system-ui,sans-serif" text-anchor="middle">
<title>%s</title>
<style>.card{{fill:#fff;stroke:#cbd5e1}}.task{{fill:#e8f0fb;stroke:#3b6aa0}}\
.store{{fill:#f1f5f0;stroke:#5f7f5a;stroke-dasharray:3 2}}.person{{fill:#fdf1dd;stroke:#b7791f}}\
.name{{font-size:12px;font-weight:600;fill:#1a202c}}.says{{font-size:9.5px;fill:#4a5568}}\
path{{stroke:#64748b;fill:none;marker-end:url(#tip)}}.side{{stroke-dasharray:3 2}}</style>
<defs><marker id="tip" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6"\
 orient="auto"><polygon points="0 0 6 3 0 6" fill="#64748b"/></marker></defs>
<rect class="card" x=".5" y=".5" width="{WIDTH - 1}" height="%d" rx="6"/>"""


@dataclass(frozen=True)
class Step:
    """One box.

    Attributes
    ----------
    name : str
        A task's id, or what a store is called.
    says : str
        A few words on what happens there.
    kind : {"task", "store", "person"}
    copies : bool
        Whether there are several side by side, one for each thing to do.
    aside : bool
        Written or asked by the box at its left; the flow does not go on from it.
    ends : bool
        The flow does not go on from it.
    """

    name: str
    says: str
    kind: Literal["task", "store", "person"] = "task"
    copies: bool = False
    aside: bool = False
    ends: bool = False


Flow = Sequence[Sequence[Step]]


def draw_flow(title: str, flow: Flow) -> str:
    """Return the SVG: each row's boxes lead to those of the next row.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    flow : sequence of rows of Step
        At most two boxes a row.
    """
    height = 2 * _MARGIN + len(flow) * _BOX + (len(flow) - 1) * _ARROW
    parts = [_OPENING % (height, height, escape(title), height - 1)]
    for number, row in enumerate(flow):
        top = _MARGIN + number * (_BOX + _ARROW)
        if number:
            parts += _arrows(flow[number - 1], row, top)
        for index, step in enumerate(row):
            parts += _box(step, *_span(row, index), top)
    return "\n".join([*parts, "</svg>", ""])


def _span(row: Sequence[Step], index: int) -> tuple[float, float]:
    """Return left and width of a box."""
    width = (WIDTH - 2 * _MARGIN - (len(row) - 1) * _GAP) / len(row)
    return _MARGIN + index * (width + _GAP), width


def _middle(row: Sequence[Step], index: int) -> float:
    left, width = _span(row, index)
    return left + width / 2


def _arrows(above: Sequence[Step], row: Sequence[Step], top: float) -> list[str]:
    """Return an arrow from each box that goes on to each that is no store at the side."""
    leading = [_middle(above, i) for i, step in enumerate(above) if not (step.aside or step.ends)]
    led_to = [
        f"{_middle(row, i):g} {top - (_COPY * 2 if step.copies else 0) - 1}"
        for i, step in enumerate(row)
        if not step.aside
    ]
    return [f'<path d="M{x:g} {top - _ARROW + 1}L{to}"/>' for x in leading for to in led_to]


def _box(step: Step, left: float, width: float, top: float) -> list[str]:
    middle = left + width / 2
    shifts = (2 * _COPY, _COPY, 0) if step.copies else (0,)
    size = f'width="{width - shifts[0]:g}" height="{_BOX}" rx="4"'
    boxes = [
        f'<rect class="{step.kind}" x="{left + shift:g}" y="{top - shift}" {size}/>'
        for shift in shifts
    ]
    if step.aside:
        y = top + _BOX / 2
        boxes.append(f'<path class="side" d="M{left - _GAP + 1:g} {y:g}L{left - 1:g} {y:g}"/>')
    return [
        *boxes,
        f'<text class="name" x="{middle:g}" y="{top + 16}">{escape(step.name)}</text>',
        f'<text class="says" x="{middle:g}" y="{top + 30}">{escape(step.says)}</text>',
    ]
