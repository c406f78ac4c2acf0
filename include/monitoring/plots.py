"""The plot of a day: its scores beside those they are compared with."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from include.reporting.svg import ACCENT, INK, OTHER, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_scores(scores: Mapping[str, Any], thresholds: Mapping[str, float] | None) -> Markup:
    """Return the histogram of a day's probabilities, in shares, beside its references.

    Parameters
    ----------
    scores : mapping
        As `include.monitoring.scores.measure_scores` returns it.
    thresholds : mapping of str to float, or None
        ``block`` and ``review`` of the version.
    """
    edges = np.array(scores["edges"])

    def paint(figure: "Figure") -> None:
        axes = figure.add_subplot()
        axes.stairs(_shares(scores["counts"]), edges, fill=True, color=ACCENT, alpha=0.55)
        axes.plot([], [], "s", color=ACCENT, label="this day")
        for style, each in zip(("-", (0, (4, 3))), scores["references"], strict=False):
            axes.stairs(
                _shares(each["counts"]), edges, color=INK, linestyle=style, linewidth=1.4,
                label=each["name"],
            )  # fmt: skip
        for name, style in (("block", "-"), ("review", (0, (4, 3)))):
            if thresholds is not None:
                axes.axvline(thresholds[name], color=OTHER, linewidth=1.2, linestyle=style)
        axes.set_yscale("log")
        axes.set_ylim(_lowest(scores), 1.0)
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        axes.set(xlim=(0, 1), xlabel="probability of phishing")
        axes.set_ylabel("share of items (logarithmic)")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=3)

    given = ", ".join(f"{share:.1%} {verdict}" for verdict, share in scores["shares"].items())
    said = f"Probabilities of {scores['n_items']:,} items: {given}"
    return draw("scores", said, paint, 6.4, 3.4)


def _shares(counts: Any) -> Any:
    total = max(sum(counts), 1)
    return np.array(counts) / total


def _lowest(scores: Mapping[str, Any]) -> float:
    """Return half of the smallest share that is drawn."""
    drawn = [_shares(counts) for counts in (scores["counts"], *_counts(scores))]
    return min(float(share[share > 0].min()) for share in drawn if share.any()) / 2


def _counts(scores: Mapping[str, Any]) -> list[Any]:
    return [each["counts"] for each in scores["references"]]
