"""The plots of a report: each of one document, with words for those who do not see it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from include.contract.manifest import Manifest
from include.contract.verdicts import Thresholds
from include.reporting.svg import ACCENT, INK, LEGITIMATE, MUTED, OTHER, PHISHING, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOWEST_FPR = 1e-4
_DASHED: Any = (0, (4, 3))
# Of what is called phishing, and of what is at least suspicious.
_MARKS: dict[str, dict[str, Any]] = {"": {}, "review_": {"markerfacecolor": "none"}}


def plots(
    manifest: Manifest, curves: Mapping[str, Any] | None, later: Mapping[str, Any] | None = None
) -> dict[str, Markup]:
    """Return the SVG of every plot whose figures are known, by name.

    Parameters
    ----------
    manifest : Manifest
    curves : mapping or None
        ``sweep``, ``reliability``, ``histogram`` of `include.evaluation.curves`.
    later : mapping or None
        Of `include.training.later_months.later_months_figures`.
    """
    found: dict[str, Markup] = {}
    if later and (months := [each for each in later["months"] if each["n_phishing"]]):
        found["later-months"] = _later_months(later["since"], months)
    test = manifest.metrics.get("test") or {}
    if not curves or "recall" not in test:
        return found
    if sweep := curves.get("sweep"):
        found["roc"] = _roc(sweep, test, manifest.budgets.block)
        found["precision-recall"] = _precision_recall(sweep, test)
        found["thresholds"] = _thresholds(sweep, manifest)
    if reliability := curves.get("reliability"):
        found["calibration"] = _calibration(reliability)
    if histogram := curves.get("histogram"):
        found["scores"] = _scores(histogram, manifest.thresholds)
    return found


def _roc(sweep: Mapping[str, list[float]], test: Mapping[str, float], budget: float) -> Markup:
    def paint(figure: "Figure") -> None:
        axes = figure.add_subplot()
        lowest = max(_LOWEST_FPR, min(budget, min(filter(None, sweep["fpr"]))) / 2)
        false_alarms = np.maximum(sweep["fpr"], lowest)
        axes.plot(false_alarms, sweep["recall"], color=ACCENT, drawstyle="steps-post")
        axes.axvline(budget, color=MUTED, linestyle=_DASHED, linewidth=1.2)
        axes.annotate("budget", (budget, 0.03), (3, 0), textcoords="offset points", color=MUTED)
        for prefix, mark in _MARKS.items():
            point = [max(test[f"{prefix}fpr"], lowest)], [test[f"{prefix}recall"]]
            axes.plot(*point, "o", color=INK, markersize=7, **mark)
        axes.set(xscale="log", xlim=(lowest, 1), ylim=(0, 1.02))
        axes.set_xlabel("share of legitimate rows flagged")
        axes.set_ylabel("share of phishing rows flagged")
        _percent(axes)

    return draw("roc", _said(test, "ROC curve, false alarms on a logarithmic scale"), paint)


def _precision_recall(sweep: Mapping[str, list[float]], test: Mapping[str, float]) -> Markup:
    def paint(figure: "Figure") -> None:
        axes = figure.add_subplot()
        axes.plot(sweep["recall"], sweep["precision"], color=ACCENT)
        for prefix, mark in _MARKS.items():
            point = [test[f"{prefix}recall"]], [test[f"{prefix}precision"]]
            axes.plot(*point, "o", color=INK, markersize=7, **mark)
        lowest = min(0.5, *sweep["precision"])
        axes.set(xlim=(0, 1), ylim=(lowest, 1 + (1 - lowest) / 50))
        axes.set_xlabel("share of phishing rows flagged")
        axes.set_ylabel("share of flagged rows that are phishing")
        _percent(axes)

    said = f"Precision-recall curve; of the rows called phishing {test['precision']:.1%} are"
    return draw("precision-recall", _said(test, said), paint)


def _thresholds(sweep: Mapping[str, list[float]], manifest: Manifest) -> Markup:
    budget, chosen = manifest.budgets.block, manifest.thresholds

    def paint(figure: "Figure") -> None:
        above, below = figure.subplots(2, sharex=True)
        above.plot(sweep["threshold"], sweep["recall"], color=PHISHING)
        above.set(ylim=(0, 1.04), ylabel="phishing flagged")
        above.yaxis.set_major_formatter(_share)
        below.plot(sweep["threshold"], sweep["fpr"], color=LEGITIMATE)
        below.axhline(budget, color=MUTED, linestyle=_DASHED, linewidth=1.2)
        below.annotate("budget", (0.01, budget), (0, -11), textcoords="offset points", color=MUTED)
        least = min(filter(None, sweep["fpr"])) / 2
        below.set(yscale="log", ylim=(min(least, budget / 4), 1.2), xlim=(0, 1))
        below.set(ylabel="legitimate flagged", xlabel="threshold")
        below.yaxis.set_major_formatter(_share)
        for axes in (above, below):
            _mark(axes, chosen)

    said = f"Shares flagged by threshold; chosen are {chosen.block:.4f} and {chosen.review:.4f}"
    return draw("thresholds", _said(manifest.metrics["test"], said), paint, height_in=3.8)


def _calibration(reliability: Sequence[Mapping[str, float]]) -> Markup:
    stated = np.array([each["stated"] for each in reliability])
    observed = np.array([each["observed"] for each in reliability])
    n_rows = np.array([each["n_rows"] for each in reliability])

    def paint(figure: "Figure") -> None:
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=MUTED, linestyle=_DASHED, linewidth=1.2)
        low = observed - [each["low"] for each in reliability]
        high = [each["high"] for each in reliability] - observed
        axes.errorbar(stated, observed, (low, high), fmt="none", ecolor=ACCENT, elinewidth=1.4)
        axes.scatter(stated, observed, 14 + 120 * n_rows / n_rows.max(), ACCENT, zorder=3)
        for x, y, count in zip(stated, observed, n_rows, strict=True):
            side = -1 if x > 0.9 else 1
            axes.annotate(
                f"{count:,}",
                (x, y),
                (9 * side, -11 * side if x < 0.1 or x > 0.9 else -3),
                textcoords="offset points",
                ha="left" if side > 0 else "right",
                color=MUTED,
                fontsize=8,
            )
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.set_xlabel("probability of phishing that was stated")
        axes.set_ylabel("share that was phishing")
        _percent(axes)

    worst = int(np.argmax(np.abs(stated - observed)))
    said = (
        f"Calibration in {len(stated)} ranges; the widest gap: {stated[worst]:.0%} stated, "
        f"{observed[worst]:.0%} came true, of {n_rows[worst]:,} rows"
    )
    return draw("calibration", said, paint)


def _scores(histogram: Mapping[str, list[Any]], thresholds: Thresholds) -> Markup:
    edges = np.array(histogram["edges"])

    def paint(figure: "Figure") -> None:
        axes = figure.add_subplot()
        for name, colour, side in (("legitimate", LEGITIMATE, 0), ("phishing", PHISHING, 1)):
            width = np.diff(edges) / 2
            axes.bar(edges[:-1] + side * width, histogram[name], width, align="edge", color=colour)
            axes.plot([], [], "s", color=colour, label=name)
        _mark(axes, thresholds)
        axes.set_yscale("symlog", linthresh=1)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.grid(axis="x", color=OTHER, alpha=0)
        axes.set(xlim=(0, 1))
        axes.set_xlabel("probability of phishing")
        axes.set_ylabel("rows (logarithmic)")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=2)

    said = (
        f"Probabilities of {sum(histogram['phishing']):,} phishing and "
        f"{sum(histogram['legitimate']):,} legitimate rows"
    )
    return draw("scores", said, paint)


def _later_months(since: str, months: Sequence[Mapping[str, Any]]) -> Markup:
    names = [each["month"] for each in months]
    recall = np.array([each["recall"] for each in months])
    # Versions of earlier releases have no intervals.
    ends = np.array([each.get("recall_interval", [each["recall"]] * 2) for each in months]).T

    def paint(figure: "Figure") -> None:
        axes = figure.add_subplot()
        spread = np.abs(ends - recall)
        axes.errorbar(names, recall, spread, fmt="o-", color=ACCENT, elinewidth=1.4)
        axes.set(ylim=(0, 1.02))
        axes.set_xlabel("month in which the rows were first seen")
        axes.set_ylabel("share of phishing rows flagged")
        axes.yaxis.set_major_formatter(_share)

    shares = ", ".join(f"{share:.1%} in {name}" for name, share in zip(names, recall, strict=True))
    said = f"Of each month's phishing, a model of records before {since} calls phishing: {shares}"
    return draw("later-months", said, paint)


def _mark(axes: "Axes", thresholds: Thresholds) -> None:
    axes.axvline(thresholds.block, color=INK, linewidth=1.2)
    axes.axvline(thresholds.review, color=INK, linewidth=1.2, linestyle=_DASHED)


def _percent(axes: "Axes") -> None:
    axes.yaxis.set_major_formatter(_share)
    axes.xaxis.set_major_formatter(_share)


def _share(value: float, _: object) -> str:
    return f"{100 * value:g} %"


def _said(test: Mapping[str, float], what: str) -> str:
    return (
        f"{what}. Of the phishing rows {test['recall']:.1%} are called phishing and "
        f"{test['review_recall']:.1%} at least suspicious; of the legitimate ones "
        f"{test['fpr']:.2%} and {test['review_fpr']:.2%}."
    )
