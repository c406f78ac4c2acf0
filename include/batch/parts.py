"""Score a chunk into one Parquet part, with its totals in the file's own metadata."""

import io
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from include.batch.chunks import Chunk, rows_of
from include.contract.lists import DecisionList
from include.contract.manifest import parse_manifest
from include.contract.pointer import Pointer
from include.contract.run_documents import BatchTotals, parse, serialise
from include.contract.run_documents.batch import N_BINS
from include.contract.verdicts import VERDICTS
from include.errors import DataRejectedError
from include.inference.listed import ListLookup
from include.inference.model import load_model
from include.inference.prediction_ids import new_id
from include.inference.record_schema import Fault
from include.inference.row_scoring import reasons, score_rows
from include.ingest.files.layout import Layout
from include.ingest.files.text_lines import BadLine
from include.registry.follow import ProductionModel, VersionBytes

_TOTALS = b"nightcatch.totals"
_SHOWN_REASONS = 5
_ADDED: dict[str, pa.DataType] = {
    "prediction": pa.string(),
    "confidence": pa.float64(),
    "probability": pa.float64(),
    "decided_by": pa.string(),
    "model_version": pa.string(),
    "id": pa.string(),
    "error": pa.string(),
}


@dataclass(frozen=True)
class ScorerSetup:
    """What a worker makes its scorer of; can be sent to another process.

    Attributes
    ----------
    content : VersionBytes
        Verified.
    pointer : Pointer
    entries : DecisionList or None
        The list in effect.
    layout : Layout
        Of the files, without a label.
    reasons : bool
    """

    content: VersionBytes
    pointer: Pointer
    entries: DecisionList | None
    layout: Layout
    reasons: bool


class PartScorer:
    """Scores chunks with one version.

    Parameters
    ----------
    setup : ScorerSetup
    """

    def __init__(self, setup: ScorerSetup) -> None:
        manifest = parse_manifest(setup.content.manifest)
        model = load_model(setup.content.model, manifest, setup.content.reference)
        self._in_production = ProductionModel(setup.pointer, manifest, model, datetime.now(UTC))
        self._lookup = None if setup.entries is None else ListLookup(setup.entries)
        self._setup = setup

    def score(self, chunk: Chunk) -> bytes:
        """Return a Parquet file: the rows in order with their columns, and what is added."""
        rows = rows_of(chunk, self._setup.layout)
        scored = self._scored(rows.cells)
        table = rows.sent
        taken = set(self._added())
        table = table.rename_columns([_renamed(name, taken) for name in table.column_names])
        for name, column in self._columns(rows.cells, scored).items():
            table = table.append_column(name, column)
        totals = serialise(_count(scored))
        file = io.BytesIO()
        pq.write_table(table.replace_schema_metadata({_TOTALS: totals}), file, compression="zstd")
        return file.getvalue()

    def _scored(self, cells: Sequence[list[str] | BadLine]) -> list[dict[str, Any] | Fault]:
        readable = [row for row in cells if not isinstance(row, BadLine)]
        found = iter(score_rows(readable, self._in_production, self._lookup, time.time()))
        return [
            Fault(row.line, "", "row", f"line {row.line}: {row.reason}")
            if isinstance(row, BadLine)
            else next(found)
            for row in cells
        ]

    def _columns(
        self, cells: Sequence[list[str] | BadLine], scored: Sequence[dict[str, Any] | Fault]
    ) -> dict[str, pa.Array]:
        part_id, version = new_id(self._setup.pointer.pipeline), self._setup.pointer.version
        said: list[dict[str, Any]] = []
        for number, (row, found) in enumerate(zip(cells, scored, strict=True)):
            if isinstance(found, Fault):
                field = f"{found.field}: " if found.field else ""
                said.append({"error": f"{field}{found.detail}"})
                continue
            members = {**found, "model_version": version, "id": f"{part_id}-{number}"}
            if self._setup.reasons and found["prediction"] != VERDICTS[-1]:
                assert not isinstance(row, BadLine)
                members["reasons"] = _sentence(reasons(row, self._in_production))
            said.append(members)
        return {
            name: pa.array((members.get(name) for members in said), kind)
            for name, kind in self._added().items()
        }

    def _added(self) -> dict[str, pa.DataType]:
        is_text = self._in_production.model.schema.is_text
        read = {"scored_url": pa.string()} if is_text else {}
        return {**read, **_ADDED, **({"reasons": pa.string()} if self._setup.reasons else {})}


def totals_of(metadata: pq.FileMetaData) -> BatchTotals:
    """Return the totals of a part.

    Raises
    ------
    DataRejectedError
        If it is no part.
    """
    body = (metadata.metadata or {}).get(_TOTALS)
    if body is None:
        raise DataRejectedError("a part has no totals: it was not written by this command")
    return parse(BatchTotals, body)


def _renamed(name: str, taken: set[str]) -> str:
    """Return the name of a column that was sent, changed where a column of that name is added."""
    while name in taken:
        name = f"input_{name}"
    taken.add(name)
    return name


def _sentence(explained: dict[str, Any]) -> str:
    moved = [
        f"{entry['subject']}: {entry['meaning']} ({entry['contribution']:+.2f})"
        for entry in explained["contributions"][:_SHOWN_REASONS]
    ]
    return "; ".join([*explained["known"], *moved])


def _count(scored: Sequence[dict[str, Any] | Fault]) -> BatchTotals:
    sound = [row for row in scored if not isinstance(row, Fault)]
    probability = [row["probability"] for row in sound]
    histogram, _ = np.histogram(probability, bins=N_BINS, range=(0.0, 1.0))
    by_verdict = Counter(dict.fromkeys(VERDICTS, 0))
    by_verdict.update(row["prediction"] for row in sound)
    return BatchTotals(
        rows=len(scored),
        bad_rows=len(scored) - len(sound),
        by_verdict=dict(by_verdict),
        by_decided_by=dict(Counter(row["decided_by"] for row in sound)),
        histogram=tuple(histogram.tolist()),
    )
