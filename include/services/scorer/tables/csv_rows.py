"""CSV files are read and scored here, chunk by chunk, in bounded memory.

Equal lines are parsed, checked and scored once: a million records of few values have few different
lines. Only where a cell goes over several lines is the rest of the file read row by row.
"""

import csv
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import Any, NamedTuple

from include.contract.headers import fit_row, is_blank
from include.contract.verdicts import DecidedBy
from include.errors import RequestRejectedError
from include.inference.model import OnnxModel
from include.inference.record_schema import MAX_FAULTS, Fault, Matrix, RecordSchema, shorten
from include.services.scorer.tables.csv_header import Numbered, Table, not_text, rows_of
from include.services.scorer.tables.scored_rows import RefusedRows, ScoredChunk, ScoredRow

Decide = Callable[[Matrix, Sequence[float]], Sequence[DecidedBy]]
_CHUNK_CHARS = 128 * 1024
_CHUNK_ROWS = 4096
_SCORED_AT_ONCE = 1024
# As Python holds them: the characters of a row, and so much for each of its cells.
_CELL_BYTES = 64
_ROW_BYTES = 400
_CHUNK_BYTES = 8 * 1024 * 1024
_REMEMBERED_BYTES = 24 * 1024 * 1024


def _by_the_model(matrix: Matrix, probabilities: Sequence[float]) -> Sequence[DecidedBy]:
    return [DecidedBy.MODEL] * len(matrix)


def score_table(
    table: Table,
    model: OnnxModel,
    max_rows: int,
    decide: Decide = _by_the_model,
    refused: RefusedRows | None = None,
) -> Iterator[ScoredChunk]:
    """Yield every row with its probability; rows of empty cells are skipped.

    Parameters
    ----------
    table : Table
    model : OnnxModel
    max_rows : int
    decide : callable
        Returns what decides on each row of a matrix; by default the model.
    refused : RefusedRows, optional
        Takes the rows that break a rule, which are then left out; None refuses the whole table.

    Raises
    ------
    RequestRejectedError
        If a column is missing or there are too many rows; or, unless `refused` takes them, with the
        faults, whose `row` is a line of the file, of the first chunk of rows that breaks a rule.
    RequestUnreadableError
        If the file turns out to be no CSV.
    """
    scoring = _Scoring(table, model, decide, is_strict=refused is None)
    n_rows = 0
    for rows in scoring.chunks():
        n_rows += len(rows)
        if n_rows > max_rows:
            raise RequestRejectedError(f"more than {max_rows} rows in one file")
        yield ScoredChunk(rows if refused is None else refused.take(rows))


class _Known(NamedTuple):
    """What is known of the inputs of rows."""

    probability: float = math.nan
    scored_url: str = ""
    decided_by: DecidedBy = DecidedBy.MODEL
    fault: Fault | None = None


