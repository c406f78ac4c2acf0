"""A promise is broken only when the whole interval says so, on labels enough."""

from dataclasses import replace

import pytest

from include.contract.run_documents import ReportFigures
from include.monitoring.baselines import baseline_of
from include.monitoring.limits import Limits
from include.monitoring.quality import MAX_SOURCES, evaluate_quality
from tests.support.labelled_predictions import BASELINE, MANIFEST, SITES, VERSION, answers
from tests.support.signed_versions import version_name


def evaluated(*groups, baseline=BASELINE):
    labelled = [each for group in groups for each in group]
    (found,) = evaluate_quality(SITES, labelled, {VERSION: baseline} if baseline else {}, Limits())
    return found["figures"]


@pytest.mark.parametrize(
    ("n_right", "n_wrong", "verdict"),
    [
        pytest.param(3, 3, "too few", id="a-handful-half-wrong"),
        pytest.param(48, 2, "open", id="chance-explains-it"),
        pytest.param(480, 20, "broken", id="surely-above-the-budget"),
        pytest.param(1000, 0, "kept", id="surely-within"),
    ],
)
def test_false_alarms_are_evaluated_by_their_interval(n_right, n_wrong, verdict):
    figures = evaluated(
        answers(n_right, verdict="Legitimate", is_phishing=False),
        answers(n_wrong, verdict="Phishing", is_phishing=False),
    )

    assert figures["fpr"]["verdict"] == verdict
    assert figures["fpr"]["value"] == pytest.approx(n_wrong / (n_right + n_wrong))
    assert figures["recall"]["value"] is None
    assert figures["recall"]["verdict"] == "too few"


@pytest.mark.parametrize(
    ("n_caught", "n_missed", "verdict"),
    [(90, 10, "open"), (60, 40, "broken"), (300, 0, "kept"), (10, 39, "too few")],
)
def test_recall_is_evaluated_against_that_of_the_test_side(n_caught, n_missed, verdict):
    figures = evaluated(
        answers(n_caught, verdict="Phishing", is_phishing=True),
        answers(n_missed, verdict="Legitimate", is_phishing=True),
    )

    assert figures["recall"]["limit"] == figures["recall"]["offline"] == 0.9
    assert figures["recall"]["verdict"] == verdict


def test_what_chance_did_to_the_promise_itself_is_no_breach():
    report_figures = ReportFigures({"recall": (0.85, 0.94)}, {}, None, None)
    answered = (
        answers(8_700, verdict="Phishing", is_phishing=True),
        answers(1_300, verdict="Legitimate", is_phishing=True),
    )

    assert evaluated(*answered)["recall"]["verdict"] == "broken"
    assert (
        evaluated(*answered, baseline=baseline_of(MANIFEST, report_figures))["recall"]["verdict"]
        == "kept"
    )


def test_one_input_reported_again_and_again_is_one_mistake_and_not_many():
    wrong = answers(100, verdict="Phishing", is_phishing=False, duplicate="the same page")
    right = answers(400, verdict="Legitimate", is_phishing=False)

    assert evaluated(wrong, right)["fpr"]["verdict"] == "open"


def test_a_version_that_is_not_kept_promised_nothing():
    figures = evaluated(answers(60, verdict="Phishing", is_phishing=False), baseline=None)

    assert {figure["verdict"] for figure in figures.values()} == {"no limit"}


def test_what_is_suspicious_counts_for_the_weaker_alarm_only():
    figures = evaluated(
        answers(60, verdict="Phishing", is_phishing=True),
        answers(30, verdict="Suspicious", is_phishing=True),
        answers(10, verdict="Legitimate", is_phishing=True),
        answers(5, verdict="Suspicious", is_phishing=False),
        answers(95, verdict="Legitimate", is_phishing=False),
    )

    values = {name: figure["value"] for name, figure in figures.items()}
    assert values == {"recall": 0.6, "fpr": 0.0, "review_recall": 0.9, "review_fpr": 0.05}
    assert figures["review_recall"]["offline"] == 0.95


def test_a_threshold_promises_no_more_than_the_rows_that_set_it_showed():
    calibration = {"block": {"fpr_upper_bound": 0.013}, "review": {"fpr_upper_bound": 0.024}}
    metrics = {**MANIFEST.metrics, "calibration": calibration}

    limits = baseline_of(replace(MANIFEST, metrics=metrics), None).limits

    assert (limits["fpr"], limits["review_fpr"]) == (0.013, 0.024)
    assert baseline_of(MANIFEST, None).limits["fpr"] == 0.01


def test_a_suspicion_contradicts_no_label():
    labelled = [
        *answers(3, verdict="Suspicious", is_phishing=True),
        *answers(2, verdict="Suspicious", is_phishing=False),
        *answers(1, verdict="Phishing", is_phishing=False),
        *answers(1, verdict="Legitimate", is_phishing=True),
    ]
    (found,) = evaluate_quality(SITES, labelled, {}, Limits())

    assert found["sources"] == [{"source": "analyst", "n_labels": 7, "n_wrong": 2}]


def test_versions_come_newest_first_and_sources_by_their_labels():
    labelled = [
        each
        for number in range(MAX_SOURCES + 5)
        for each in answers(
            number + 1, verdict="Phishing", is_phishing=True, source=f"s{number:02d}"
        )
    ]
    labelled += answers(1, verdict="Phishing", is_phishing=True, version=version_name(2))
    newest, older = evaluate_quality(SITES, labelled, {}, Limits())

    assert (newest["version"], older["version"]) == (version_name(2), VERSION)
    assert len(older["sources"]) == MAX_SOURCES
    assert older["sources"][0] == {"source": "s24", "n_labels": 25, "n_wrong": 0}
