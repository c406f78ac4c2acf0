"""What a model's figures do not show: rare phishing, curated labels, moving targets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.contract.manifest import Manifest

_ONE_IN = (2, 10, 100, 1_000, 10_000)

LIMITS = (
    "Labels come from curated lists. A page that no list knew counts as legitimate, and a list's "
    "mistakes are learned and rewarded.",
    "The test rows are of the same sources and the same months as the training rows. Attackers "
    "change their ways: figures of tonight say little of next quarter.",
    "Phishing is far more frequent among the records than in traffic. Where it is rare, more "
    "alarms are false; the report shows how many.",
    "An explanation says what moved the model, not why a page is harmful.",
    "A verdict is one piece of evidence. It is not made to decide alone on blocking a person's "
    "account or a company's domain.",
)
USERS = (
    "Developers who score URLs or records through the scoring service",
    "Analysts who look at verdicts and reasons on its page",
)
USE_CASES = (
    "Rank and flag suspicious web pages for a person or for a second check",
    "Warn before a page is visited, where a false alarm costs little",
)
TRADEOFF = (
    "The thresholds trade recall for few false alarms: they are set for budgets of false "
    "positives, so some phishing is called suspicious only, and some passes."
)
RISKS = (
    (
        "Legitimate pages that look unusual, such as those of small or new sites, are flagged "
        "more often.",
        "The false-positive budget, the figures by slice, and a person who can overrule a verdict.",
    ),
    (
        "Somebody who knows the inputs can shape a page to pass.",
        "Nightly retraining, drift limits, and no reliance on a single input.",
    ),
)


@dataclass(frozen=True)
class Prevalence:
    """What the threshold means where phishing is rarer or more frequent than in the test rows.

    Attributes
    ----------
    one_in : int
        One row in so many is phishing.
    caught, missed, false_alarms : int
        Expected in a million rows.
    precision : float
        Share of the flagged rows that are phishing.
    """

    one_in: int
    caught: int
    missed: int
    false_alarms: int
    precision: float


def by_prevalence(manifest: Manifest) -> list[Prevalence]:
    """Return what recall and false-positive rate on the test rows come to, for several mixes.

    The false-positive rate is the budget where fewer were seen: a handful of rows promises no less.

    Parameters
    ----------
    manifest : Manifest
        Without figures of test rows, nothing is returned.
    """
    test = manifest.metrics.get("test") or {}
    if "recall" not in test or "fpr" not in test:
        return []
    false_positive_rate = max(test["fpr"], manifest.budgets.block)
    found = []
    for one_in in _ONE_IN:
        phishing = 1_000_000 / one_in
        caught = test["recall"] * phishing
        false_alarms = false_positive_rate * (1_000_000 - phishing)
        flagged = caught + false_alarms
        found.append(
            Prevalence(
                one_in=one_in,
                caught=round(caught),
                missed=round(phishing - caught),
                false_alarms=round(false_alarms),
                precision=caught / flagged if flagged else 0.0,
            )
        )
    return found


def low_rates(manifest: Manifest) -> list[str]:
    """Return a sentence on the recall at each low false-positive rate, known or not."""
    return [
        _low_rate(entry) for entry in (manifest.metrics.get("verdicts") or {}).get("low_rates", ())
    ]


def _low_rate(entry: Mapping[str, Any]) -> str:
    at = f"at {100 * entry['fpr']:g} % false positives"
    if entry["recall"] is None:
        return (
            f"Recall {at}: not stated, {entry['n_legitimate']:,} legitimate rows do not suffice; "
            f"{entry['n_needed']:,} would"
        )
    low, high = entry["recall_interval"]
    return f"Recall {at}: {entry['recall']:.1%} ({low:.1%} to {high:.1%})"
