"""A line of the traffic log is an item of the pipeline, or it is refused with a reason."""

import json

import pytest

from include.contract.schema import InputField
from include.monitoring.records.traffic import parse_item
from tests.support.signed_versions import version_name
from tests.support.traffic_days import id_on

FIELDS = (InputField("a", "int8", None), InputField("b", "int8", None))
LINE = {
    "id": id_on("2026-11-22"),
    "version": version_name(1),
    "probability": 0.25,
    "prediction": "Legitimate",
    "inputs": {"b": -1, "a": 1},
}
URL = (InputField("url", "string", None),)


def without(name):
    return {key: value for key, value in LINE.items() if key != name}


def test_inputs_are_in_the_order_of_the_pipeline():
    name, item = parse_item(LINE, FIELDS)

    assert name == LINE["id"]
    assert (item.inputs, item.verdict, item.probability) == ((1, -1), "Legitimate", 0.25)


def test_equal_inputs_are_duplicates_whether_they_were_hashed_or_not():
    _, item = parse_item(LINE, FIELDS)
    _, hashed = parse_item({**without("inputs"), "inputs_hmac": item.duplicate}, FIELDS)

    assert hashed.inputs is None
    assert hashed.duplicate == item.duplicate


@pytest.mark.parametrize("inputs", [{"a": 1}, {"a": 1, "b": 1, "c": 1}, {}])
def test_inputs_of_other_names_are_an_answer_without_inputs(inputs):
    assert parse_item({**LINE, "inputs": inputs}, FIELDS)[1].inputs is None


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(7, id="number"),
        pytest.param([], id="list"),
        pytest.param({}, id="empty"),
        pytest.param({**LINE, "id": "x"}, id="id"),
        pytest.param({**LINE, "id": 7}, id="id-of-another-type"),
        pytest.param({**LINE, "probability": 1.1}, id="probability"),
        pytest.param({**LINE, "probability": float("nan")}, id="no-number"),
        pytest.param({**LINE, "probability": True}, id="boolean"),
        pytest.param({**LINE, "prediction": "phishing"}, id="label"),
        pytest.param({**LINE, "version": "../x"}, id="version"),
        pytest.param({**LINE, "inputs": 7}, id="inputs-number"),
        pytest.param({**LINE, "inputs": {"a": "1", "b": 1}}, id="text-for-a-number"),
        pytest.param(without("inputs"), id="neither-inputs-nor-hash"),
        pytest.param(without("version"), id="no-version"),
    ],
)
def test_a_line_that_is_none_is_refused(line):
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        parse_item(json.loads(json.dumps(line)), FIELDS)


def test_a_number_is_no_text():
    with pytest.raises(ValueError, match="its url is of another type"):
        parse_item({**LINE, "inputs": {"url": 7}}, URL)
