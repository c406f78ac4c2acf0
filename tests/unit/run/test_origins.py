"""What a manifest says of the sources of labels, and of their age."""

import numpy as np
import pandas as pd

from include.run.origins import label_origins

TODAY = pd.Timestamp("2026-06-01", tz="UTC")


def test_each_source_has_its_classes_and_dates_the_largest_first():
    days = pd.to_datetime(["2026-05-01", None, "2026-05-31", "2026-05-21"], utc=True)
    sources = pd.Series(["feed", None, "feed", "feed"])

    first, second = label_origins(sources, np.array([1, 0, 1, 0]) == 1, pd.Series(days), TODAY)

    assert first == {
        "source": "feed",
        "phishing": 2,
        "legitimate": 1,
        "oldest": "2026-05-01",
        "newest": "2026-05-31",
        "median_age_days": 11.0,
    }
    assert second["source"] == "unknown"
    assert (second["oldest"], second["median_age_days"]) == (None, None)


def test_beyond_twenty_sources_the_smallest_are_counted_together():
    sources = pd.Series([f"s{i:02}" for i in range(30) for _ in range(30 - i)])
    none = pd.Series([pd.NaT] * len(sources))

    found = label_origins(sources, np.zeros(len(sources), bool), none, TODAY)

    assert len(found) == 21
    assert {each["source"]: each["legitimate"] for each in found}["all others"] == 55
