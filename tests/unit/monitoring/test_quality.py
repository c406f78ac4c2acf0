"""A promise is broken only when the whole interval says so, on labels enough."""

from dataclasses import replace

import pytest

from include import pipelines
from include.monitoring.labels import Labelled, Said
from include.monitoring.limits import Limits
from include.monitoring.promises import promise_of
from include.monitoring.quality import MAX_SOURCES, judge_quality
from include.monitoring.traffic import Item
from tests.versions import Version, version_name

SITES = pipelines.get("sites")
VERSION = version_name(1)
TEST = {"n_rows": 400, "recall": 0.9, "fpr": 0.01, "true_positives": 180, "true_negatives": 198}
MANIFEST = replace(Version(VERSION).manifest(), metrics={"test": TEST})
PROMISE = promise_of(MANIFEST, {})


def answers(n, *, flagged, is_phishing, twin=None, source="analyst", version=VERSION):
    return [
        Labelled(
            f"{number}",
            Item(0.5, flagged, version, None, twin or f"{flagged}{is_phishing}{number}"),
            Said("2026-11-22T13:00:00", source, is_phishing),
        )
        for number in range(n)
    ]


def judged(*groups, promise=PROMISE):
    labelled = [each for group in groups for each in group]
    (found,) = judge_quality(SITES, labelled, {VERSION: promise} if promise else {}, Limits())
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
def test_false_alarms_are_judged_by_their_interval(n_right, n_wrong, verdict):
    figures = judged(
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
def test_recall_is_judged_against_that_of_the_test_side(n_caught, n_missed, verdict):
    figures = judged(
        answers(n_caught, flagged=True, is_phishing=True),
        answers(n_missed, flagged=False, is_phishing=True),
    )

    assert figures["recall"]["limit"] == figures["recall"]["offline"] == 0.9
    assert figures["recall"]["verdict"] == verdict


def test_what_chance_did_to_the_promise_itself_is_no_breach():
    portrait = {"intervals": {"recall": [0.85, 0.94]}}
    answered = (
        answers(8_700, flagged=True, is_phishing=True),
        answers(1_300, flagged=False, is_phishing=True),
    )

    assert judged(*answered)["recall"]["verdict"] == "broken"
    assert judged(*answered, promise=promise_of(MANIFEST, portrait))["recall"]["verdict"] == "kept"


def test_one_input_reported_again_and_again_is_one_mistake_and_not_many():
    wrong = answers(100, flagged=True, is_phishing=False, twin="the same page")
    right = answers(400, flagged=False, is_phishing=False)

    assert judged(wrong, right)["fpr"]["verdict"] == "open"


def test_a_version_that_is_not_kept_promised_nothing():
    figures = judged(answers(60, flagged=True, is_phishing=False), promise=None)

    assert {figure["verdict"] for figure in figures.values()} == {"no limit"}


def test_accuracy_is_shown_beside_that_of_the_test_side():
    figures = judged(
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
    newest, older = judge_quality(SITES, labelled, {}, Limits())

    assert (newest["version"], older["version"]) == (version_name(2), VERSION)
    assert len(older["sources"]) == MAX_SOURCES
    assert older["sources"][0] == {"source": "s24", "n_labels": 25, "n_wrong": 0}
