"""One collection into local Parquet files: read once, put in order of `_id`, fingerprinted.

Each column keeps its declared type (numbers are ``int8`` or ``float32``, null where missing), so
ternary columns take a few bits per value; readers get float32 with NaN.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from bson.timestamp import Timestamp

from include.contract.schema import InputField
from include.errors import DataRejectedError
from include.ingest.snapshot.decode import BatchDecoder
from include.ingest.snapshot.fingerprint import (
    FORMAT,
    ColumnFingerprint,
    content_digest,
    type_errors_digest,
)
from include.ingest.snapshot.ordering import IdBuckets, in_parts
from include.ingest.snapshot.values import TYPE_ERRORS_SCHEMA, Decoded, id_text, table_schema
from include.stores.documents import (
    Documents,
    count_at,
    count_roughly,
    current_time,
    raw_batches,
    sample_ids,
)

TYPE_ERRORS = "type_errors.parquet"
MAX_TYPE_ERRORS = 100_000
ROWS_PER_PART = 250_000
_SAMPLED_IDS_PER_BUCKET = 64
_MAX_BUCKETS = 512


@dataclass(frozen=True)
class Part:
    """One Parquet file of a snapshot.

    Attributes
    ----------
    name : str
    n_rows, size_bytes : int
    """

    name: str
    n_rows: int
    size_bytes: int


@dataclass(frozen=True)
class Snapshot:
    """The records of a collection at one moment.

    Attributes
    ----------
    digest : str
        32 hex digits; the same documents have the same.
    n_rows : int
    n_simulated : int
        So many of the rows were synthetic, at the moment that was read.
    parts : tuple of Part
        In order of `_id`.
    size_bytes : int
        Of all parts together.
    type_errors : pyarrow.Table
        `_id`, `column`, `value`, `bson_type` of each value its column cannot hold, and which is
        therefore missing from the parts.
    profile : dict
        What ``profile.json`` holds.
    """

    digest: str
    n_rows: int
    n_simulated: int
    parts: tuple[Part, ...]
    size_bytes: int
    type_errors: pa.Table = field(repr=False)
    profile: dict[str, Any] = field(repr=False)


def write_snapshot(
    collection: Documents,
    columns: Sequence[InputField],
    folder: Path,
    *,
    rows_per_part: int = ROWS_PER_PART,
    query: Mapping[str, Any] | None = None,
) -> Snapshot:
    """Return the snapshot of a collection, its files in a local folder.

    Parameters
    ----------
    collection : pymongo Collection
        Of a replica set.
    columns : sequence of InputField
        The fields to keep besides `_id`, with their types.
    folder : Path
        Empty; holds the parts, `TYPE_ERRORS` and, meanwhile, unsorted rows.
    rows_per_part : int
        Also bounds memory.
    query : mapping, optional
        Only the records that match it, as `include.ingest.labels.selection` makes it.

    Raises
    ------
    StoreUnavailableError
    DataRejectedError
        If over `MAX_TYPE_ERRORS` values do not fit their column, two `_id` are the same text, or
        a document is not valid BSON.
    """
    boundaries, at = _boundaries(collection, rows_per_part), current_time(collection)
    type_errors = TYPE_ERRORS_SCHEMA.empty_table()
    with IdBuckets(folder, table_schema(columns), boundaries) as buckets:
        for decoded in _decoded_batches(collection, columns, at, query):
            buckets.add(decoded.table)
            type_errors = pa.concat_tables([type_errors, decoded.type_errors])
            _refuse_too_many(type_errors, collection.full_name)
    type_errors = type_errors.sort_by([(name, "ascending") for name in ("_id", "column")])
    pq.write_table(type_errors, folder / TYPE_ERRORS)
    dtypes = {"_id": "string"} | {column.name: column.dtype for column in columns}
    fingerprints = [ColumnFingerprint(name, dtype) for name, dtype in dtypes.items()]
    parts = _write_parts(in_parts(buckets.in_order(), rows_per_part), fingerprints, folder)
    n_simulated = count_at(collection, {"simulated": True, **(query or {})}, at)
    return _described(collection, tuple(parts), fingerprints, type_errors, n_simulated)


def _boundaries(collection: Documents, rows_per_bucket: int) -> list[str]:
    """Return `_id` texts that cut the collection into ranges of about `rows_per_bucket`."""
    n_buckets = min(math.ceil(count_roughly(collection) / rows_per_bucket), _MAX_BUCKETS)
    if n_buckets < 2:
        return []
    ids = sorted(map(id_text, sample_ids(collection, n_buckets * _SAMPLED_IDS_PER_BUCKET)))
    return [ids[len(ids) * i // n_buckets] for i in range(1, n_buckets)] if ids else []


def _decoded_batches(
    collection: Documents,
    columns: Sequence[InputField],
    at: Timestamp,
    query: Mapping[str, Any] | None,
) -> Iterator[Decoded]:
    """Yield decoded batches; the next one is read while this one is decoded."""
    decoder = BatchDecoder(columns)
    batches = raw_batches(collection, [column.name for column in columns], at, query)
    with closing(batches), ThreadPoolExecutor(max_workers=1) as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield decoder.decode(batch)


def _refuse_too_many(type_errors: pa.Table, name: str) -> None:
    if type_errors.num_rows > MAX_TYPE_ERRORS:
        example = type_errors.slice(type_errors.num_rows - 1).to_pylist()[0]
        raise DataRejectedError(
            f"{name}: more than {MAX_TYPE_ERRORS:,} values have a type their column cannot hold, "
            f"such as {example['column']} = {example['value']!r} ({example['bson_type']})"
        )


def _write_parts(
    tables: Iterator[pa.Table], fingerprints: Sequence[ColumnFingerprint], folder: Path
) -> list[Part]:
    """Return the parts written; one is written while the next one is put in order."""
    names: list[tuple[str, int]] = []
    with ThreadPoolExecutor(max_workers=1) as writer:
        for table in tables:
            names.append((f"part-{len(names):05d}.parquet", table.num_rows))
            writing = writer.submit(_write_part, table, folder / names[-1][0])
            for fingerprint in fingerprints:
                fingerprint.update(table[fingerprint.name])
            writing.result()
    return [Part(name, n_rows, (folder / name).stat().st_size) for name, n_rows in names]


def _write_part(table: pa.Table, path: Path) -> None:
    repetitive = [name for name in table.column_names if name != "_id"]
    pq.write_table(table, path, compression="zstd", compression_level=1, use_dictionary=repetitive)


def _described(
    collection: Documents,
    parts: tuple[Part, ...],
    fingerprints: Sequence[ColumnFingerprint],
    type_errors: pa.Table,
    n_simulated: int,
) -> Snapshot:
    n_rows = sum(part.n_rows for part in parts)
    size_bytes = sum(part.size_bytes for part in parts)
    summaries = {fingerprint.name: fingerprint.summary() for fingerprint in fingerprints}
    wrong = set(type_errors["column"].to_pylist())
    errors_digest = type_errors_digest(type_errors)
    digest = content_digest(n_rows, summaries, errors_digest)
    profile = {
        "format": FORMAT,
        "digest": digest,
        "created_from": {"database": collection.database.name, "collection": collection.name},
        "n_rows": n_rows,
        "size_bytes": size_bytes,
        "parts": [vars(part) for part in parts],
        "columns": summaries,
        "absent_columns": [
            name
            for name, entry in summaries.items()
            if entry["n_missing"] == n_rows and name not in wrong
        ],
        "type_errors": {"n": type_errors.num_rows, "sha256": errors_digest},
    }
    return Snapshot(digest, n_rows, n_simulated, parts, size_bytes, type_errors, profile)
