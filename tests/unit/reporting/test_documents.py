"""The model card and the bill of materials: by their published schemas, the same each time."""

import json

import jsonschema
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from include.reporting.bom import Library, bill_of_materials
from include.reporting.libraries import DIRECT, installed, locked_hashes
from include.reporting.model_card import model_card
from include.reporting.report_inputs import ReportInputs
from tests.support.report_inputs import manifest, report_inputs

LOCK = f"""\
numpy==2.4.6 \\
    --hash=sha256:{"1" * 64} \\
    --hash=sha256:{"2" * 64}
    # via scikit-learn
scikit_learn[extra]==1.9.1 ; python_version > '3.10' \\
    --hash=sha256:{"3" * 64}
"""
LIBRARIES = (Library("numpy", "2.4.6"), Library("scikit-learn", "1.9.1", ("numpy",)))
TEXT, NUMBER = {"type": "string"}, {"type": "number"}


def rows(**properties):
    return {"type": "array", "items": {"type": "object", "properties": properties}}


# What the Model Card Toolkit's schema v0.0.2 asks of the fields that are used here.
CARD = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "schema_version": TEXT,
        "model_details": {
            "properties": {
                "name": TEXT,
                "overview": TEXT,
                "documentation": TEXT,
                "owners": rows(name=TEXT),
                "version": {
                    "properties": {"name": TEXT, "date": {**TEXT, "format": "date"}, "diff": TEXT}
                },
            }
        },
        "model_parameters": {
            "properties": {
                "model_architecture": TEXT,
                "data": rows(name=TEXT, description=TEXT),
                "input_format": TEXT,
                "output_format": TEXT,
            }
        },
        "quantitative_analysis": {
            "properties": {"performance_metrics": rows(type=TEXT, value=NUMBER, slice=TEXT)}
        },
        "considerations": {
            "properties": {
                "users": rows(description=TEXT),
                "use_cases": rows(description=TEXT),
                "limitations": rows(description=TEXT),
                "tradeoffs": rows(description=TEXT),
                "ethical_considerations": rows(name=TEXT, mitigation_strategy=TEXT),
            }
        },
    },
}


@pytest.mark.parametrize(
    "shown",
    [pytest.param(report_inputs(), id="all"), pytest.param(ReportInputs(), id="nothing-measured")],
)
def test_a_model_card_keeps_to_its_schema(shown):
    card = json.loads(model_card(manifest(), shown))

    jsonschema.validate(card, CARD, format_checker=jsonschema.FormatChecker())
    assert set(card) == set(CARD["properties"])


def test_a_model_card_says_what_the_report_says():
    card = json.loads(model_card(manifest(), report_inputs()))
    metrics = card["quantitative_analysis"]["performance_metrics"]
    (group_disjoint,) = [
        each for each in metrics if (each["type"], each["slice"]) == ("recall", "test")
    ]
    (part,) = [
        each for each in metrics if (each["type"], each["slice"]) == ("fpr", "test, a = first")
    ]

    assert group_disjoint["value"] == manifest().metrics["test"]["recall"]
    assert group_disjoint["confidence_interval"]["lower_bound"] < group_disjoint["value"]
    assert part["value"] == 0.02
    assert card["quantitative_analysis"]["gate"][0]["rule"] == "accuracy"
    assert "was DecisionTree" in card["model_details"]["version"]["diff"]


@pytest.mark.parametrize(
    "shown",
    [pytest.param(report_inputs(), id="all"), pytest.param(ReportInputs(), id="nothing-measured")],
)
@pytest.mark.parametrize("lock", [pytest.param(LOCK, id="lock"), pytest.param("", id="no-lock")])
def test_a_bill_of_materials_keeps_to_its_schema(shown, lock):
    body = bill_of_materials(manifest(), shown, LIBRARIES, lock).decode()

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(body) is None


def test_a_bill_of_materials_names_model_records_and_libraries():
    bom = json.loads(bill_of_materials(manifest(), report_inputs(), LIBRARIES, LOCK))
    model = bom["metadata"]["component"]
    by_name = {each["name"]: each for each in bom["components"]}
    files = {each["name"]: each["hashes"][0]["content"] for each in model["components"]}

    assert model["type"] == "machine-learning-model"
    assert files == {"model.onnx": "a" * 64, "model.joblib": "b" * 64}
    assert by_name["snapshot of sites"]["version"] == manifest().snapshot["digest"]
    assert by_name["a-public-set"]["hashes"][0]["content"] == "c" * 64
    (distribution,) = by_name["numpy"]["externalReferences"]
    assert [each["content"] for each in distribution["hashes"]] == ["1" * 64, "2" * 64]
    assert {"ref": "pkg:pypi/scikit-learn@1.9.1", "dependsOn": ["pkg:pypi/numpy@2.4.6"]} in bom[
        "dependencies"
    ]


def test_documents_are_the_same_each_time():
    def both():
        return (
            model_card(manifest(), report_inputs()),
            bill_of_materials(manifest(), report_inputs(), LIBRARIES, LOCK),
        )

    assert both() == both()


def test_a_lock_is_read_by_normalised_names():
    hashes = locked_hashes(LOCK)

    assert hashes["scikit-learn", "1.9.1"] == ("3" * 64,)
    assert len(hashes["numpy", "2.4.6"]) == 2


def test_what_is_installed_is_listed_with_all_it_needs():
    libraries = {each.name.lower(): each for each in installed()}
    needed = {name for each in libraries.values() for name in each.requires}

    assert set(DIRECT) <= set(libraries)
    assert "scipy" in libraries["scikit-learn"].requires
    assert needed <= {name.replace("_", "-").replace(".", "-") for name in libraries}
