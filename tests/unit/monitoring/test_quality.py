"""A promise is broken only when the whole interval says so, on labels enough."""

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
        answers(n_right, flagged=False, is_phishing=False),
        answers(n_wrong, flagged=True, is_phishing=False),
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
        answers(n_caught, flagged=True, is_phishing=True),
        answers(n_missed, flagged=False, is_phishing=True),
    )

    assert figures["recall"]["limit"] == figures["recall"]["offline"] == 0.9
    assert figures["recall"]["verdict"] == verdict


def test_what_chance_did_to_the_promise_itself_is_no_breach():
    report_figures = ReportFigures({"recall": (0.85, 0.94)}, {}, None, None)
    answered = (
        answers(8_700, flagged=True, is_phishing=True),
        answers(1_300, flagged=False, is_phishing=True),
    )

    assert evaluated(*answered)["recall"]["verdict"] == "broken"
    assert (
        evaluated(*answered, baseline=baseline_of(MANIFEST, report_figures))["recall"]["verdict"]
        == "kept"
    )


def test_one_input_reported_again_and_again_is_one_mistake_and_not_many():
    wrong = answers(100, flagged=True, is_phishing=False, duplicate="the same page")
    right = answers(400, flagged=False, is_phishing=False)

    assert evaluated(wrong, right)["fpr"]["verdict"] == "open"


def test_a_version_that_is_not_kept_promised_nothing():
    figures = evaluated(answers(60, flagged=True, is_phishing=False), baseline=None)

    assert {figure["verdict"] for figure in figures.values()} == {"no limit"}


def test_accuracy_is_shown_beside_that_of_the_test_side():
    figures = evaluated(
        answers(60, flagged=True, is_phishing=True), answers(40, flagged=True, is_phishing=False)
    )

    assert figures["accuracy"]["value"] == 0.6
    assert figures["accuracy"]["offline"] == pytest.approx(378 / 400)


def test_versions_come_newest_first_and_sources_by_their_labels():
    labelled = [
        each
        for number in range(MAX_SOURCES + 5)
        for each in answers(number + 1, flagged=True, is_phishing=True, source=f"s{number:02d}")
    ]
    labelled += answers(1, flagged=True, is_phishing=True, version=version_name(2))
    newest, older = evaluate_quality(SITES, labelled, {}, Limits())

    assert (newest["version"], older["version"]) == (version_name(2), VERSION)
    assert len(older["sources"]) == MAX_SOURCES
    assert older["sources"][0] == {"source": "s24", "n_labels": 25, "n_wrong": 0}
