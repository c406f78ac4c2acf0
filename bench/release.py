"""How often `watch_release` takes a release back that keeps its limits, and how soon a bad one.

Each stream is the first 20,000 sites that ask after an approval, looked at every 100 sites. By the
version before, 1 % of them raise an alert, and people have allowed 1 %, a fifth of which it flags.
Where both versions differ, people label the first 200 sites, each as it comes; the new version is
right on half of them. Releases that keep the limits (1,000 streams each): as many alerts, a tenth
of them on other sites; alerts on entirely other sites; and exactly the limit, 1.5 times the alerts.
Bad ones (200 each): twice, three and five times the alerts; one that flags a tenth or a half of the
allowed sites more. The limits are those of `release.toml`, and the rules the DAG's own.

Labels alone: 1,000 challengers that are right on half of the disagreements, and challengers that
lose 5 points of recall in a slice of a tenth of all phishing, beside a churn of phishing that only
one version finds, as much each way. `RELEASE_PLOT` names a file for the curves.
"""

import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from include.evaluation.intervals import clopper_pearson
from include.evaluation.label_verdict import label_verdict
from include.run.release.limits import ReleaseLimits
from include.run.release.rules import Alerts, broken_limits

LIMITS = ReleaseLimits()
N_NULL, N_BAD = 1_000, 200
STEP = 100
ALERTS, ALLOWED, FLAGGED = 0.01, 0.01, 0.2
N_LABELS, SLICE, LOST = 200, 0.1, 0.05
CHURN = (0.001, 0.0025, 0.005)
SITES_A_MINUTE, LOOK_MINUTES = 10, 15


@dataclass(frozen=True)
class Rates:
    """How often a site raises an alert by both versions, only by the new, only by the old one.

    Attributes
    ----------
    alerts : tuple of float
        Of sites that the model decides on.
    allowed : tuple of float
        Of sites that people have allowed.
    """

    alerts: tuple[float, float, float]
    allowed: tuple[float, float, float] = (0.9 * FLAGGED, 0.1 * FLAGGED, 0.1 * FLAGGED)


NULL = {
    "as many alerts": Rates((0.9 * ALERTS, 0.1 * ALERTS, 0.1 * ALERTS)),
    "on other sites": Rates((0.0, ALERTS, ALERTS), (0.0, FLAGGED, FLAGGED)),
    "1.5 times": Rates((0.9 * ALERTS, 0.6 * ALERTS, 0.1 * ALERTS)),
}
BAD = {
    "2 times the alerts": Rates((0.9 * ALERTS, 1.1 * ALERTS, 0.1 * ALERTS)),
    "3 times the alerts": Rates((0.9 * ALERTS, 2.1 * ALERTS, 0.1 * ALERTS)),
    "5 times the alerts": Rates((0.9 * ALERTS, 4.1 * ALERTS, 0.1 * ALERTS)),
    "a tenth of allowed": Rates(NULL["as many alerts"].alerts, (0.18, 0.12, 0.02)),
    "half of allowed": Rates(NULL["as many alerts"].alerts, (0.18, 0.52, 0.02)),
}


def main() -> None:
    """Print how often and how soon; the last line is one JSON object."""
    rng = np.random.default_rng(17)
    null = {name: _requests_until(rates, N_NULL, rng) for name, rates in NULL.items()}
    false = {name: int(np.isfinite(found).sum()) for name, found in null.items()}
    bad = {name: _requests_until(rates, N_BAD, rng) for name, rates in BAD.items()}
    promoted = _labels_until("better", 0.5, N_NULL, rng)
    labels = {churn: _labels_until("worse", _share_right(churn), N_BAD, rng) for churn in CHURN}
    n_promoted = int(np.isfinite(promoted).sum())
    for name, count in {**false, "called better": n_promoted}.items():
        low, high = clopper_pearson(count, N_NULL, 0.95)
        print(f"{name:20} {count:4} of {N_NULL} ({low:.1%} to {high:.1%})")
    for name, found in bad.items():
        sooner, median, later = np.quantile(found, [0.1, 0.5, 0.9], method="higher")
        print(f"{name:20} after {median:6,.0f} sites ({sooner:,.0f} to {later:,.0f})")
    for churn, found in labels.items():
        print(
            f"churn {churn:.2%}: after {_median(found)} labels, of {np.isfinite(found).mean():.0%}"
        )
    if path := os.environ.get("RELEASE_PLOT"):
        Path(path).write_text(plot(bad, labels, promoted))
    worst = max(false.values())
    medians = {name: _median(found) for name, found in bad.items()}
    print(
        json.dumps(
            {
                "false_promotions": n_promoted / N_NULL,
                "false_promotions_interval": clopper_pearson(n_promoted, N_NULL, 0.95),
                "false_rollbacks": worst / N_NULL,
                "false_rollbacks_interval": clopper_pearson(worst, N_NULL, 0.95),
                "false_rollbacks_by_null": {name: n / N_NULL for name, n in false.items()},
                "stated_error_rate": LIMITS.error_rate,
                "slice_recall_labels": {str(churn): _median(n) for churn, n in labels.items()},
                "doubled_alerts_requests": medians["2 times the alerts"],
                "doubled_alerts_minutes": _minutes(medians["2 times the alerts"]),
                "allowed_sites_requests": medians["half of allowed"],
                "allowed_sites_minutes": _minutes(medians["half of allowed"]),
                "requests_until_taken_back": medians,
            }
        )
    )


