"""What the traffic log keeps of a table: its first rows, and then one of every so many."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from include.contract.verdicts import DecidedBy
from include.inference.model import OnnxModel
from include.inference.record_schema import RecordSchema
from include.inference.traffic_record import Inputs, TrafficRecord, plain
from include.registry.follow import ProductionModel
from include.services.scorer.serving.state import Scorer
from include.services.scorer.tables.csv_rows import ScoredChunk

FIRST_ROWS = 5_000
EVERY = 200


@dataclass
class _Sample:
    numbers: list[int] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)
    decisions: list[DecidedBy] = field(default_factory=list)


def noted(
    chunks: Iterator[ScoredChunk],
    header: Sequence[str],
    in_production: ProductionModel[OnnxModel],
    answer_id: str,
    scorer: Scorer,
) -> Iterator[ScoredChunk]:
    """Yield `chunks`, all of them counted and some rows noted for the traffic log.

    Nothing is noted before the last chunk was taken: a table with a fault is not answered.
    """
    pipeline = in_production.pointer.pipeline
    sample, n_rows = _Sample(), 0
    for chunk in chunks:
        probabilities = chunk.probabilities
        scorer.metrics.count_probabilities(pipeline, probabilities)
        for number in _wanted(n_rows, n_rows + len(chunk.rows)):
            sample.numbers.append(number)
            sample.cells.append(chunk.rows[number - n_rows].cells)
            sample.probabilities.append(probabilities[number - n_rows])
            sample.decisions.append(chunk.rows[number - n_rows].decided_by)
        n_rows += len(chunk.rows)
        yield chunk
    scorer.metrics.count_traffic("skipped", n_rows - len(sample.numbers))
    scorer.note(
        TrafficRecord(
            answer_id,
            in_production.pointer,
            in_production.manifest,
            _Items(in_production.model.schema, header, sample.cells),
            sample.probabilities,
            sample.numbers,
            is_sample=True,
            decisions=sample.decisions,
        )
    )


def _wanted(start: int, stop: int) -> Iterator[int]:
    yield from range(start, min(stop, FIRST_ROWS))
    begin = max(start, FIRST_ROWS)
    yield from range(begin + -begin % EVERY, stop, EVERY)


class _Items(Sequence[Inputs]):
    """Rows of cells as records; each is made when it is asked for, in the background."""

    def __init__(
        self, schema: RecordSchema, header: Sequence[str], rows: Sequence[list[str]]
    ) -> None:
        self._schema = schema
        positions = schema.columns_of(header).positions
        self._places = [positions[name] for name in schema.names]
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, number: int) -> Inputs:  # type: ignore[override]  # no slices
        cells = self._rows[number]
        values = self._schema.parse_cells(number, [cells[place] for place in self._places], [])
        return dict(zip(self._schema.names, map(plain, values), strict=True))
