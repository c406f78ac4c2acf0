"""How far a day's probabilities lie from the test side and from earlier days.

The test side is half phishing and traffic is not, so earlier days of the same version say more.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from include.contract.manifest import Manifest
from include.contract.verdicts import VERDICTS
from include.monitoring.baselines import read_report_figures
from include.monitoring.findings_store import earlier_findings
from include.monitoring.limits import Limits
from include.monitoring.records.traffic import Item
from include.stores.objects import ObjectStore
from include.validation.categories import shares_of_counts

EARLIER_DAYS = 7
_N_BINS = 25  # as of the test side's histogram


def measure_scores(
    store: ObjectStore,
    items: Sequence[tuple[str, Item]],
    manifest: Manifest | None,
    day: str,
    limits: Limits,
) -> dict[str, Any]:
    """Return the histogram of the production version's scores, and its divergence from references.

    Parameters
    ----------
    store : ObjectStore
    items : sequence of (str, Item)
    manifest : Manifest or None
        Of the version in production.
    day : str
        ``YYYY-MM-DD``.
    limits : Limits

    Returns
    -------
    dict
        ``evaluated``, ``sentences``, ``n_items``, ``shares`` (of each verdict), ``counts`` and
        ``edges`` of the histogram, and ``references`` (each with ``name``, ``counts``, ``kl``,
        ``psi``).
    """
    version = manifest.version if manifest else ""
    ours = [item for _, item in items if item.version == version]
    edges = np.linspace(0, 1, _N_BINS + 1)
    counts = np.histogram([item.probability for item in ours], edges)[0]
    found: dict[str, Any] = {
        "n_items": len(ours),
        "n_distinct": len({item.duplicate for item in ours}),
        "shares": _shares(ours),
        "edges": edges.round(6).tolist(),
        "counts": counts.tolist(),
        "references": [],
        "evaluated": False,
    }
    if manifest is None:
        return found | {"sentences": ["No version was in production when the day ended."]}
    if found["n_distinct"] < limits.min_items:
        few = f"{found['n_distinct']:,} different inputs in {len(ours):,} items of {version}"
        return found | {
            "sentences": [f"Too few to judge the scores: {few}; {limits.min_items:,} are enough."]
        }
    references = [
        {**each, **_distance(counts, each["counts"])}
        for each in (*_earlier(store, manifest, day, limits), *_test_side(store, manifest))
    ]
    if not references:
        return found | {"sentences": ["There is nothing to compare the scores with yet."]}
    said = [
        f"The scores are {each['kl']:.3f} nats from those of {each['name']}." for each in references
    ]
    return found | {"references": references, "evaluated": True, "sentences": said}


def _shares(items: Sequence[Item]) -> dict[str, float | None]:
    given = Counter(item.verdict for item in items)
    return {verdict: given[verdict] / len(items) if items else None for verdict in VERDICTS}


def _distance(now: Any, then: Sequence[int]) -> dict[str, float]:
    found = shares_of_counts(pd.DataFrame({"current": now, "reference": then}))
    return {"kl": round(found.kl, 6), "psi": round(found.psi, 6)}


def _earlier(
    store: ObjectStore, manifest: Manifest, day: str, limits: Limits
) -> Iterator[dict[str, Any]]:
    """Yield the sum of the days before that the same version answered, if there are any."""
    summed, days = np.zeros(_N_BINS, int), 0
    for found in earlier_findings(store, manifest.pipeline, manifest.version, day, EARLIER_DAYS):
        scores = found["scores"]
        if scores["n_distinct"] >= limits.min_items:
            summed, days = summed + np.array(scores["counts"]), days + 1
    if days:
        named = "the day before" if days == 1 else f"{days} days of the week before"
        yield {"name": named, "counts": summed.tolist()}


def _test_side(store: ObjectStore, manifest: Manifest) -> Iterator[dict[str, Any]]:
    """Yield the histogram that the version's run drew of its test side, if it is kept."""
    figures = read_report_figures(store, manifest)
    if figures is None:
        return
    drawn = figures.curves["histogram"]
    counts = np.add(drawn["phishing"], drawn["legitimate"])
    if len(counts) == _N_BINS:
        yield {"name": "the test side", "counts": counts.tolist()}
