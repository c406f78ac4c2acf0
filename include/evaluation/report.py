"""A version's report: one self-contained page, readable offline, that names no other host."""

from operator import itemgetter
from statistics import fmean

from jinja2 import Environment, PackageLoader, select_autoescape

from include.contract.manifest import Manifest

FIGURES = (
    ("accuracy", "Accuracy"),
    ("f1", "F1"),
    ("roc_auc", "ROC AUC"),
    ("average_precision", "Average precision"),
    ("recall_at_fpr", "Recall within the false-positive budget"),
    ("recall", "Recall at the shipped threshold"),
    ("fpr", "False-positive rate at the shipped threshold"),
    ("ece", "Expected calibration error"),
)


def render_report(manifest: Manifest) -> str:
    """Return the HTML of ``report.html``; equal manifests give equal pages.

    Parameters
    ----------
    manifest : Manifest
        Its `files` are not shown: the report is one of them.
    """
    environment = Environment(
        loader=PackageLoader("include.evaluation"), autoescape=select_autoescape()
    )
    template = environment.get_template("report.html")
    ranked = [
        (fmean(candidate["scores"]["average_precision"]), candidate)
        for candidate in manifest.metrics["candidates"]
    ]
    return template.render(
        manifest=manifest,
        figures=FIGURES,
        metrics=manifest.metrics,
        candidates=sorted(ranked, key=itemgetter(0), reverse=True),
    )
