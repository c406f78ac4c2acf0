"""Labels that analysts gave to predictions of one version, and the baseline of that version."""

from dataclasses import replace

from include import pipelines
from include.monitoring.baselines import baseline_of
from include.monitoring.records.labels import Labelled, Said
from include.monitoring.records.traffic import Item
from tests.support.signed_versions import Version, version_name

SITES = pipelines.get("sites")
VERSION = version_name(1)
TEST = {"n_rows": 400, "recall": 0.9, "fpr": 0.01, "review_recall": 0.95, "review_fpr": 0.02}
MANIFEST = replace(Version(VERSION).manifest(), metrics={"test": TEST})
BASELINE = baseline_of(MANIFEST, None)


def answers(n, *, verdict, is_phishing, duplicate=None, source="analyst", version=VERSION):
    return [
        Labelled(
            f"{number}",
            Item(0.5, verdict, version, None, duplicate or f"{verdict}{is_phishing}{number}"),
            Said("2026-11-22T13:00:00", source, is_phishing),
        )
        for number in range(n)
    ]
