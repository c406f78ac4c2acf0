"""The figures of a report: what each is called, what it means in a sentence, how it is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.contract.manifest import Manifest
from include.reporting.report_inputs import ReportInputs

NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes
    ----------
    name : str
        Its key in ``metrics.test``.
    title, meaning : str
    as_share : bool
        Written in percent.
    digits : int
    more_is_better : bool
    """

    name: str
    title: str
    meaning: str
    as_share: bool = True
    digits: int = 1
    more_is_better: bool = True

    def text(self, value: float | None) -> str:
        """Return the value formatted for people."""
        if value is None:
            return NOT_MEASURED
        if self.as_share:
            return f"{100 * value:.{self.digits}f} %"
        return f"{value:.{self.digits}f}"

    def change(self, value: float | None, before: float | None) -> str:
        """Return the difference with its sign; empty when either is not known."""
        if value is None or before is None:
            return ""
        unit, scale = (" points", 100) if self.as_share else ("", 1)
        return f"{scale * (value - before):+.{self.digits}f}{unit}".replace("-", "\N{MINUS SIGN}")


FIGURES = (
    Figure(
        "recall",
        "Recall",
        "Share of the phishing rows that are called Phishing.",
    ),
    Figure(
        "fpr",
        "False-positive rate",
        "Share of the legitimate rows that are called Phishing.",
        digits=2,
        more_is_better=False,
    ),
    Figure(
        "precision",
        "Precision",
        "Share of the rows called Phishing that are, in this mix of rows; less where phishing is"
        " rarer.",
    ),
    Figure(
        "review_recall",
        "Recall with Suspicious",
        "Share of the phishing rows that are called Phishing or Suspicious.",
    ),
    Figure(
        "review_fpr",
        "False-positive rate with Suspicious",
        "Share of the legitimate rows that are called Phishing or Suspicious.",
        digits=2,
        more_is_better=False,
    ),
    Figure(
        "review_precision",
        "Precision with Suspicious",
        "Share of the rows called Phishing or Suspicious that are phishing, in this mix of rows.",
    ),
    Figure(
        "accuracy",
        "Accuracy at 0.5",
        "Share of rows on the right side of probability 0.5, which no verdict depends on alone.",
    ),
    Figure(
        "f1",
        "F1 at 0.5",
        "Harmonic mean of precision and recall at probability 0.5.",
    ),
    Figure(
        "recall_at_fpr",
        "Recall at 1 %",
        "Recall at 1 % false positives with a threshold set on these rows; compares models.",
    ),
    Figure(
        "roc_auc",
        "ROC AUC",
        "How often a phishing row gets a higher probability than a legitimate one; 1 is always.",
        as_share=False,
        digits=4,
    ),
    Figure(
        "average_precision",
        "Average precision",
        "Mean precision over all recalls; candidates are chosen by it, in cross-validation.",
        as_share=False,
        digits=4,
    ),
    Figure(
        "brier",
        "Brier score",
        "Mean squared error of the probabilities; 0 is perfect, 0.25 is a constant 0.5.",
        as_share=False,
        digits=4,
        more_is_better=False,
    ),
    Figure(
        "ece",
        "Calibration error",
        "Mean gap between predicted probability and observed share.",
        as_share=False,
        digits=4,
        more_is_better=False,
    ),
)
BY_NAME = {figure.name: figure for figure in FIGURES}


@dataclass(frozen=True)
class FigureRow:
    """One line of the table of figures.

    Attributes
    ----------
    figure : Figure
    group-disjoint, interval, random_split, champion, change : str
    better : bool or None
        Whether the change is for the better; None if there is none.
    """

    figure: Figure
    group_disjoint: str
    interval: str
    random_split: str
    champion: str
    change: str
    better: bool | None


def figure_rows(manifest: Manifest, report_inputs: ReportInputs) -> list[FigureRow]:
    """Return the lines of the table of figures, those of the champion on the same rows beside."""
    metrics = manifest.metrics
    return [_row(figure, metrics, report_inputs.intervals or {}) for figure in FIGURES]


def interval_text(figure: Figure, interval: Any) -> str:
    """Return ``low to high``; empty when there is none."""
    if interval is None:
        return ""
    low, high = interval
    return f"{figure.text(low).removesuffix(' %')} to {figure.text(high)}"


def _row(figure: Figure, metrics: Mapping[str, Any], intervals: Mapping[str, Any]) -> FigureRow:
    group_disjoint: float | None = (metrics.get("test") or {}).get(figure.name)
    champion: float | None = (metrics.get("champion_on_same_rows") or {}).get(figure.name)
    change = figure.change(group_disjoint, champion)
    better = None
    if group_disjoint is not None and champion is not None and set(change) & set("123456789"):
        better = (group_disjoint > champion) == figure.more_is_better
    return FigureRow(
        figure=figure,
        group_disjoint=figure.text(group_disjoint),
        interval=interval_text(figure, intervals.get(figure.name)),
        random_split=figure.text((metrics.get("random_split") or {}).get(figure.name)),
        champion=figure.text(champion),
        change=change,
        better=better,
    )
