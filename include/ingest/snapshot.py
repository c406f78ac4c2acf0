"""MongoDB into an immutable snapshot: Parquet parts under the hash of their content.

The collection is read once, as it was at one moment; rows are brought into order of `_id` on local
disk, so memory stays bounded at any size. Types are the declared ones (``int8`` and ``float32``
columns with nulls for missing values): readers get float32 with NaN. The snapshot's digest covers
the values only, so the same documents give the same keys however often and wherever it is taken.
"""

import hashlib
import json
import logging
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from include.contract import keys
from include.contract.schema import InputField
from include.errors import DataRejectedError, SnapshotCorruptError
from include.ingest.decode import BatchDecoder
from include.ingest.fingerprint import (
    FORMAT,
    ColumnFingerprint,
    content_digest,
    table_fingerprints,
)
from include.ingest.ordering import IdBuckets, in_parts
from include.ingest.values import TYPE_ERRORS_SCHEMA, Decoded, id_text, table_schema
from include.stores.documents import Documents, count_roughly, raw_batches, sample_ids
from include.stores.objects import ObjectStore

TYPE_ERRORS = "type_errors.parquet"
MAX_TYPE_ERRORS = 100_000
_SAMPLED_IDS_PER_BUCKET = 64
_MAX_BUCKETS = 512

logger = logging.getLogger(__name__)


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
    parts: tuple[Part, ...]
    size_bytes: int
    type_errors: pa.Table = field(repr=False)
    profile: dict[str, Any] = field(repr=False)


def take_snapshot(
    collection: Documents,
    columns: Sequence[InputField],
    store: ObjectStore,
    pipeline: str,
    *,
    rows_per_part: int = 250_000,
) -> Snapshot:
    """Return the snapshot of a collection, complete in the store under its digest.

    Nothing is written when the store holds it already.

    Parameters
    ----------
    collection : pymongo Collection
        Of a replica set.
    columns : sequence of InputField
        The fields to keep besides `_id`, with their types.
    store : ObjectStore
    pipeline : str
    rows_per_part : int
        Also bounds memory.

    Raises
    ------
    StoreUnavailableError
    DataRejectedError
        If more than `MAX_TYPE_ERRORS` values are of a type their column cannot hold, two `_id`
        are the same text, or a document is not valid BSON.
    """
    with TemporaryDirectory(prefix="nightcatch-snapshot-") as folder:
        snapshot = write_snapshot(collection, columns, Path(folder), rows_per_part=rows_per_part)
        _upload(snapshot, Path(folder), store, pipeline)
    return snapshot


def write_snapshot(
    collection: Documents,
    columns: Sequence[InputField],
    folder: Path,
    *,
    rows_per_part: int = 250_000,
) -> Snapshot:
    """Return the snapshot of a collection, its files in a local folder.

    Parameters and errors are those of `take_snapshot`.
    """
    schema = table_schema(columns)
    boundaries = _boundaries(collection, rows_per_part)
    type_errors = TYPE_ERRORS_SCHEMA.empty_table()
    with IdBuckets(folder, schema, boundaries) as buckets:
        for decoded in _decoded_batches(collection, columns):
            buckets.add(decoded.table)
            type_errors = pa.concat_tables([type_errors, decoded.type_errors])
            _refuse_too_many(type_errors, collection.full_name)
    type_errors = type_errors.sort_by([("_id", "ascending"), ("column", "ascending")])
    pq.write_table(type_errors, folder / TYPE_ERRORS)
    fingerprints = [ColumnFingerprint("_id", "string")]
    fingerprints += [ColumnFingerprint(column.name, column.dtype) for column in columns]
    parts = _write_parts(in_parts(buckets.in_order(), rows_per_part), fingerprints, folder)
    return _described(collection, tuple(parts), fingerprints, type_errors)


