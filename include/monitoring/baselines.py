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
        Recall and false-positive rate on the test side, of what was called phishing and (names
        that begin with ``review_``) of what was at least suspicious.
    limits : mapping of str to float
        Of a false-positive rate the budget, or what the rows that set its threshold did not
        exclude; of a recall the lower end of its interval on the test side, as chance moved that
        figure too, or the figure itself where no interval is kept.
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
    test, set_by = manifest.metrics.get("test") or {}, manifest.metrics.get("calibration") or {}
    intervals = report_figures.intervals if report_figures else {}
    offline: dict[str, float] = {}
    limits: dict[str, float] = {}
    for prefix, name in (("", "block"), ("review_", "review")):
        recall, fpr = f"{prefix}recall", f"{prefix}fpr"
        budget = float(vars(manifest.budgets)[name])
        limits[fpr] = max(budget, float(set_by.get(name, {}).get("fpr_upper_bound", 0.0)))
        if recall in test:
            offline |= {recall: float(test[recall]), fpr: float(test[fpr])}
            limits[recall] = float((intervals.get(recall) or (test[recall], 1.0))[0])
    return Baseline(offline, limits)


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
