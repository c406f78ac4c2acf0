"""What a version promised when it was approved, and what its run measured besides."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from include.contract import keys
from include.contract.manifest import Manifest, describe_file
from include.contract.run_documents import ReportFigures, parse
from include.errors import ObjectMissingError
from include.stores.objects import ObjectStore

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Baseline:
    """What predictions of a version are measured against.

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


def baseline_of(manifest: Manifest, report_figures: ReportFigures | None) -> Baseline:
    """Return the baseline of a version.

    Parameters
    ----------
    manifest : Manifest
    report_figures : ReportFigures or None
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
    intervals = report_figures.intervals if report_figures else {}
    low, _ = intervals.get("recall") or (offline["recall"], 1.0)
    return Baseline(offline, {**limits, "recall": float(low)})


def read_report_figures(store: ObjectStore, manifest: Manifest) -> ReportFigures | None:
    """Return the figures of the version's test side, verified by the digest in its manifest.

    None if they are not kept, or differ from what the trainer signed.
    """
    run_id = str(manifest.model.get("run_id", ""))
    try:
        body = store.get(keys.run_file(manifest.pipeline, run_id, ReportFigures.NAME))
    except ObjectMissingError:
        return None
    if describe_file(body).sha256 != manifest.model.get("report_figures"):
        _log.warning(
            "%s: %s of its run is not what was signed, and is not used",
            *(manifest.version, ReportFigures.NAME),
        )
        return None
    return parse(ReportFigures, body)
