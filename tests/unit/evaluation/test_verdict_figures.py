"""The rates of verdicts: counted by hand, bounded exactly, and rarer phishing weighed in."""

import json

import numpy as np
import pytest
from scipy.stats import beta

from include.contract.verdicts import Thresholds
from include.evaluation.verdict_figures import precision, verdict_figures

# Of 1,000 legitimate rows 2 are called phishing and 10 more suspicious; of 500 phishing rows 400
# and 50.
Y = np.repeat([0, 1], [1_000, 500]).astype(np.int8)
PROBABILITY = np.concatenate(
    [np.repeat([0.95, 0.6, 0.1], [2, 10, 988]), np.repeat([0.95, 0.6, 0.1], [400, 50, 50])]
)


@pytest.fixture(scope="module")
def found():
    return verdict_figures(Y, PROBABILITY, Thresholds(0.9, 0.5))


def test_rows_of_each_verdict_are_counted(found):
    counts = [(each["n_phishing"], each["n_legitimate"]) for each in found["given"]]

    assert counts == [(400, 2), (50, 10)]
    assert found["legitimate"] == {"n_phishing": 50, "n_legitimate": 988}


def test_rates_are_of_the_verdict_or_a_stronger_one_with_exact_bounds(found):
    phishing, suspicious = found["given"]

    assert (phishing["recall"], phishing["fpr"]) == (0.8, 0.002)
    assert (suspicious["recall"], suspicious["fpr"]) == (0.9, 0.012)
    # Clopper & Pearson by the quantiles of the beta distribution.
    assert suspicious["fpr_interval"] == pytest.approx(
        (beta.ppf(0.025, 12, 989), beta.ppf(0.975, 13, 988))
    )


def test_precision_falls_with_the_base_rate_and_is_bounded_by_the_worst_ends(found):
    (rare, rarer, rarest) = found["given"][0]["precision"]

    assert rare["value"] == pytest.approx(0.8 / (0.8 + 0.002 * 99))
    assert rare["value"] > rarer["value"] > rarest["value"]
    assert all(each["low"] < each["value"] for each in (rare, rarer, rarest))
    low, high = found["given"][0]["recall_interval"][0], found["given"][0]["fpr_interval"][1]
    assert rarest["low"] == pytest.approx(low / (low + high * 9_999))


def test_a_rate_that_the_rows_cannot_show_has_no_recall(found):
    at = {each["fpr"]: each for each in found["low_rates"]}

    assert at[0.01]["recall"] == 0.8, "12 legitimate rows are above 0.5, 10 may be"
    assert (at[0.0001]["recall"], at[0.0001]["n_needed"]) == (None, 30_000)


def test_where_nothing_is_flagged_there_is_no_precision():
    assert precision(0.0, 0.0, 100) is None


def test_the_figures_survive_json(found):
    assert json.loads(json.dumps(found, allow_nan=False))["confidence"] == 0.95
