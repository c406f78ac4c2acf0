"""Rows that arrive in any order leave in order of `_id`, in bounded memory."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from include.errors import DataRejectedError


class IdBuckets:
    """Rows spilled to one file per range of `_id`, each small enough to sort in memory.

    Parameters
    ----------
    folder : Path
        Holds the files while they are needed.
    schema : pyarrow.Schema
        With a string column `_id`.
    boundaries : sequence of str
        Ascending; bucket i takes ``boundaries[i-1] <= _id < boundaries[i]``.
    """

    def __init__(self, folder: Path, schema: pa.Schema, boundaries: Sequence[str]) -> None:
        self._boundaries = boundaries
        self._schema = schema
        self._paths = [folder / f"bucket-{i:05d}.arrow" for i in range(len(boundaries) + 1)]

    def __enter__(self) -> Self:
        self._files = [pa.OSFile(str(path), "wb") for path in self._paths]
        self._writers = [pa.ipc.new_stream(file, self._schema) for file in self._files]
        return self

    def add(self, table: pa.Table) -> None:
        """Return when the rows lie in their buckets."""
        table = table.take(pc.sort_indices(table["_id"]))
        ids = table["_id"].combine_chunks()
        cuts = [
            bisect_left(ids, edge, key=lambda entry: entry.as_py()) for edge in self._boundaries
        ]
        for writer, start, stop in zip(self._writers, [0, *cuts], [*cuts, len(ids)], strict=True):
            if stop > start:
                writer.write_table(table.slice(start, stop - start))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for writer, file in zip(self._writers, self._files, strict=True):
            writer.close()
            file.close()

    def in_order(self) -> Iterator[pa.Table]:
        """Yield the rows bucket by bucket, sorted by `_id`, once the last one was added.

        Raises
        ------
        DataRejectedError
            If two records have the same `_id` once it is written as text.
        """
        for path in self._paths:
            with pa.OSFile(str(path), "rb") as file:
                bucket = pa.ipc.open_stream(file).read_all().combine_chunks()
            path.unlink()
            bucket = bucket.take(pc.sort_indices(bucket["_id"]))
            _refuse_duplicates(bucket["_id"])
            yield bucket


def _refuse_duplicates(ids: pa.ChunkedArray) -> None:
    same = pc.equal(ids.slice(1), ids.slice(0, max(len(ids) - 1, 0)))
    if pc.any(same).as_py():
        duplicate = ids[pc.index(same, True).as_py()].as_py()
        raise DataRejectedError(
            f"two records have the _id {duplicate!r} as text; they differ only in its BSON type"
        )


def in_parts(tables: Iterable[pa.Table], rows_per_part: int) -> Iterator[pa.Table]:
    """Yield the same rows in tables of exactly `rows_per_part`; the last one may be shorter."""
    pending: list[pa.Table] = []
    for table in tables:
        joined = pa.concat_tables([*pending, table])
        full = joined.num_rows - joined.num_rows % rows_per_part
        for start in range(0, full, rows_per_part):
            yield joined.slice(start, rows_per_part)
        pending = [joined.slice(full)]
    if pending and pending[0].num_rows:
        yield pending[0]
