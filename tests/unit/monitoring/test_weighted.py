"""Figures of all items by labels of a few: weighed by hand, and right as often as they say."""

import numpy as np
import pytest

from include.contract.verdicts import LEGITIMATE, PHISHING, SUSPICIOUS
from include.monitoring.weighted import FIGURES, Stratum, weighted_figures

CERTAIN = [Stratum(PHISHING, 100, 50, 40), Stratum(LEGITIMATE, 900, 100, 2)]


CLEAR = [Stratum(PHISHING, 100, 20, 20), Stratum(LEGITIMATE, 10_000, 20, 0)]


def both(*names):
    return tuple(f"{prefix}{name}" for prefix in ("", "review_") for name in names)


def test_a_stratum_weighs_as_much_as_it_has_items():
    figures = weighted_figures(CERTAIN, 0.95)

    # 80 of 100 flagged items are phishing, and 18 of 900 that are not flagged.
    assert figures["precision"]["value"] == 0.8
    assert figures["recall"]["value"] == pytest.approx(80 / 98, abs=1e-6)
    assert figures["fpr"]["value"] == pytest.approx(20 / 902, abs=1e-6)
    for figure in figures.values():
        assert 0 < figure["low"] < figure["value"] < figure["high"] < 1


def test_labels_that_all_say_the_same_make_nothing_certain():
    figures = weighted_figures(CLEAR, 0.95)

    assert figures["recall"]["value"] == figures["recall"]["high"] == 1
    assert figures["recall"]["low"] < 0.2, "one in a hundred of 10,000 would be as many as 100"
    assert figures["fpr"]["value"] == 0
    assert figures["fpr"]["high"] < 0.01


@pytest.mark.parametrize(
    ("strata", "unknown"),
    [
        ([], FIGURES),
        ([Stratum(PHISHING, 10, 5, 5), Stratum(LEGITIMATE, 90, 0, 0)], both("recall", "fpr")),
        ([Stratum(LEGITIMATE, 90, 5, 0)], both("precision", "recall")),
        ([Stratum(LEGITIMATE, 90, 5, 1)], both("precision")),
    ],
    ids=["nothing", "a-stratum-without-labels", "no-phishing", "nothing-flagged"],
)
def test_what_no_label_tells_is_not_known(strata, unknown):
    figures = weighted_figures(strata, 0.95)

    assert {name for name in FIGURES if figures[name]["value"] is None} == set(unknown)
    for name in unknown:
        assert (figures[name]["low"], figures[name]["high"]) == (0, 1)


def test_intervals_hold_what_is_true_as_often_as_they_say():
    """Simulated days with rare phishing, 60 labels each; what is true is known."""
    given = (PHISHING, PHISHING, SUSPICIOUS, LEGITIMATE)
    n_items, share = np.array([40, 160, 800, 9_000]), np.array([0.3, 0.95, 0.06, 0.0005])
    phishing = n_items * share
    truth = {
        name: figure
        for prefix, n, total in (("", 2, 200), ("review_", 3, 1_000))
        for name, figure in {
            f"{prefix}precision": phishing[:n].sum() / total,
            f"{prefix}recall": phishing[:n].sum() / phishing.sum(),
            f"{prefix}fpr": (total - phishing[:n].sum()) / (10_000 - phishing.sum()),
        }.items()
    }
    rng, held = np.random.default_rng(7), dict.fromkeys(FIGURES, 0)
    for _ in range(100):
        said = rng.binomial(15, share)
        strata = [Stratum(*row) for row in zip(given, n_items, [15] * 4, said, strict=True)]
        figures = weighted_figures(strata, 0.95)
        for name in FIGURES:
            held[name] += figures[name]["low"] <= truth[name] <= figures[name]["high"]

    assert all(times >= 95 for times in held.values()), held
