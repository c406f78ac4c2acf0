"""MongoDB into immutable snapshots in S3, under the hash of their content, and back.

The digest covers the values only: the same documents give the same keys however often, wherever
and with whichever Parquet library a snapshot is taken. A snapshot is whole once its profile,
written last, is there; reading proves that the content is the one the digest names.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow as pa

from include.contract import keys
from include.contract.schema import InputField
from include.errors import DataRejectedError, SnapshotCorruptError
from include.ingest.snapshot.extract import (
    MAX_TYPE_ERRORS,
    ROWS_PER_PART,
    TYPE_ERRORS,
    Snapshot,
    write_snapshot,
)
from include.ingest.snapshot.fingerprint import (
    FORMAT,
    content_digest,
    table_fingerprints,
    type_errors_digest,
)
from include.ingest.snapshot.values import TYPE_ERRORS_SCHEMA, table_schema
from include.stores.documents import Documents
from include.stores.objects import MAX_OBJECT_BYTES, ObjectStore
from include.stores.parquet import MAX_UNPACKED_BYTES, read_parquet

logger = logging.getLogger(__name__)
# More than any record needs on average; a snapshot may have some that are longer.
_BYTES_PER_ROW = 1024


def take_snapshot(
    collection: Documents,
    columns: Sequence[InputField],
    store: ObjectStore,
    pipeline: str,
    *,
    rows_per_part: int = ROWS_PER_PART,
    query: Mapping[str, Any] | None = None,
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
    query : mapping, optional
        Only the records that match it.

    Errors are those of `include.ingest.snapshot.extract.write_snapshot`.
    """
    with TemporaryDirectory(prefix="nightcatch-snapshot-") as folder:
        snapshot = write_snapshot(
            collection, columns, Path(folder), rows_per_part=rows_per_part, query=query
        )
        _upload(snapshot, Path(folder), store, pipeline)
    return snapshot


def _upload(snapshot: Snapshot, folder: Path, store: ObjectStore, pipeline: str) -> None:
    """Write the snapshot; its profile, written last, marks it as complete."""
    if renew_snapshot(store, pipeline, snapshot.digest):
        logger.info("%s: snapshot %s is there already", pipeline, snapshot.digest)
        return
    for index, part in enumerate(snapshot.parts):
        store.put_file(keys.snapshot_part(pipeline, snapshot.digest, index), folder / part.name)
    store.put_file(keys.snapshot_type_errors(pipeline, snapshot.digest), folder / TYPE_ERRORS)
    body = json.dumps(snapshot.profile, indent=1).encode()
    store.put(keys.snapshot_profile(pipeline, snapshot.digest), body, "application/json")
    logger.info(
        "%s: snapshot %s has %d rows in %d parts, %d bytes",
        pipeline,
        snapshot.digest,
        snapshot.n_rows,
        len(snapshot.parts),
        snapshot.size_bytes,
    )


def renew_snapshot(store: ObjectStore, pipeline: str, digest: str) -> bool:
    """Return whether the store holds the snapshot whole; it is then as young as one taken now.

    Retention leaves alone what is young.

    Raises
    ------
    StoreUnavailableError
    SnapshotCorruptError
        If its profile describes another content.
    """
    if not _is_whole(store, pipeline, digest):
        return False
    profile_key = keys.snapshot_profile(pipeline, digest)
    store.put(profile_key, store.get(profile_key), "application/json")
    return True


def _is_whole(store: ObjectStore, pipeline: str, digest: str) -> bool:
    """Return whether the store holds the profile and every part that the profile counts."""
    there = set(store.keys_under(keys.snapshot_prefix(pipeline, digest)))
    if keys.snapshot_profile(pipeline, digest) not in there:
        return False
    n_parts = len(read_profile(store, pipeline, digest)["parts"])
    wanted = {keys.snapshot_part(pipeline, digest, index) for index in range(n_parts)}
    return {keys.snapshot_type_errors(pipeline, digest), *wanted} <= there


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
    schema = pa.schema([table_schema(fields).field(name) for name in names])
    tables = [schema.empty_table()]
    # The digest proves how many rows there are, and not how many parts.
    left, max_bytes = profile["n_rows"], MAX_UNPACKED_BYTES + profile["n_rows"] * _BYTES_PER_ROW
    for index in range(len(profile["parts"])):
        key = keys.snapshot_part(pipeline, digest, index)
        part = _parse(store, key, schema, left, max_bytes)
        left, max_bytes = left - part.num_rows, max_bytes - part.nbytes
        tables.append(part)
    table = pa.concat_tables(tables)
    _refuse_changed(table, known, f"{pipeline}: snapshot {digest}")
    return _frame(table)


def _refuse_changed(table: pa.Table, known: dict[str, dict[str, Any]], what: str) -> None:
    dtypes = [(name, known[name]["dtype"]) for name in table.column_names]
    for name, found in table_fingerprints(table, dtypes).items():
        if found["sha256"] != known[name]["sha256"]:
            raise SnapshotCorruptError(f"{what}: the values of {name} were changed")


def read_type_errors(store: ObjectStore, pipeline: str, digest: str) -> pd.DataFrame:
    """Return `_id`, `column`, `value`, `bson_type` of the values a snapshot could not hold.

    Errors are those of `read_snapshot`.
    """
    profile = read_profile(store, pipeline, digest)
    key = keys.snapshot_type_errors(pipeline, digest)
    table = _parse(store, key, TYPE_ERRORS_SCHEMA, MAX_TYPE_ERRORS, MAX_UNPACKED_BYTES)
    if type_errors_digest(table) != profile["type_errors"]["sha256"]:
        raise SnapshotCorruptError(f"{key} was changed")
    return table.to_pandas()


def _parse(
    store: ObjectStore, key: str, schema: pa.Schema, max_rows: int, max_bytes: int
) -> pa.Table:
    body = store.get(key, MAX_OBJECT_BYTES)
    try:
        table = read_parquet(body, schema.names, max_rows=max_rows, max_bytes=max_bytes)
    except DataRejectedError as err:
        raise SnapshotCorruptError(f"{key} is not the file that was written: {err}") from err
    if not table.schema.equals(schema):
        raise SnapshotCorruptError(f"{key} has columns of other types than were written")
    return table


def _frame(table: pa.Table) -> pd.DataFrame:
    for index, column in enumerate(table.schema):
        if pa.types.is_int8(column.type):
            table = table.set_column(index, column.name, table[index].cast(pa.float32()))
    return table.to_pandas()
