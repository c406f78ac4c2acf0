"""What a version promised when it was approved, and what its run measured besides."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from include.contract import keys
from include.contract.manifest import Manifest
from include.errors import ObjectMissingError
from include.stores.objects import ObjectStore

_REPORT_FIGURES = "portrait.json"


@dataclass(frozen=True)
class Baseline:
    """What answers of a version must come up to.

    Attributes
    ----------
    offline : mapping of str to float
        ``accuracy``, ``recall`` and ``fpr`` on the test side, at the threshold that shipped.
    limits : mapping of str to float
        Of the ``fpr`` the budget; of the ``recall`` the lower end of its interval on the test side,
        as chance moved that figure too, or the figure itself where no interval is kept.
    """

    offline: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)


def baseline_of(manifest: Manifest, report_figures: Mapping[str, Any]) -> Baseline:
    """Return what a version promised.

    Parameters
    ----------
    manifest : Manifest
    portrait : mapping
        As `read_report_figures` returns it.
    """
    test, limits = manifest.metrics.get("test") or {}, {"fpr": manifest.fpr_budget}
    if "true_positives" not in test:
        return Baseline(limits=limits)
    right = test["true_positives"] + test["true_negatives"]
    offline = {
        "accuracy": right / test["n_rows"],
        "recall": float(test["recall"]),
        "fpr": float(test["fpr"]),
    }
    low, _ = report_figures.get("intervals", {}).get("recall") or (offline["recall"], 1.0)
    return Baseline(offline, {**limits, "recall": float(low)})


def read_report_figures(store: ObjectStore, manifest: Manifest) -> dict[str, Any]:
    """Return what the version's run drew of its test side; nothing where that is not kept."""
    run_id = str(manifest.model.get("run_id", ""))
    try:
        found: dict[str, Any] = json.loads(
            store.get(keys.run_file(manifest.pipeline, run_id, _REPORT_FIGURES))
        )
    except ObjectMissingError:
        return {}
    return found
