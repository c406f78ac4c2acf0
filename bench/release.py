"""How often `watch_release` takes a release back that keeps its limits, and how soon a bad one.

Each stream is the first 20,000 sites that ask after an approval, looked at every 100 sites. By the
version before, 1 % of them raise an alert, and people have allowed 1 %, a fifth of which it flags.
Releases that keep the limits (1,000 streams each): as many alerts, a tenth of them on other sites;
alerts on entirely other sites; and exactly the limit, 1.5 times the alerts. Bad ones (200 each):
twice, three and five times the alerts; one that flags a tenth or a half of the allowed sites more.
The limits are those of `release.toml`, and the rules the DAG's own.
"""

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from include.evaluation.intervals import clopper_pearson
from include.run.release.limits import ReleaseLimits
from include.run.release.rules import Alerts, broken_limits

LIMITS = ReleaseLimits()
N_NULL, N_BAD = 1_000, 200
STEP = 100
ALERTS, ALLOWED, FLAGGED = 0.01, 0.01, 0.2


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
    for name, count in false.items():
        low, high = clopper_pearson(count, N_NULL, 0.95)
        print(f"{name:20} {count:4} of {N_NULL} taken back ({low:.1%} to {high:.1%})")
    for name, found in bad.items():
        sooner, median, later = np.quantile(found, [0.1, 0.5, 0.9], method="higher")
        print(f"{name:20} after {median:6,.0f} sites ({sooner:,.0f} to {later:,.0f})")
    worst = max(false.values())
    medians = {name: _median(found) for name, found in bad.items()}
    print(
        json.dumps(
            {
                "false_rollbacks": worst / N_NULL,
                "false_rollbacks_interval": clopper_pearson(worst, N_NULL, 0.95),
                "false_rollbacks_by_null": {name: n / N_NULL for name, n in false.items()},
                "stated_error_rate": LIMITS.error_rate,
                "doubled_alerts_requests": medians["2 times the alerts"],
                "allowed_sites_requests": medians["half of allowed"],
                "requests_until_taken_back": medians,
            }
        )
    )


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
    for look in range(n_looks):
        if broken_limits(Alerts(*alerts[look]), Alerts(*allowed[look]), LIMITS):
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
