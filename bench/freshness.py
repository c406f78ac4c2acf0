"""What a model loses while it is not retrained, and what monthly and weekly retraining keeps.

`urls_train` and `urls_dev` are put in order of time. Each of the last five months is judged by a
model that knows what had been reported before the first of them (frozen), before the month began
(monthly), and before each of its weeks (weekly). Legitimate URLs without a date are known from the
beginning, but for three tenths of their registrable domains, which judge every month. Recall is
that of a month's phishing at the false-positive rate of its legitimate URLs.

`FRESHNESS_TREES` sets the number of trees; `FRESHNESS_PLOT` names a file for the plot.
"""

import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure
from sklearn.pipeline import Pipeline

from bench._everyday import read_reference
from bench._url_models import SEED, features
from bench._urls import data_file
from include.evaluation.metrics import recall_at_fpr
from include.features.urls import group_of
from include.training.split import Shares, assign_sides
from include.training.text_families import stack

MONTHS = ("2026-01", "2026-02", "2026-03", "2026-04", "2026-05")
RATES = (0.01, 0.001)
WAYS = ("frozen", "monthly", "weekly")
_JUDGING = Shares(train=0.7, calibration=0.0, test=0.3)

Dates = npt.NDArray[np.datetime64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Reports:
    """Labelled URLs and when they were first seen, NaT where that is not known.

    Attributes
    ----------
    X : ndarray of shape (n_urls, n_columns)
    y : ndarray of int8
    dates : ndarray of datetime64
    judges : ndarray of bool
        Without a date, and never trained on.
    """

    X: npt.NDArray[np.float32]
    y: npt.NDArray[np.int8]
    dates: Dates
    judges: Mask

    def known_before(self, day: np.datetime64) -> Mask:
        """Return which rows a model of that day is trained on."""
        return np.where(np.isnat(self.dates), ~self.judges, self.dates < day)

    def within(self, first: np.datetime64, end: np.datetime64) -> Mask:
        """Return which rows were first seen from one day on and before another."""
        return (self.dates >= first) & (self.dates < end)


def main() -> None:
    """Print a line per month; the last line is one JSON object."""
    reports = read_reports()
    models = Models(reports, int(os.environ.get("FRESHNESS_TREES", "200")))
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    print(f"{'month':10}" + "".join(f"{f'{way} {rate:.1%}':>16}" for rate in RATES for way in WAYS))
    for month in MONTHS:
        for way in WAYS:
            found[way].append(judged(reports, models, month, way))
        cells = (found[way][-1][str(rate)] for rate in RATES for way in WAYS)
        print(f"{month:10}" + "".join(f"{cell:16.3f}" for cell in cells), flush=True)
    if path := os.environ.get("FRESHNESS_PLOT"):
        Path(path).write_text(plot(found))
    means = {
        f"recall_{way}": {
            str(rate): float(np.mean([each[str(rate)] for each in found[way]])) for rate in RATES
        }
        for way in WAYS
    }
    print(json.dumps({**means, "months": dict(zip(MONTHS, _by_month(found), strict=True))}))


def read_reports() -> Reports:
    """Return both files, with features."""
    frame = pd.concat(
        [pd.read_csv(data_file(f"{name}.csv.gz")) for name in ("urls_train", "urls_dev")],
        ignore_index=True,
    )
    dates = pd.to_datetime(frame["date"], errors="coerce").to_numpy("datetime64[D]")
    domains = np.array([group_of(url) for url in frame["url"]], dtype=object)
    judges = np.isnat(dates) & (assign_sides(domains, "freshness", _JUDGING) == "test")
    X = features(frame["url"].tolist(), read_reference()[1])
    return Reports(X, frame["label"].to_numpy(np.int8), dates, judges)


def judged(reports: Reports, models: "Models", month: str, way: str) -> dict[str, float]:
    """Return the recall of a month at each rate, by models of that way."""
    first = np.datetime64(month, "M")
    begin, end = first.astype("datetime64[D]"), (first + 1).astype("datetime64[D]")
    is_judged = reports.within(begin, end) | reports.judges
    probability = np.full(len(reports.y), np.nan)
    for day, rows in parts(begin, end, way, reports):
        model = models.before(day)
        probability[rows] = model.predict_proba(reports.X[rows])[:, 1]
    y, scores = reports.y[is_judged], probability[is_judged]
    return {str(rate): recall_at_fpr(y, scores, rate) for rate in RATES}


def parts(
    begin: np.datetime64, end: np.datetime64, way: str, reports: Reports
) -> list[tuple[np.datetime64, Mask]]:
    """Return which rows of a month are scored by a model of which day.

    Undated rows are scored by a week each, in turn.
    """
    if way == "frozen":
        day = np.datetime64(MONTHS[0], "M").astype("datetime64[D]")
        return [(day, reports.within(begin, end) | reports.judges)]
    if way == "monthly":
        return [(begin, reports.within(begin, end) | reports.judges)]
    weeks = np.arange(begin, end - np.timedelta64(6, "D"), np.timedelta64(7, "D"))
    ends = [*weeks[1:], end]
    turns = np.arange(len(reports.y)) % len(weeks)
    return [
        (week, reports.within(week, until) | (reports.judges & (turns == turn)))
        for turn, (week, until) in enumerate(zip(weeks, ends, strict=True))
    ]


class Models:
    """The models of each day, every one fitted once.

    Parameters
    ----------
    reports : Reports
    n_trees : int
    """

    def __init__(self, reports: Reports, n_trees: int) -> None:
        self._reports, self._n_trees = reports, n_trees
        self._fitted: dict[str, Pipeline] = {}

    def before(self, day: np.datetime64) -> Pipeline:
        """Return the model that knows what was reported before a day."""
        if str(day) not in self._fitted:
            started, known = perf_counter(), self._reports.known_before(day)
            X, y = self._reports.X[known], self._reports.y[known]
            self._fitted[str(day)] = stack(SEED, self._n_trees).fit(X, y)
            print(f"  {day}: {len(y):,} rows, {perf_counter() - started:.0f} s", flush=True)
        return self._fitted[str(day)]


def plot(found: Mapping[str, list[dict[str, float]]]) -> str:
    """Return the recall of each month as an SVG file."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, rate in zip(figure.subplots(1, 2, sharey=True), RATES, strict=True):
        for way, style in zip(WAYS, (":", "--", "-"), strict=True):
            recalls = [each[str(rate)] for each in found[way]]
            axes.plot(MONTHS, recalls, style, marker="o", label=way)
        axes.set_title(f"{rate:.1%} of legitimate URLs flagged", fontsize=10)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.supylabel("share of the month's phishing found", fontsize=10)
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()


def _by_month(found: Mapping[str, list[dict[str, float]]]) -> list[dict[str, dict[str, float]]]:
    return [{way: found[way][at] for way in WAYS} for at in range(len(MONTHS))]


if __name__ == "__main__":
    main()