def _boundaries(collection: Documents, rows_per_bucket: int) -> list[str]:
    """Return `_id` texts that cut the collection into ranges of about `rows_per_bucket`."""
    n_buckets = min(math.ceil(count_roughly(collection) / rows_per_bucket), _MAX_BUCKETS)
    if n_buckets < 2:
        return []
    ids = sorted(map(id_text, sample_ids(collection, n_buckets * _SAMPLED_IDS_PER_BUCKET)))
    return [ids[len(ids) * i // n_buckets] for i in range(1, n_buckets)] if ids else []


def _decoded_batches(collection: Documents, columns: Sequence[InputField]) -> Iterator[Decoded]:
    """Yield decoded batches; the next one is read while this one is decoded."""
    decoder = BatchDecoder(columns)
    batches = raw_batches(collection, [column.name for column in columns])
    with ThreadPoolExecutor(max_workers=1) as reader:
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
) -> Snapshot:
    n_rows = sum(part.n_rows for part in parts)
    size_bytes = sum(part.size_bytes for part in parts)
    summaries = {fingerprint.name: fingerprint.summary() for fingerprint in fingerprints}
    wrong = set(type_errors["column"].to_pylist())
    errors_digest = _type_errors_digest(type_errors)
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
    return Snapshot(digest, n_rows, parts, size_bytes, type_errors, profile)


def _type_errors_digest(type_errors: pa.Table) -> str:
    columns = [(name, "string") for name in TYPE_ERRORS_SCHEMA.names]
    summaries = table_fingerprints(type_errors, columns)
    joined = "".join(summary["sha256"] for summary in summaries.values())
    return hashlib.sha256(joined.encode()).hexdigest()


def _upload(snapshot: Snapshot, folder: Path, store: ObjectStore, pipeline: str) -> None:
    """Return when the store holds the snapshot; its profile, written last, says it is whole."""
    profile_key = keys.snapshot_profile(pipeline, snapshot.digest)
    if store.exists(profile_key):
        logger.info("%s: snapshot %s is there already", pipeline, snapshot.digest)
        return
    for index, part in enumerate(snapshot.parts):
        store.put_file(keys.snapshot_part(pipeline, snapshot.digest, index), folder / part.name)
    store.put_file(
        keys.snapshot_prefix(pipeline, snapshot.digest) + TYPE_ERRORS, folder / TYPE_ERRORS
    )
    body = json.dumps(snapshot.profile, indent=1).encode()
    store.put(profile_key, body, "application/json")
    logger.info(
        "%s: snapshot %s has %d rows in %d parts, %d bytes",
        pipeline,
        snapshot.digest,
        snapshot.n_rows,
        len(snapshot.parts),
        snapshot.size_bytes,
    )


def read_profile(store: ObjectStore, pipeline: str, digest: str) -> dict[str, Any]:
    """Return a snapshot's profile, proved to describe the content that `digest` names.

    Raises
    ------
    ObjectMissingError, StoreUnavailableError
    SnapshotCorruptError
        If it does not.
    """
    key = keys.snapshot_profile(pipeline, digest)
    profile: dict[str, Any] = json.loads(store.get(key))
    if profile.get("format") != FORMAT:
        raise SnapshotCorruptError(f"{key} has the unknown format {profile.get('format')!r}")
    proved = content_digest(profile["n_rows"], profile["columns"], profile["type_errors"]["sha256"])
    if proved != digest:
        raise SnapshotCorruptError(f"{key} describes {proved}")
    return profile


def read_snapshot(
    store: ObjectStore, pipeline: str, digest: str, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return a snapshot's records in order of `_id`, proved to be those that `digest` names.

    Parameters
    ----------
    store : ObjectStore
    pipeline, digest : str
    columns : sequence of str or None
        The columns to read besides `_id`; None reads all of them.

    Returns
    -------
    DataFrame of shape (n_rows, 1 + n_columns)
        `_id` (str), numbers as float32 with NaN for missing, strings, timestamps in UTC.

    Raises
    ------
    ObjectMissingError, StoreUnavailableError
    DataRejectedError
        If the snapshot has no such column.
    SnapshotCorruptError
        If the content is not the one that `digest` names.
    """
    profile = read_profile(store, pipeline, digest)
    known = profile["columns"]
    names = list(known) if columns is None else ["_id", *columns]
    for name in names:
        if name not in known:
            raise DataRejectedError(f"{pipeline}: snapshot {digest} has no column {name}")
    fields = [InputField(name, known[name]["dtype"], None) for name in names if name != "_id"]
    tables = [table_schema(fields).empty_table()]
    for index in range(len(profile["parts"])):
        key = keys.snapshot_part(pipeline, digest, index)
        tables.append(_parse(store.get(key), key, names))
    table = pa.concat_tables(tables)
    proved = table_fingerprints(table, [(name, known[name]["dtype"]) for name in names])
    for name, entry in proved.items():
        if entry["sha256"] != known[name]["sha256"]:
            raise SnapshotCorruptError(f"{pipeline}: snapshot {digest}: {name} was changed")
    return _frame(table)


def read_type_errors(store: ObjectStore, pipeline: str, digest: str) -> pd.DataFrame:
    """Return `_id`, `column`, `value`, `bson_type` of the values a snapshot could not hold.

    Errors are those of `read_snapshot`.
    """
    profile = read_profile(store, pipeline, digest)
    key = keys.snapshot_prefix(pipeline, digest) + TYPE_ERRORS
    table = _parse(store.get(key), key, TYPE_ERRORS_SCHEMA.names)
    if _type_errors_digest(table) != profile["type_errors"]["sha256"]:
        raise SnapshotCorruptError(f"{key} was changed")
    return table.to_pandas()


def _parse(body: bytes, key: str, names: Sequence[str]) -> pa.Table:
    try:
        return pq.read_table(pa.BufferReader(body), columns=list(names))
    except (pa.ArrowException, OSError) as err:
        raise SnapshotCorruptError(f"{key} is not the Parquet file that was written") from err


def _frame(table: pa.Table) -> pd.DataFrame:
    for index, column in enumerate(table.schema):
        if pa.types.is_int8(column.type):
            table = table.set_column(index, column.name, table[index].cast(pa.float32()))
    return table.to_pandas()
