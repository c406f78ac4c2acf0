"""What a day comes to: what is beyond its limits, and what could not be judged."""

from collections.abc import Iterator, Mapping
from typing import Any

from include.monitoring.limits import Limits

SCORES = "probability"
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
        ``drift_evaluated`` and ``quality_evaluated``; ``moved`` (divergence by field, of those
        beyond
        the limit), ``limit`` (the divergence from which on people are told), ``broken`` (a sentence
        by figure), ``is_beyond``, ``may_retrain`` and ``sentences``, the weightiest first.
    """
    inputs, scores = found["inputs"], found["scores"]
    moved = {
        each["column"]: each["kl"]
        for each in inputs.get("columns", ())
        if each["column"] in inputs["beyond"]
    }
    if scores["beyond"]:
        moved[SCORES] = scores["references"][0]["kl"]
    ours = next((each for each in found["quality"] if each["version"] == found["version"]), None)
    verdicts = [figure["verdict"] for figure in ours["figures"].values()] if ours else []
    broken = list(_broken(ours, limits)) if ours else []
    return {
        "drift_evaluated": inputs["evaluated"] or scores["evaluated"],
        "quality_evaluated": bool({"kept", "open", "broken"} & set(verdicts)),
        "moved": moved,
        "limit": limits.alert_kl,
        "broken": broken,
        "is_beyond": bool(moved or broken),
        "may_retrain": limits.retrain,
        "sentences": [
            *broken,
            *_moved(moved, limits),
            *scores["sentences"],
            _labels(ours, limits),
            *(() if moved else inputs["sentences"][:MAX_FIELDS_SAID]),
        ],
    }


def _moved(moved: Mapping[str, float], limits: Limits) -> Iterator[str]:
    if moved:
        fields = ", ".join(f"{field} by {kl:.3g}" for field, kl in moved.items())
        yield f"Moved more than {limits.alert_kl:g} nats: {fields}."


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
