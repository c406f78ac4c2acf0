"""What a day comes to: what is beyond its limits, and what could not be judged."""

from collections.abc import Iterator, Mapping
from typing import Any

from include.monitoring.limits import Limits

MAX_FIELDS_SAID = 5
_TITLES = {
    "recall": "Recall",
    "fpr": "The false-positive rate",
    "review_recall": "Recall with what is suspicious",
    "review_fpr": "The false-positive rate with what is suspicious",
}


def conclude(found: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Return the findings of a day.

    Parameters
    ----------
    found : mapping
        What was measured.
    limits : Limits

    Returns
    -------
    dict
        ``drift_evaluated`` and ``quality_evaluated``; ``moved`` (fields of an open alarm of drift,
        with their divergence from earlier days), ``slices`` (sentences on what it touches),
        ``rate`` of false alarms, ``broken`` (a sentence by figure), ``is_beyond``,
        ``may_retrain`` and ``sentences``, the weightiest first.
    """
    inputs, scores, drift = found["inputs"], found["scores"], found["drift"]
    moved = drift.get("changed", {})
    ours = next((each for each in found["quality"] if each["version"] == found["version"]), None)
    verdicts = [figure["verdict"] for figure in ours["figures"].values()] if ours else []
    broken = list(_broken(ours, limits)) if ours else []
    return {
        "drift_evaluated": drift["evaluated"],
        "quality_evaluated": bool({"kept", "open", "broken"} & set(verdicts)),
        "moved": moved,
        "slices": [_slice(each) for each in drift.get("slices", ())],
        "rate": limits.false_alarm_rate,
        "broken": broken,
        "is_beyond": bool(moved or broken),
        "may_retrain": limits.retrain,
        "sentences": [
            *broken,
            *_drift(drift, limits),
            *scores["sentences"],
            _labels(ours, limits),
            *(() if moved else inputs["sentences"][:MAX_FIELDS_SAID]),
        ],
    }


def _drift(drift: Mapping[str, Any], limits: Limits) -> Iterator[str]:
    if not drift["evaluated"]:
        yield from drift["sentences"]
    elif drift["changed"]:
        fields = ", ".join(f"{field} by {kl:.3g} nats" for field, kl in drift["changed"].items())
        yield (
            f"Traffic is not what it was before {drift['state']['alarm_since']}: {fields}. In a "
            f"year without a change an alarm has a probability of {limits.false_alarm_rate:.0%} "
            "at most."
        )
        yield from (f"Slice {_slice(each)}." for each in drift["slices"])
    else:
        days = f"{drift['n_days']} earlier day{'' if drift['n_days'] == 1 else 's'}"
        yield f"No alarm of drift; compared with {days} of the same weekday."


def _slice(found: Mapping[str, Any]) -> str:
    """Return how a slice's share changed, and what the version's test side says of it."""
    said = f"{found['name']} '{found['value']}': {found['then']:.1%} before, {found['now']:.1%} now"
    named = {"recall": "recall", "fpr": "false positives"}
    rates = [f"{name} {found[rate]:.1%}" for rate, name in named.items() if found[rate] is not None]
    return f"{said} (test side: {', '.join(rates)})" if rates else said


def _broken(ours: Mapping[str, Any], limits: Limits) -> Iterator[str]:
    for name, title in _TITLES.items():
        figure = ours["figures"][name]
        if figure["verdict"] == "broken":
            of = "phishing" if name.endswith("recall") else "legitimate"
            yield (
                f"{title} of {ours['version']} is {figure['low']:.1%} to {figure['high']:.1%} on "
                f"{figure['n_labels']:,} labelled {of} items, with {limits.confidence:.0%} "
                f"confidence; {figure['limit']:.1%} was promised."
            )


def _labels(ours: Mapping[str, Any] | None, limits: Limits) -> str:
    if ours is None:
        return "Beside a random sample, no answer of the version in production has a label yet."
    counts = f"{ours['n_phishing']:,} phishing and {ours['n_legitimate']:,} legitimate"
    if max(ours["n_phishing"], ours["n_legitimate"]) < limits.min_labels:
        return (
            f"Too few labels to judge quality: {counts}; {limits.min_labels:,} of one are enough."
        )
    return f"Answers of the version in production with a label: {counts}."
