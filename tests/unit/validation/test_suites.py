"""The suites, as a reviewer would read them."""

import json
from pathlib import Path

import pytest

from include.pipelines.sites.records import LAYOUT
from include.validation.findings import dataset_findings

SUITES = sorted((Path(__file__).parents[3] / "gx" / "expectations").glob("*.json"))


@pytest.fixture(params=SUITES, ids=[path.stem for path in SUITES])
def suite(request):
    return json.loads(request.param.read_text())


def test_every_expectation_says_what_it_is_for(suite):
    for rule in suite["expectations"]:
        assert rule["meta"]["level"] in {"row", "dataset"}, rule
        assert rule["severity"] in {"critical", "warning", "info"}, rule
        assert rule["notes"], rule
        assert rule["meta"]["failure"], rule


def test_a_share_is_described_in_words_with_its_limits(suite):
    means = [r for r in suite["expectations"] if r["type"] == "expect_column_mean_to_be_between"]
    for rule in means:
        limits = "from {min_value} to {max_value}".format(**rule["kwargs"])
        assert (limits if rule["severity"] != "info" else "not evaluated") in rule["description"]
        assert "$" not in rule["description"]  # which Great Expectations would fill in


def test_no_two_expectations_share_an_id(suite):
    ids = [rule["id"] for rule in suite["expectations"]]

    assert len(ids) == len(set(ids))


def test_every_failure_sentence_can_be_said(suite):
    for rule in suite["expectations"]:
        if rule["meta"]["level"] == "dataset":
            result = {"observed_value": None, "details": {"mismatched": {"unexpected": ["x"]}}}
            failed = {"success": False, "result": result, "expectation_config": rule}

            assert dataset_findings([failed])[0].sentence


def test_sites_allows_what_the_pipeline_allows():
    rules = json.loads(next(path for path in SUITES if path.stem == "sites").read_text())
    allowed = {
        rule["kwargs"]["column"]: tuple(rule["kwargs"]["value_set"])
        for rule in rules["expectations"]
        if rule["type"] == "expect_column_values_to_be_in_set"
    }
    target = LAYOUT.target

    assert allowed.pop(target.source) == (target.positive, target.negative)
    assert allowed == {field.name: field.allowed for field in LAYOUT.fields}
    assert rules["meta"]["inputs"] == [field.name for field in LAYOUT.fields]
    assert rules["meta"]["label"] == target.source
    assert rules["meta"]["legend"].startswith(
        f"{target.source} is the label: {target.positive:g} is phishing, "
        f"{target.negative:g} is legitimate."
    )