def plot(
    bad: Mapping[str, npt.NDArray[np.float64]],
    labels: Mapping[float, npt.NDArray[np.float64]],
    promoted: npt.NDArray[np.float64],
) -> str:
    """Return which share is stopped by when, as an SVG file."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for name, found in bad.items():
        _curve(left, found, LIMITS.max_items, name)
    for churn, found in labels.items():
        _curve(right, found, N_LABELS, f"5 points in a slice, churn {churn:.2%}")
    _curve(right, promoted, N_LABELS, "as good: called better", color="0.5", linestyle=":")
    left.set(title="taken back by sites that asked", xlabel="sites since the approval")
    right.set(title="told by labels", xlabel="labels of disagreements")
    for axes in (left, right):
        axes.title.set_fontsize(10)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)
    figure.supylabel("share of challengers", fontsize=10)
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()


def _curve(axes: Any, found: npt.NDArray[np.float64], until: int, label: str, **style: Any) -> None:
    ends = np.sort(found[np.isfinite(found)])
    x = np.concatenate([[0.0], ends, [float(until)]])
    y = np.concatenate([[0.0], np.arange(1, len(ends) + 1), [float(len(ends))]]) / len(found)
    axes.step(x, y, where="post", label=label, **style)


def _minutes(requests: float | None) -> float | None:
    """Return when the look comes that finds it, at `SITES_A_MINUTE`."""
    if requests is None:
        return None
    return float(np.ceil(requests / SITES_A_MINUTE / LOOK_MINUTES) * LOOK_MINUTES)


def _share_right(churn: float) -> float:
    """Return on which share of disagreements a challenger is right that lost recall in a slice."""
    return churn / (2 * churn + SLICE * LOST)


def _labels_until(
    word: str, share_right: float, n_streams: int, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return after how many labels each challenger is called so; infinity if it never is."""
    right = (rng.random((n_streams, N_LABELS)) < share_right).cumsum(axis=1).tolist()
    return np.array(
        [
            next((n for n, k in enumerate(each, 1) if _word(k, n - k) == word), float("inf"))
            for each in right
        ]
    )


@cache
def _word(right: int, wrong: int) -> str:
    return label_verdict([True] * right + [False] * wrong).word


def _median(found: npt.NDArray[np.float64]) -> float | None:
    """Return the median; None if more than half were never taken back."""
    median = float(np.quantile(found, 0.5, method="higher"))
    return median if np.isfinite(median) else None


def _requests_until(
    rates: Rates, n_streams: int, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Return after how many sites each stream is taken back; infinity if it never is."""
    return np.array([_one(rates, rng) for _ in range(n_streams)])


def _one(rates: Rates, rng: np.random.Generator) -> float:
    n_looks = LIMITS.max_items // STEP
    n_allowed = rng.binomial(STEP, ALLOWED, n_looks)
    alerts = _cumulated(rates.alerts, STEP - n_allowed, rng)
    allowed = _cumulated(rates.allowed, n_allowed, rng)
    labels = (rng.random(N_LABELS) < 0.5).tolist()
    for look in range(n_looks):
        counted = labels[: alerts[look][1] + alerts[look][2]]
        if broken_limits(Alerts(*alerts[look]), Alerts(*allowed[look]), LIMITS, counted):
            return float((look + 1) * STEP)
    return float("inf")


def _cumulated(
    rates: tuple[float, float, float], sizes: npt.NDArray[np.int64], rng: np.random.Generator
) -> list[list[int]]:
    counts = rng.multinomial(sizes, [*rates, 1 - sum(rates)])[:, :3]
    cumulated: list[list[int]] = counts.cumsum(axis=0).tolist()
    return cumulated


if __name__ == "__main__":
    main()
