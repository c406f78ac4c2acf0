"""A random sample of predictions to label: metrics on it are unbiased.

A few are drawn of each stratum of score and answer, so that what is rare is seen; the labels of a
stratum stand for all its items. Only labels of the source `SOURCE` count, as people report of those
that were drawn, too, what looks wrong to them; and for the same reason decisions of reviewers only
once a stratum of a day is decided on as a whole.
"""

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from heapq import nsmallest
from typing import Any

from include.contract.verdicts import VERDICTS
from include.monitoring.findings_store import earlier_findings
from include.monitoring.limits import Limits
from include.monitoring.records.labels import Feedback
from include.monitoring.records.traffic import Traffic
from include.monitoring.reviews import Decided, read_reviews, reviewed_days
from include.monitoring.weighted import Stratum, weighted_figures
from include.stores.objects import ObjectStore

SOURCE = "audit"
PER_STRATUM = 5
_EDGES = (0.0, 0.01, 0.1, 0.5, 0.9, 1.0)


def draw_audit(traffic: Traffic, version: str | None) -> list[dict[str, Any]]:
    """Return a random sample of a day's predictions to label, by stratum.

    Parameters
    ----------
    traffic : Traffic
    version : str or None
        Whose answers; those whose inputs are not kept as they were sent are left out, as nobody
        could tell what was asked.

    Returns
    -------
    list of dict
        ``verdict``, ``low`` and ``high`` (of the probability), ``n_items``, and ``drawn``: at
        most `PER_STRATUM` ids in an order of chance, the same ones whenever one looks.
    """
    names: dict[tuple[str, int], list[str]] = {}
    for name, item in traffic.sample.in_order():
        if item.version == version and item.inputs is not None and not item.is_redacted:
            place = min(bisect_right(_EDGES, item.probability), len(_EDGES) - 1)
            names.setdefault((item.verdict, place), []).append(name)
    return [
        {
            "verdict": verdict,
            "low": _EDGES[place - 1],
            "high": _EDGES[place],
            "n_items": round(len(names[verdict, place]) / traffic.sample.share),
            "drawn": nsmallest(PER_STRATUM, names[verdict, place], key=_at_random),
        }
        for verdict, place in sorted(names, key=_from_below)
    ]


def evaluate_audit(
    store: ObjectStore,
    feedback: Feedback,
    strata: Sequence[Mapping[str, Any]],
    version: str | None,
    day: str,
    limits: Limits,
) -> dict[str, Any]:
    """Return metrics of all predictions of a version, estimated from the labelled sample.

    Parameters
    ----------
    store : ObjectStore
    feedback : Feedback
    strata : sequence of mapping
        What `draw_audit` drew of the day.
    version : str or None
    day : str
        ``YYYY-MM-DD``; what was drawn of the `limits.label_days` up to it is judged together.
    limits : Limits

    Returns
    -------
    dict
        ``strata``, as they were given; ``n_days``, ``n_drawn`` and ``n_labelled`` of days of which
        at least one label is known, and ``figures``: of each of
        `include.monitoring.weighted.FIGURES` the ``value`` (None where nothing is known),
        ``low`` and ``high``.
    """
    said = {
        each.id: each.said.is_phishing for each in feedback.labelled if each.said.source == SOURCE
    }
    n_items, n_labels, n_phishing = (Counter[tuple[str, float]]() for _ in range(3))
    n_days = n_drawn = 0
    decided_on = reviewed_days(store, feedback.pipeline)
    n_back = limits.label_days - 1 if said or decided_on else 0
    earlier = earlier_findings(store, feedback.pipeline, version, day, n_back)
    days = {day: strata} | {
        found["day"]: found["audit"]["strata"] for found in earlier if "audit" in found
    }
    for one_day, drawn_then in days.items():
        is_decided = one_day in decided_on
        reviewed = read_reviews(store, feedback.pipeline, one_day) if is_decided else {}
        labelled = [_labels(each["drawn"], said, reviewed) for each in drawn_then]
        if not any(labelled):
            continue
        n_days, n_drawn = n_days + 1, n_drawn + sum(len(each["drawn"]) for each in drawn_then)
        for each, labels in zip(drawn_then, labelled, strict=True):
            stratum = each["verdict"], each["low"]
            n_items[stratum] += each["n_items"]
            n_labels[stratum] += len(labels)
            n_phishing[stratum] += sum(labels)
    counted = [
        Stratum(each[0], n_items[each], n_labels[each], n_phishing[each])
        for each in sorted(n_items)
    ]
    return {
        "strata": list(strata),
        "n_days": n_days,
        "n_drawn": n_drawn,
        "n_labelled": n_labels.total(),
        "figures": weighted_figures(counted, limits.confidence),
    }


def _labels(drawn: Sequence[str], said: Mapping[str, bool], reviewed: Decided) -> list[bool]:
    """Return the labels of a stratum of a day: those sent, and of reviewers all or none."""
    known: dict[str, bool | None] = {**reviewed, **said}
    counted = known if all(name in known for name in drawn) else said
    return [label for name in drawn if (label := counted.get(name)) is not None]


def _from_below(stratum: tuple[str, int]) -> tuple[int, int]:
    verdict, place = stratum
    return -VERDICTS.index(verdict), place


def _at_random(name: str) -> bytes:
    """Return what puts ids into an order that says nothing of them, the same one at each look."""
    return hashlib.blake2b(name.encode(), digest_size=8, person=b"audit").digest()
