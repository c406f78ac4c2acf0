"""Three verdicts of one probability, and how sure each is."""

import numpy as np
import pytest

from include.contract.verdicts import VERDICTS, Thresholds

THRESHOLDS = Thresholds(0.9, 0.4)


@pytest.mark.parametrize(
    ("probability", "verdict", "confidence"),
    [
        pytest.param(1.0, "Phishing", 1.0, id="certain"),
        pytest.param(0.9, "Phishing", 0.9, id="at-block"),
        pytest.param(0.89, "Suspicious", 0.89, id="below-block"),
        pytest.param(0.4, "Suspicious", 0.4, id="at-review"),
        pytest.param(0.39, "Legitimate", 0.61, id="below-review"),
    ],
)
def test_a_verdict_and_its_confidence(probability, verdict, confidence):
    assert THRESHOLDS.verdict(probability) == verdict
    assert THRESHOLDS.confidence(probability) == pytest.approx(confidence)


def test_many_are_counted_as_they_are_called_one_by_one():
    probability = np.linspace(0, 1, 101)
    called = [THRESHOLDS.verdict(value) for value in probability]

    counted = THRESHOLDS.count(probability)

    assert counted == {verdict: called.count(verdict) for verdict in VERDICTS}


def test_where_both_thresholds_are_one_nothing_is_suspicious():
    assert Thresholds(0.4, 0.4).count(np.array([0.3, 0.4]))["Suspicious"] == 0


@pytest.mark.parametrize(("block", "review"), [(0.3, 0.4), (0.9, 0.51), (1.1, 0.4), (0.4, -0.1)])
def test_thresholds_that_are_none_are_refused(block, review):
    with pytest.raises(ValueError, match="threshold"):
        Thresholds(block, review)
