"""What the traffic log keeps of a table: its first rows, and then one of every so many."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from include.contract.verdicts import DecidedBy
from include.inference.model import OnnxModel
from include.inference.record_schema import RecordSchema
from include.inference.traffic_record import Inputs, TrafficRecord, plain
from include.registry.follow import ProductionModel
from include.services.scorer.serving.state import Scorer
from include.services.scorer.tables.scored_rows import ScoredChunk, ScoredRow

FIRST_ROWS = 5_000
EVERY = 200
_CELL_BYTES = 64
_MAX_BYTES = 8 * 1024 * 1024


@dataclass
class _Sample:
    """Rows that are kept, as long as they are not too large together."""

    numbers: list[int] = field(default_factory=list)
    cells: list[tuple[str, ...]] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)
    decisions: list[DecidedBy] = field(default_factory=list)
    size_bytes: int = 0

    def add(self, number: int, row: ScoredRow, cells: tuple[str, ...]) -> None:
        size_bytes = self.size_bytes + sum(map(len, cells)) + _CELL_BYTES * len(cells)
        if size_bytes > _MAX_BYTES:
            return
        self.size_bytes = size_bytes
        self.numbers.append(number)
        self.cells.append(cells)
        self.probabilities.append(row.probability)
        self.decisions.append(row.decided_by)


def noted(
    chunks: Iterator[ScoredChunk],
    header: Sequence[str],
    in_production: ProductionModel[OnnxModel],
    response_id: str,
    scorer: Scorer,
) -> Iterator[ScoredChunk]:
    """Yield `chunks`, all of them counted and some rows noted for the traffic log.

    Nothing is noted before the last chunk was taken: a table with a fault is not answered.
    """
    pipeline, schema = in_production.pointer.pipeline, in_production.model.schema
    positions = schema.columns_of(header).positions
    sample, n_rows = _Sample(), 0
    for chunk in chunks:  # the first one is proof that every column is there
        places = [positions[name] for name in schema.names]
        probabilities = chunk.probabilities
        scorer.metrics.count_probabilities(pipeline, probabilities)
        for number in _wanted(n_rows, n_rows + len(chunk.rows)):
            row = chunk.rows[number - n_rows]
            sample.add(number, row, tuple(row.cells[place] for place in places))
        n_rows += len(chunk.rows)
        yield chunk
    scorer.metrics.count_traffic("skipped", n_rows - len(sample.numbers))
    scorer.note(
        TrafficRecord(
            response_id,
            in_production.pointer,
            in_production.manifest,
            _Items(schema, sample.cells),
            sample.probabilities,
            sample.numbers,
            is_sample=True,
            decisions=sample.decisions,
            size_chars=sample.size_bytes,
        )
    )


def _wanted(start: int, stop: int) -> Iterator[int]:
    yield from range(start, min(stop, FIRST_ROWS))
    begin = max(start, FIRST_ROWS)
    yield from range(begin + -begin % EVERY, stop, EVERY)


class _Items(Sequence[Inputs]):
    """Rows of cells as records; each is made when it is asked for, in the background."""

    def __init__(self, schema: RecordSchema, rows: Sequence[tuple[str, ...]]) -> None:
        self._schema = schema
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, number: int) -> Inputs:  # type: ignore[override]  # no slices
        values = self._schema.parse_cells(number, self._rows[number], [])
        return dict(zip(self._schema.names, map(plain, values), strict=True))
