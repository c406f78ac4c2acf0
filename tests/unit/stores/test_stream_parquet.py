"""Parquet files of any size are read in memory that does not grow with them."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.errors import DataRejectedError
from include.stores.parquet import stream_parquet

MIB = 1024 * 1024


def test_a_long_text_that_many_rows_repeat_is_not_unpacked_at_once(tmp_path):
    path = tmp_path / "bomb.parquet"
    texts = pa.DictionaryArray.from_arrays(pa.array([1, 0] * 300, pa.int32()), ["x" * MIB, "y"])
    pq.write_table(pa.table({"n": range(600), "url": texts.cast(pa.string())}), path)
    assert path.stat().st_size < MIB

    batches = list(stream_parquet(path, 1024))

    assert [n for batch in batches for n in batch["n"].to_pylist()] == list(range(600))
    assert max(batch.nbytes for batch in batches) <= 65 * MIB


def test_memory_does_not_grow_with_a_row_group(tmp_path):
    path = tmp_path / "large.parquet"
    urls = [f"https://host{number}.example/{number:050}" for number in range(200_000)]
    pq.write_table(pa.table({"url": urls}), path, row_group_size=len(urls))
    before, rows, most = pa.total_allocated_bytes(), 0, 0

    for batch in stream_parquet(path, 1024):
        rows += batch.num_rows
        most = max(most, pa.total_allocated_bytes() - before)

    assert rows == len(urls)
    assert most < 8 * MIB  # the texts are 15 MiB


def test_rows_of_small_groups_and_empty_files_come_in_order(tmp_path):
    path = tmp_path / "small.parquet"
    table = pa.table({"url": ["a", None, "b"], "tags": [["x"], [], None]})
    pq.write_table(table, path, row_group_size=1)
    assert pa.Table.from_batches(stream_parquet(path, 10)).to_pylist() == table.to_pylist()
    pq.write_table(table.slice(0, 0), path)
    assert sum(batch.num_rows for batch in stream_parquet(path, 10)) == 0


def test_another_file_is_refused_by_name(tmp_path):
    path = tmp_path / "no.parquet"
    path.write_bytes(b"PAR1 and nothing")
    with pytest.raises(DataRejectedError, match="not a Parquet file"):
        list(stream_parquet(path, 10))
