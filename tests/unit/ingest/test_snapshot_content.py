"""A snapshot's digest and profile depend on values only; its rows come in order, in equal parts."""

import random
from pathlib import Path

import pyarrow as pa
import pytest

from include.errors import DataRejectedError
from include.ingest.snapshot.fingerprint import (
    ColumnFingerprint,
    content_digest,
    table_fingerprints,
)
from include.ingest.snapshot.ordering import IdBuckets, in_parts

COLUMNS = {
    "int8": pa.array([1, None, -1, 0, 1, 1], pa.int8()),
    "float32": pa.array([0.5, None, -0.25, 0.0, 1e9, 2.0], pa.float32()),
    "string": pa.array(["a", None, "", "ü", "long enough to be split", "a"]),
    "timestamp": pa.array([1, None, 2, 3, 4, 5], pa.timestamp("ms", tz="UTC")),
}


def summary(dtype: str, *chunks: pa.Array) -> dict[str, object]:
    fingerprint = ColumnFingerprint("column", dtype)
    for chunk in chunks:
        fingerprint.update(pa.chunked_array([chunk]))
    return fingerprint.summary()


@pytest.mark.parametrize("dtype", COLUMNS)
def test_fingerprint_does_not_depend_on_how_rows_are_cut(dtype: str) -> None:
    column = COLUMNS[dtype]

    whole = summary(dtype, column)

    for cut in range(len(column) + 1):
        assert summary(dtype, column.slice(0, cut), column.slice(cut)) == whole


@pytest.mark.parametrize(
    ("dtype", "one", "other"),
    [
        ("int8", [1, None], [None, 1]),
        ("int8", [0, 1], [None, 1]),
        ("int8", [1], [1, None]),
        ("string", ["ab", "c"], ["a", "bc"]),
        ("string", ["", "a"], [None, "a"]),
        ("string", ["", "a"], ["a", ""]),
        ("float32", [0.0], [1e-30]),
    ],
)
def test_fingerprint_tells_one_content_from_another(
    dtype: str, one: list[object], other: list[object]
) -> None:
    arrow_type = COLUMNS[dtype].type
    assert (
        summary(dtype, pa.array(one, arrow_type))["sha256"]
        != summary(dtype, pa.array(other, arrow_type))["sha256"]
    )


def test_fingerprint_counts_values_of_small_domains_only() -> None:
    assert summary("int8", COLUMNS["int8"])["values"] == {"-1": 1, "0": 1, "1": 3}
    assert summary("int8", COLUMNS["int8"])["n_missing"] == 1
    assert summary("int8", pa.array(range(33), pa.int8()))["values"] is None


def test_digest_tells_columns_types_and_wrong_values_apart() -> None:
    table = pa.table({"a": COLUMNS["int8"], "b": COLUMNS["int8"]})
    both = table_fingerprints(table, [("a", "int8"), ("b", "int8")])
    digests = {
        content_digest(6, both, "none"),
        content_digest(6, {"b": both["b"], "a": both["a"]}, "none"),
        content_digest(6, {"a": both["a"]}, "none"),
        content_digest(6, {**both, "a": {**both["a"], "dtype": "float32"}}, "none"),
        content_digest(6, both, "some"),
        content_digest(7, both, "none"),
    }

    assert len(digests) == 6
    assert all(len(digest) == 32 for digest in digests)


@pytest.mark.parametrize("boundaries", [[], ["m"], ["a", "b", "b", "zz"], ["", "~"]])
def test_rows_leave_the_buckets_in_order_of_id(tmp_path: Path, boundaries: list[str]) -> None:
    ids = [f"{letter}{number}" for letter in "abmz" for number in range(100)]
    random.Random(1).shuffle(ids)
    table = pa.table({"_id": ids, "n": range(len(ids))})

    with IdBuckets(tmp_path, table.schema, boundaries) as buckets:
        for start in range(0, len(ids), 37):
            buckets.add(table.slice(start, 37))
    ordered = pa.concat_tables(buckets.in_order())

    assert ordered["_id"].to_pylist() == sorted(ids)
    assert [ids[n] for n in ordered["n"].to_pylist()] == sorted(ids)
    assert list(tmp_path.iterdir()) == []


def test_ids_that_are_one_text_are_refused(tmp_path: Path) -> None:
    table = pa.table({"_id": ["4", "5", "5", "6"]})

    with IdBuckets(tmp_path, table.schema, []) as buckets:
        buckets.add(table)

    with pytest.raises(DataRejectedError, match="_id '5' as text"):
        list(buckets.in_order())


@pytest.mark.parametrize("sizes", [[10], [4, 4, 2], [1] * 10, [3, 0, 7], [0], []])
def test_parts_hold_the_same_number_of_rows(sizes: list[int]) -> None:
    whole = pa.table({"n": range(sum(sizes))})
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    tables = [whole.slice(start, size) for start, size in zip(starts, sizes, strict=True)]

    parts = list(in_parts(tables, 4))

    assert [part.num_rows for part in parts] == ([4, 4, 2] if sum(sizes) else [])
    assert [n for part in parts for n in part["n"].to_pylist()] == list(range(sum(sizes)))
