"""BSON to Arrow: nothing is cut, guessed or lost, whichever of the two ways a document is read."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import bson
import pyarrow as pa
import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex
from bson.datetime_ms import DatetimeMS
from hypothesis import given, settings
from hypothesis import strategies as st

from include.contract.schema import InputField
from include.ingest.snapshot.decode import BatchDecoder
from include.ingest.snapshot.values import Decoded, decode_documents

COLUMNS = [
    InputField("small", "int8", (-1, 0, 1)),
    InputField("real", "float32", None),
    InputField("text", "string", None),
    InputField("moment", "timestamp", None),
]
MOMENT = datetime(2026, 2, 28, 23, 59, 59, 123000, tzinfo=UTC)
ALIKE = {"small": 1, "real": 0.5, "text": "a", "moment": MOMENT}


def encoded(documents: Sequence[dict[str, Any]]) -> memoryview:
    """A BSON array as a server sends it: its elements are named by their number."""
    numbered = {str(number): document for number, document in enumerate(documents)}
    return memoryview(bson.encode(numbered) + bytes(8))


def decoded(documents: Sequence[dict[str, Any]]) -> Decoded:
    return BatchDecoder(COLUMNS).decode(encoded(documents))


def rows(table: pa.Table) -> list[dict[str, Any]]:
    return sorted(table.to_pylist(), key=lambda row: tuple(map(repr, row.values())))


@pytest.mark.parametrize("n_rows", [1, 9, 10, 11, 99, 101, 3000])
def test_documents_laid_out_alike_come_through(n_rows: int) -> None:
    documents = [
        {"_id": f"{row}-é", "small": row % 3 - 1, "real": row / 7, "text": "ü" * (row % 5)}
        | {"moment": MOMENT}
        for row in range(n_rows)
    ]

    found = decoded(documents)

    assert found.type_errors.num_rows == 0
    table = found.table.sort_by("real")
    assert table["_id"].to_pylist() == [document["_id"] for document in documents]
    assert table["small"].to_pylist() == [document["small"] for document in documents]
    assert table["real"].to_pylist() == pytest.approx([row / 7 for row in range(n_rows)])
    assert table["text"].to_pylist() == [document["text"] for document in documents]
    assert set(table["moment"].to_pylist()) == {MOMENT}


@pytest.mark.parametrize("n_alike", [0, 100], ids=["alone", "among documents laid out alike"])
@pytest.mark.parametrize(
    ("column", "value", "text", "bson_type"),
    [
        ("small", "1", "1", "string"),
        ("small", 0.5, "0.5", "double"),
        ("small", True, "True", "bool"),
        ("small", 300, "300", "int"),
        ("small", Int64(2**40), str(2**40), "long"),
        ("small", float("inf"), "inf", "double"),
        ("small", Decimal128("1"), "1", "decimal"),
        ("small", {"a": 1}, "{'a': 1}", "object"),
        ("small", [1], "[1]", "array"),
        ("small", MOMENT, "2026-02-28T23:59:59.123", "date"),
        ("small", b"\x01", "b'\\x01'", "binData"),
        ("small", Regex("a"), "Regex('a', 0)", "regex"),
        ("real", 1e300, "1e+300", "double"),
        ("real", False, "False", "bool"),
        ("real", Decimal128("0.5"), "0.5", "decimal"),
        ("text", 1, "1", "int"),
        ("text", ObjectId("5" * 24), "5" * 24, "objectId"),
        ("moment", "2026-02-28", "2026-02-28", "string"),
        ("moment", 5, "5", "int"),
    ],
)
def test_value_that_its_column_cannot_hold_is_listed(
    column: str, value: object, text: str, bson_type: str, n_alike: int
) -> None:
    documents = [{"_id": str(row), **ALIKE} for row in range(n_alike)]
    documents.insert(n_alike // 2, {"_id": "odd", **ALIKE, column: value})

    found = decoded(documents)

    assert found.type_errors.to_pylist() == [
        {"_id": "odd", "column": column, "value": text, "bson_type": bson_type}
    ]
    held = {row["_id"]: row for row in found.table.to_pylist()}
    assert held["odd"] == {"_id": "odd", **ALIKE, column: None}
    assert len(held) == n_alike + 1
    assert all(row == {"_id": name, **ALIKE} for name, row in held.items() if name != "odd")


@pytest.mark.parametrize("n_alike", [1, 100], ids=["one", "many"])
@pytest.mark.parametrize("value", [1, Int64(1), 1.0], ids=["int", "long", "double"])
@pytest.mark.parametrize("column", ["small", "real"])
def test_whole_number_of_any_numeric_type_is_held(column: str, value: Any, n_alike: int) -> None:
    found = decoded([{"_id": str(row), **ALIKE, column: value} for row in range(n_alike)])

    assert found.table[column].to_pylist() == [1] * n_alike
    assert found.type_errors.num_rows == 0


@pytest.mark.parametrize("n_alike", [1, 100], ids=["one", "many"])
@pytest.mark.parametrize("missing", [{}, {"small": None}, {"small": float("nan")}])
def test_absent_null_and_nan_are_all_missing(missing: dict[str, Any], n_alike: int) -> None:
    others = {name: value for name, value in ALIKE.items() if name != "small"}

    found = decoded([{"_id": str(row), **missing, **others} for row in range(n_alike)])

    assert found.table["small"].to_pylist() == [None] * n_alike
    assert found.type_errors.num_rows == 0


@pytest.mark.parametrize("n_alike", [1, 100], ids=["one", "many"])
@pytest.mark.parametrize(
    ("make_id", "as_text"),
    [
        (lambda row: ObjectId(f"{row:024x}"), lambda row: f"{row:024x}"),
        (lambda row: row, str),
        (lambda row: Int64(row), str),
        (lambda row: row / 2, lambda row: f'{{"$numberDouble": "{row / 2}"}}'),
        (lambda row: Binary.from_uuid(UUID(int=row)), lambda row: str(UUID(int=row))),
    ],
    ids=["ObjectId", "int", "long", "double", "uuid"],
)
def test_id_of_any_type_becomes_text(make_id: Any, as_text: Any, n_alike: int) -> None:
    found = decoded([{"_id": make_id(row), **ALIKE} for row in range(n_alike)])

    assert sorted(found.table["_id"].to_pylist()) == sorted(map(as_text, range(n_alike)))


def test_fields_in_another_order_are_found() -> None:
    documents = [{"_id": str(row), **ALIKE} for row in range(100)]
    documents += [{"_id": f"b{row}", **dict(reversed(list(ALIKE.items())))} for row in range(100)]

    table = decoded(documents).table

    assert table.num_rows == 200
    assert table["text"].to_pylist() == ["a"] * 200


def test_layouts_are_remembered_without_mistaking_the_next_batch() -> None:
    decoder = BatchDecoder(COLUMNS)
    decoder.decode(encoded([{"_id": str(row), **ALIKE} for row in range(100)]))

    found = decoder.decode(encoded([{"_id": "x", "real": 2.0}]))

    assert found.table.to_pylist() == [
        {"_id": "x", "small": None, "real": 2.0, "text": None, "moment": None}
    ]


@pytest.mark.parametrize("n_alike", [0, 100], ids=["alone", "among documents laid out alike"])
def test_text_that_is_not_utf8_is_listed_and_costs_no_other(n_alike: int) -> None:
    documents = [{"_id": str(row), **ALIKE} for row in range(n_alike)]
    documents.insert(n_alike // 2, {"_id": "odd", **ALIKE, "text": "\N{PILE OF POO}"})
    broken = bytes(encoded(documents)).replace("\N{PILE OF POO}".encode(), b"\xff\xfe\xfd\xfc", 1)

    found = BatchDecoder(COLUMNS).decode(memoryview(broken))

    (error,) = found.type_errors.to_pylist()
    assert (error["_id"], error["column"]) == ("odd", "text")
    assert error["bson_type"] == "string, not UTF-8"
    held = {row["_id"]: row for row in found.table.to_pylist()}
    assert held.pop("odd") == {"_id": "odd", **ALIKE, "text": None}
    assert all(row == {"_id": name, **ALIKE} for name, row in held.items())
    assert len(held) == n_alike


def test_a_replacement_character_is_text_like_any_other() -> None:
    found = decoded([{"_id": "a", **ALIKE, "text": "\ufffd"}])

    assert found.table["text"].to_pylist() == ["\ufffd"]
    assert found.type_errors.num_rows == 0


@pytest.mark.parametrize("n_alike", [0, 100], ids=["alone", "among documents laid out alike"])
@pytest.mark.parametrize(
    ("ms", "shown"),
    [(8_640_000_000_000_000, "275760-09-13"), (-62_135_596_800_000, "0001-01-01"), (2**63 - 1, "")],
    ids=["year 275760", "year 1", "the last"],
)
def test_a_date_that_no_calendar_holds_is_listed(ms: int, shown: str, n_alike: int) -> None:
    documents = [{"_id": str(row), **ALIKE} for row in range(n_alike)]
    documents.append({"_id": "odd", **ALIKE, "moment": DatetimeMS(ms)})

    found = decoded(documents)

    (error,) = found.type_errors.to_pylist()
    assert (error["_id"], error["column"], error["bson_type"]) == ("odd", "moment", "date")
    assert error["value"].startswith(shown)
    assert found.table["moment"].null_count == 1


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.integers(-(2**63), 2**63 - 1).map(Int64),
    st.floats(),
    st.sampled_from([1.0, -1.0, 0.0, 3.5]),
    st.text(max_size=12),
    st.just(MOMENT),
    st.integers(-(2**63), 2**63 - 1).map(DatetimeMS),
    st.just({"small": 1, "nested": [1, "a"]}),
)
shapes = st.dictionaries(st.sampled_from([column.name for column in COLUMNS]), values)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(shapes, st.integers(1, 60)), min_size=1, max_size=6))
def test_reading_by_layout_is_the_same_as_value_by_value(
    groups: list[tuple[dict[str, Any], int]],
) -> None:
    shaped = [shape for shape, n_alike in groups for _ in range(n_alike)]
    documents = [{"_id": str(row), **shape} for row, shape in enumerate(shaped)]

    by_layout = decoded(documents)
    one_by_one = decode_documents(map(bson.encode, documents), COLUMNS)

    assert rows(by_layout.table) == rows(one_by_one.table)
    assert rows(by_layout.type_errors) == rows(one_by_one.type_errors)
