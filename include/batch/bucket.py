"""Objects of the bucket as inputs, and what a query of MongoDB found as such objects."""

import io
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from include.contract import keys
from include.contract.run_documents import BatchInput
from include.errors import BatchRefusedError, PreconditionError
from include.ingest.files.layout import Layout
from include.ingest.files.values import parse_date
from include.stores.documents import Documents, find_in_order
from include.stores.objects import ObjectStore

_QUERY_ROWS = 100_000
_OPERATORS = frozenset({"$eq", "$ne", "$in", "$nin", "$gt", "$gte", "$lt", "$lte", "$exists"})
_SUMMARIES = ("job.json", "summary.json", "summary.html")
MAX_INPUTS = 10_000


def find_objects(store: ObjectStore, prefix: str) -> tuple[BatchInput, ...]:
    """Return the objects below a prefix that hold something, in order of their keys.

    Raises
    ------
    ManifestError
        If nothing below the prefix may be scored.
    BatchRefusedError
        If there is none, or there are more than `MAX_INPUTS`.
    """
    found: list[BatchInput] = []
    for entry in store.entries_under(keys.batch_source_prefix(prefix)):
        if entry.size_bytes and entry.key.rpartition("/")[2] not in _SUMMARIES:
            found.append(BatchInput(entry.key, entry.size_bytes, entry.etag))
        if len(found) > MAX_INPUTS:
            raise BatchRefusedError(f"{prefix}: more than {MAX_INPUTS} objects: name fewer")
    if not found:
        raise BatchRefusedError(f"{prefix}: there is no object with content below it")
    return tuple(found)


class ObjectInputs:
    """Opens inputs as temporary files.

    Parameters
    ----------
    store : ObjectStore
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @contextmanager
    def __call__(self, pinned: BatchInput) -> Iterator[Path]:
        """Give a copy of the object, which is gone afterwards.

        Raises
        ------
        BatchRefusedError
            If the object changed since the job began.
        """
        keys.batch_source_prefix(pinned.name)  # a job document may have been changed
        with tempfile.TemporaryDirectory(prefix="nightcatch-batch-") as folder:
            path = Path(folder) / "input"
            try:
                self._store.download(pinned.name, path, pinned.etag)
            except PreconditionError as err:
                raise BatchRefusedError(
                    f"{pinned.name} changed since the job began: use another name for the batch"
                ) from err
            yield path


def checked_filter(asked: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    """Return a filter of MongoDB with the dates of its text.

    Parameters
    ----------
    asked : mapping
        Columns of the records to a value, or to comparisons such as ``{"$gte": "2026-11-01"}``.
    layout : Layout

    Raises
    ------
    BatchRefusedError
        If it names another column or operator: some run programs on the server.
    """
    query: dict[str, Any] = {}
    for column, condition in asked.items():
        if column not in layout.dtypes:
            known = ", ".join(layout.dtypes)
            raise BatchRefusedError(f"filter: no column {column!r}; there are {known}")
        rules = condition if isinstance(condition, Mapping) else {"$eq": condition}
        if not rules or not rules.keys() <= _OPERATORS:
            raise BatchRefusedError(f"filter: {column}: only {', '.join(sorted(_OPERATORS))}")
        is_date = layout.dtypes[column] == "timestamp"
        query[column] = {
            name: _value(column, value, is_date=is_date and name != "$exists")
            for name, value in rules.items()
        }
    return query


def _value(column: str, value: Any, *, is_date: bool) -> Any:
    if isinstance(value, list):
        return [_value(column, each, is_date=is_date) for each in value]
    if isinstance(value, Mapping):
        raise BatchRefusedError(f"filter: {column}: a value cannot be an object")
    if not is_date:
        return value
    moment = parse_date(str(value))
    if moment is None:
        raise BatchRefusedError(f"filter: {column}: {value!r} is no date")
    return moment


def export_query(
    store: ObjectStore, name: str, collection: Documents, query: Mapping[str, Any], layout: Layout
) -> tuple[BatchInput, ...]:
    """Return the documents that match as objects of the batch, by `_id`; with the inputs alone.

    Raises
    ------
    StoreUnavailableError
    BatchRefusedError
        If none matches.
    """
    columns = [field.name for field in layout.fields]
    prefix = f"{keys.batch_prefix(name)}input/"
    schema = pa.schema([("_id", pa.string()), *((each, pa.string()) for each in columns)])
    rows: list[dict[str, str | None]] = []
    names: list[str] = []

    def put() -> None:
        file = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, schema), file, compression="zstd")
        names.append(f"{prefix}rows-{len(names):05d}.parquet")
        store.put(names[-1], file.getvalue())
        rows.clear()

    for document in find_in_order(collection, query, columns):
        rows.append({each: _text(document.get(each)) for each in schema.names})
        if len(rows) == _QUERY_ROWS:
            put()
    if rows:
        put()
    if not names:
        raise BatchRefusedError(f"no document of {collection.name} matches the filter")
    written = {entry.key: entry for entry in store.entries_under(prefix)}
    return tuple(BatchInput(key, written[key].size_bytes, written[key].etag) for key in names)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value)
