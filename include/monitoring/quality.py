"""Quality of predictions by version, from labels that came in later.

Labels are a biased sample: people report what looks wrong. So a figure counts as broken only when
its whole interval is beyond what was promised.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from include.contract.verdicts import LEGITIMATE, PHISHING
from include.evaluation.intervals import rate_interval
from include.monitoring.baselines import Baseline
from include.monitoring.limits import Limits
from include.monitoring.records.labels import Labelled
from include.pipelines import Pipeline

MAX_SOURCES = 20
_SEED = 0
QUALITY = ("recall", "fpr", "review_recall", "review_fpr")
"""Of what was called phishing, and of what was at least suspicious."""


def evaluate_quality(
    pipeline: Pipeline,
    labelled: Sequence[Labelled],
    baselines: Mapping[str, Baseline],
    limits: Limits,
) -> list[dict[str, Any]]:
    """Return the metrics of each version with labels, newest first.

    Parameters
    ----------
    pipeline : Pipeline
    labelled : sequence of Labelled
    promises : mapping of str to Promise
        By version; one that is missing promised nothing that is known.
    limits : Limits

    Returns
    -------
    list of dict
        ``version``, ``n_labels``, ``n_phishing``, ``n_legitimate``, ``sources`` (labels and wrong
        answers of each), and ``figures``: of each of `QUALITY` the ``value``, ``low``, ``high``,
        the figure ``offline`` on the test side, the ``limit``, and the ``verdict``:
        ``kept``, ``broken``, ``open``, ``too few`` or ``no limit``.
    """
    of_version: dict[str, list[Labelled]] = {}
    for each in labelled:
        of_version.setdefault(each.item.version, []).append(each)
    return [
        _evaluate(
            pipeline, version, of_version[version], baselines.get(version, Baseline()), limits
        )
        for version in sorted(of_version, reverse=True)
    ]


def _evaluate(
    pipeline: Pipeline,
    version: str,
    labelled: Sequence[Labelled],
    baseline: Baseline,
    limits: Limits,
) -> dict[str, Any]:
    truth = np.array([each.said.is_phishing for each in labelled])
    given = np.array([each.item.verdict for each in labelled])
    blocked, alarmed = given == PHISHING, given != LEGITIMATE
    groups = _groups(pipeline, labelled)
    figures = {}
    for name, hits, rows in (
        ("recall", blocked, truth),
        ("fpr", blocked, ~truth),
        ("review_recall", alarmed, truth),
        ("review_fpr", alarmed, ~truth),
    ):
        low, high = rate_interval(
            hits[rows], groups[rows], confidence=limits.confidence, seed=_SEED
        )
        figure = {
            "n_labels": int(rows.sum()),
            "value": float(hits[rows].mean()) if rows.any() else None,
            "low": low,
            "high": high,
            "offline": baseline.offline.get(name),
            "limit": baseline.limits.get(name),
        }
        figures[name] = figure | {"verdict": _verdict(name, figure, limits)}
    return {
        "version": version,
        "n_labels": len(truth),
        "n_phishing": int(truth.sum()),
        "n_legitimate": int((~truth).sum()),
        "sources": _sources(labelled),
        "figures": figures,
    }


def _verdict(name: str, figure: Mapping[str, Any], limits: Limits) -> str:
    limit = figure["limit"]
    if limit is None:
        return "no limit"
    if figure["n_labels"] < limits.min_labels:
        return "too few"
    if name.endswith("fpr"):
        surely, surely_not = figure["high"] <= limit, figure["low"] > limit
    else:
        surely, surely_not = figure["low"] >= limit, figure["high"] < limit
    return "broken" if surely_not else "kept" if surely else "open"


def _groups(pipeline: Pipeline, labelled: Sequence[Labelled]) -> Any:
    """Return a group for each answer: that of the split where inputs are kept, else their hash."""
    groups = np.array([each.item.duplicate for each in labelled], dtype=object)
    known = np.array([each.item.inputs is not None for each in labelled])
    if known.any():
        names = [field.name for field in pipeline.inputs]
        inputs = [each.item.inputs for each in labelled if each.item.inputs is not None]
        groups[known] = pipeline.group_keys(pd.DataFrame(inputs, columns=names))
    return np.array([str(group) for group in groups])


def _contradicts(each: Labelled) -> bool:
    """Return whether a label is the opposite of the verdict; of a suspicion neither is."""
    return each.item.verdict == (LEGITIMATE if each.said.is_phishing else PHISHING)


def _sources(labelled: Sequence[Labelled]) -> list[dict[str, Any]]:
    """Return of the sources with the most labels how many they gave, and how many say: wrong."""
    n_labels: Counter[str] = Counter(each.said.source for each in labelled)
    n_wrong = Counter(each.said.source for each in labelled if _contradicts(each))
    most = sorted(n_labels.items(), key=lambda each: (-each[1], each[0]))[:MAX_SOURCES]
    return [{"source": name, "n_labels": count, "n_wrong": n_wrong[name]} for name, count in most]
