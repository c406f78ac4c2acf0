"""What a snapshot holds: digest, missing values and value counts, gathered while rows stream by.

The digest covers values, not files: it does not depend on how the rows were cut into parts, on the
Parquet library's version, or on where and when the snapshot was taken.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

FORMAT = 1
MAX_DISTINCT = 32
_DIGEST_CHARS = 32


class ColumnFingerprint:
    """One column's hash, missing values and, for a small domain, value counts.

    Parameters
    ----------
    name : str
    dtype : str
        ``"int8"``, ``"float32"``, ``"string"`` or ``"timestamp"``.
    """

    def __init__(self, name: str, dtype: str) -> None:
        self.name = name
        self.dtype = dtype
        self.n_rows = 0
        self.n_missing = 0
        self._counts: Counter[Any] | None = Counter()
        self._missing_at = hashlib.sha256()
        self._lengths = hashlib.sha256()
        self._values = hashlib.sha256()

    def update(self, column: pa.ChunkedArray) -> None:
        """Return when the rows of `column`, which follow those seen before, are counted in."""
        for chunk in column.chunks:
            if chunk.null_count:
                missing_at = np.flatnonzero(chunk.is_null().to_numpy(zero_copy_only=False))
                self._missing_at.update((missing_at + self.n_rows).astype("<i8").tobytes())
                self.n_missing += chunk.null_count
            self._count(chunk)
            self._hash(chunk)
            self.n_rows += len(chunk)

    def _count(self, chunk: pa.Array) -> None:
        if self._counts is None:
            return
        for entry in pc.value_counts(chunk.drop_null()):
            self._counts[entry["values"].as_py()] += entry["counts"].as_py()
            if len(self._counts) > MAX_DISTINCT:
                self._counts = None
                return

    def _hash(self, chunk: pa.Array) -> None:
        if pa.types.is_string(chunk.type):
            present = chunk.drop_null()
            self._lengths.update(pc.binary_length(present).to_numpy().tobytes())
            start, stop = _extent(present)
            if stop > start:
                self._values.update(memoryview(present.buffers()[2])[start:stop])
            return
        if pa.types.is_timestamp(chunk.type):
            chunk = chunk.cast(pa.int64())
        self._values.update(chunk.drop_null().to_numpy().tobytes())

    def summary(self) -> dict[str, Any]:
        """Return the column's entry in the profile."""
        digests = (self._missing_at.digest(), self._lengths.digest(), self._values.digest())
        counts = None
        if self._counts is not None:
            counts = {str(value): self._counts[value] for value in sorted(self._counts)}
        return {
            "dtype": self.dtype,
            "n_missing": self.n_missing,
            "values": counts,
            "sha256": hashlib.sha256(b"".join(digests)).hexdigest(),
        }


def _extent(strings: pa.Array) -> tuple[int, int]:
    """Return where in its data buffer the strings of an array without nulls begin and end."""
    if not len(strings):
        return 0, 0
    offsets = np.frombuffer(strings.buffers()[1], "<i4")
    return int(offsets[strings.offset]), int(offsets[strings.offset + len(strings)])


def table_fingerprints(
    table: pa.Table, dtypes: Sequence[tuple[str, str]]
) -> dict[str, dict[str, Any]]:
    """Return the summary of each named column of a whole table."""
    summaries = {}
    for name, dtype in dtypes:
        fingerprint = ColumnFingerprint(name, dtype)
        fingerprint.update(table[name])
        summaries[name] = fingerprint.summary()
    return summaries


def content_digest(n_rows: int, columns: dict[str, dict[str, Any]], type_errors: str) -> str:
    """Return the digest of a snapshot: the same content gives the same 32 hex digits.

    Parameters
    ----------
    n_rows : int
    columns : dict of str to dict
        Summaries by column name, in the order of the columns.
    type_errors : str
        SHA-256 of the table of values that no column could hold.
    """
    content = {
        "format": FORMAT,
        "n_rows": n_rows,
        "columns": [[name, entry["dtype"], entry["sha256"]] for name, entry in columns.items()],
        "type_errors": type_errors,
    }
    text = json.dumps(content, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARS]


def type_errors_digest(type_errors: pa.Table) -> str:
    """Return the SHA-256 of a table of values that their columns could not hold."""
    summaries = table_fingerprints(
        type_errors, [(name, "string") for name in type_errors.schema.names]
    )
    joined = "".join(summary["sha256"] for summary in summaries.values())
    return hashlib.sha256(joined.encode()).hexdigest()