class _Scoring:
    """One table on its way through one model."""

    def __init__(self, table: Table, model: OnnxModel, decide: Decide, *, is_strict: bool) -> None:
        self._table = table
        self._model = model
        self._decide = decide
        self._is_strict = is_strict
        self._pick = _picker(table.header, model.schema)
        self._lines: dict[str, ScoredRow | None] = {}  # None for an empty line
        self._lines_bytes = 0
        self._known: dict[tuple[str, ...], _Known] = {}
        self._known_bytes = 0

    def chunks(self) -> Iterator[list[ScoredRow]]:
        """Yield the rows of some lines at a time."""
        n_lines = self._table.header_lines
        while lines := self._next_lines():
            if not self._learn(lines, n_lines):
                yield from self._row_by_row(lines, n_lines)
                return
            rows = [self._lines[line] for line in lines]
            yield [row for row in rows if row is not None]
            n_lines += len(lines)

    def _next_lines(self) -> list[str]:
        try:
            return self._table.text.readlines(_CHUNK_CHARS)
        except UnicodeError as err:
            raise not_text() from err

    def _learn(self, lines: Sequence[str], before: int) -> bool:
        """Return whether every line is a row by itself, or empty; they are then all known."""
        if self._lines_bytes > _REMEMBERED_BYTES:
            self._lines.clear()
            self._lines_bytes = 0
        numbers: dict[str, int] = {}
        for number, line in enumerate(lines, before + 1):
            if line not in self._lines:
                numbers.setdefault(line, number)
        try:
            parsed = list(csv.reader(numbers, delimiter=self._table.delimiter, strict=True))
        except csv.Error:
            return False
        if len(parsed) != len(numbers):
            return False
        numbered = zip(parsed, numbers.values(), strict=True)
        scored = iter(self._score([entry for entry in numbered if not is_blank(entry[0])]))
        for line, cells in zip(numbers, parsed, strict=True):
            self._lines[line] = None if is_blank(cells) else next(scored)
            # The line, its cells, and what the answer will say of them.
            self._lines_bytes += 3 * len(line) + _CELL_BYTES * len(cells) + _ROW_BYTES
        return True

    def _row_by_row(self, lines: list[str], before: int) -> Iterator[list[ScoredRow]]:
        numbered: list[Numbered] = []
        size_bytes = 0
        for cells, line in rows_of(chain(lines, self._table.text), self._table.delimiter, before):
            numbered.append((cells, line))
            size_bytes += _size_of(cells)
            if len(numbered) == _CHUNK_ROWS or size_bytes > _CHUNK_BYTES:
                yield self._score(numbered)
                numbered, size_bytes = [], 0
        yield self._score(numbered)

    def _score(self, numbered: Sequence[Numbered]) -> list[ScoredRow]:
        fitted, faults = _fitted(numbered, self._table.header)
        if faults and self._is_strict:
            raise RequestRejectedError(
                "rows are longer or shorter than the header", tuple(faults[:MAX_FAULTS])
            )
        misfits = {fault.row: fault for fault in faults}
        picked = [self._pick(cells) for cells, _ in fitted]
        if self._known_bytes > _REMEMBERED_BYTES:
            self._known.clear()
            self._known_bytes = 0
        unknown: dict[tuple[str, ...], int] = {}
        for cells, (_, line) in zip(picked, fitted, strict=True):
            if cells not in self._known:
                unknown.setdefault(cells, line)
        rows = iter(unknown.items())
        while batch := dict(islice(rows, _SCORED_AT_ONCE)):
            self._learn_scores(batch)
        scored = [
            ScoredRow(cells, *self._known[inputs])
            for (cells, _), inputs in zip(fitted, picked, strict=True)
        ]
        if not misfits:
            return scored
        in_order = iter(scored)
        return [
            ScoredRow(cells, *_Known(fault=misfits[line])) if line in misfits else next(in_order)
            for cells, line in numbered
        ]

    def _learn_scores(self, unknown: dict[tuple[str, ...], int]) -> None:
        schema = self._model.schema
        parsed, faults = _parsed(unknown, schema, self._is_strict)
        for cells, fault in faults.items():
            self._learn_inputs(cells, _Known(fault=fault))
        if not parsed:
            return
        matrix = schema.matrix(list(parsed.values()))
        probabilities = self._model.score(matrix).tolist()
        urls = matrix[:, 0].tolist() if schema.is_text else [""] * len(parsed)
        scored = zip(parsed, probabilities, urls, self._decide(matrix, probabilities), strict=True)
        for cells, probability, url, decided_by in scored:
            self._learn_inputs(cells, _Known(probability, url, decided_by))

    def _learn_inputs(self, cells: tuple[str, ...], known: _Known) -> None:
        self._known[cells] = known
        self._known_bytes += _size_of(cells) + len(known.scored_url) + _ROW_BYTES


def _size_of(cells: Sequence[str]) -> int:
    """Return how many bytes the cells of a row take in memory, about."""
    return sum(map(len, cells)) + _CELL_BYTES * len(cells)


def _parsed(
    unknown: dict[tuple[str, ...], int], schema: RecordSchema, is_strict: bool
) -> tuple[dict[tuple[str, ...], list[Any]], dict[tuple[str, ...], Fault]]:
    """Return the values of the rows that keep all rules, and the first fault of the others.

    Raises
    ------
    RequestRejectedError
        If there are others and none may be.
    """
    rows: dict[tuple[str, ...], list[Any]] = {}
    refused: dict[tuple[str, ...], Fault] = {}
    all_faults: list[Fault] = []
    for cells, line in unknown.items():
        faults: list[Fault] = []
        rows[cells] = schema.parse_cells(line, cells, faults)
        if faults:
            refused[cells] = faults[0]
            del rows[cells]
        all_faults += faults
        if is_strict and len(all_faults) >= MAX_FAULTS:
            break
    if is_strict and all_faults:
        raise RequestRejectedError("the file breaks rules of the model", tuple(all_faults))
    return rows, refused


def _fitted(
    numbered: Sequence[Numbered], header: Sequence[str]
) -> tuple[Sequence[Numbered], list[Fault]]:
    """Return rows as long as the header, only empty cells are added or cut; and the other rows."""
    fitted: list[Numbered] = []
    faults: list[Fault] = []
    for cells, line in numbered:
        row = cells if len(cells) == len(header) else fit_row(cells, header)
        if row is None:
            detail = f"{len(cells)} cells, the header has {len(header)}"
            faults.append(Fault(line, "", "length", detail))
        else:
            fitted.append((row, line))
    return fitted, faults


def _picker(header: Sequence[str], schema: RecordSchema) -> Callable[[list[str]], tuple[str, ...]]:
    found = schema.columns_of(header)
    if found.repeated:
        raise RequestRejectedError(f"the header names {shorten(found.repeated[0])!r} twice")
    missing = [name for name in schema.names if name not in found.positions]
    if missing:
        faults = [Fault(1, name, "missing", "the column is missing") for name in missing]
        raise RequestRejectedError("the file lacks columns", tuple(faults[:MAX_FAULTS]))
    positions = [found.positions[name] for name in schema.names]
    if len(positions) == 1:
        return lambda cells: (cells[positions[0]],)
    return itemgetter(*positions)
