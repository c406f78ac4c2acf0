"""Records become a matrix, or faults that name the field and the rule."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.contract.schema import InputField
from include.errors import ManifestError, RequestRejectedError
from include.inference.record_schema import MAX_FAULTS, Fault, RecordSchema

COLUMNS = (
    InputField("a", "int8", (-1, 0, 1)),
    InputField("b", "int8", None),
    InputField("c", "float32", None),
)
SCHEMA = RecordSchema(COLUMNS)
GOOD = {"a": 1, "b": 7, "c": 0.5}


def fault_of(record, schema=SCHEMA):
    with pytest.raises(RequestRejectedError) as caught:
        schema.encode([record])
    (fault,) = caught.value.faults
    return fault


def test_columns_follow_the_manifest_and_null_is_missing():
    matrix = SCHEMA.encode([{"c": 0.5, "b": 7, "a": 1}, {"a": None, "b": None, "c": None}])

    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, np.array([[1, 7, 0.5], [math.nan] * 3], np.float32))


def test_whole_numbers_may_be_spelled_with_a_point():
    np.testing.assert_array_equal(SCHEMA.encode([{"a": 1.0, "b": -2.0, "c": 3}]), [[1, -2, 3]])


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"a": 2}, "a", "allowed"),
        ({"a": 0.5}, "a", "allowed"),
        ({"a": "1"}, "a", "type"),
        ({"a": True}, "a", "type"),
        ({"a": [1]}, "a", "type"),
        ({"a": {"x": 1}}, "a", "type"),
        ({"b": 128}, "b", "range"),
        ({"b": 0.5}, "b", "range"),
        ({"b": 10**400}, "b", "finite"),
        ({"c": float("nan")}, "c", "finite"),
        ({"c": float("inf")}, "c", "finite"),
        ({"c": 1e39}, "c", "range"),
        ({"extra": 1}, "extra", "unknown"),
    ],
)
def test_a_broken_rule_is_named_with_its_field(changes, field, rule):
    fault = fault_of({**GOOD, **changes})

    assert (fault.row, fault.field, fault.rule) == (0, field, rule)


def test_missing_columns_are_named():
    with pytest.raises(RequestRejectedError) as caught:
        SCHEMA.encode([GOOD, {"b": 1}])

    faults = [(fault.row, fault.field, fault.rule) for fault in caught.value.faults]
    assert faults == [(1, "a", "missing"), (1, "c", "missing")]


@pytest.mark.parametrize("record", [None, 1, "x", [1, 2, 3]], ids=repr)
def test_a_record_must_be_an_object(record):
    assert fault_of(record) == Fault(0, "", "type", "a record is an object of column: value")


def test_a_million_unknown_columns_give_few_faults():
    with pytest.raises(RequestRejectedError) as caught:
        SCHEMA.encode([{str(number): 1 for number in range(1_000_000)}])

    assert len(caught.value.faults) == MAX_FAULTS


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (1, "type"),
        (None, "type"),
        ("", "url"),
        ("hello world", "url"),
        ("mailto:a@b.example", "url"),
        ("x" * 70_000, "length"),
        ("\ud800", "type"),
    ],
    ids=["number", "null", "empty", "prose", "mail", "long", "surrogate"],
)
def test_text_has_rules_of_its_own(value, rule):
    schema = RecordSchema((InputField("url", "string", None),))

    assert fault_of({"url": value}, schema).rule == rule


def test_inputs_do_not_mix_text_and_numbers():
    with pytest.raises(ManifestError):
        RecordSchema((InputField("url", "string", None), InputField("a", "int8", None)))


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "7", "0.5"], [1, 7, 0.5]),
        ([" -1 ", "+7", "5e-1"], [-1, 7, 0.5]),
        (["", "?", "1"], [math.nan, math.nan, 1]),
        (["NaN", "7", " "], [math.nan, 7, math.nan]),
        (["1.0", "-0", "1"], [1, 0, 1]),
    ],
)
def test_cells_are_numbers_or_missing(cells, values):
    faults = []
    parsed = SCHEMA.parse_cells(3, cells, faults)

    assert faults == []
    np.testing.assert_array_equal(SCHEMA.matrix([parsed]), np.array([values], np.float32))


@pytest.mark.parametrize("cell", ["x", "1_0", "-nan", "inf", "1e999", "0x1", "TRUE", "=1"])
def test_other_cells_are_faults(cell):
    faults = []
    SCHEMA.parse_cells(3, ["1", "7", cell], faults)

    assert [(fault.row, fault.field) for fault in faults] == [(3, "c")]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.lists(json_values | st.dictionaries(st.sampled_from("abcd"), json_values), min_size=1))
def test_whatever_is_sent_is_encoded_or_rejected(records):
    try:
        matrix = SCHEMA.encode(records)
    except RequestRejectedError as err:
        assert err.faults
    else:
        assert matrix.shape == (len(records), 3)
        assert not np.isinf(matrix).any()
