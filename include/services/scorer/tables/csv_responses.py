"""Scored tables become CSV, JSON or HTML; nothing is sent before every row was accepted.

What an answer says of a row is put together once for all equal lines of the file; only the number
at the end of its id differs.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO, Any, NamedTuple, cast
from wsgiref.types import WSGIEnvironment

import numpy as np
import numpy.typing as npt
from werkzeug.wsgi import wrap_file

from include.contract.csv_formulas import neutral
from include.contract.verdicts import FIXED, VERDICTS, DecidedBy
from include.inference.model import OnnxModel
from include.inference.traffic_record import plain
from include.inference.verdict import describe_model, verdict
from include.registry.follow import ProductionModel
from include.services.scorer.tables.response_file import SPOOL_BYTES, ResponseFile
from include.services.scorer.tables.scored_rows import RefusedRows, ScoredChunk, ScoredRow
from include.urls.reading import read_url
from include.urls.segments import Segment, segments_of

SHOWN_ROWS = 500
_SHOWN_CELLS = 20_000
ADDED_COLUMNS = ("prediction", "confidence", "probability", "decided_by", "model_version", "id")
_SENT_BYTES = 256 * 1024


class ShownRow(NamedTuple):
    """A row of a page.

    Attributes
    ----------
    number : int
        From 1, of the rows that were scored.
    row : ScoredRow
    said : dict
        Its verdict.
    id : str
    """

    number: int
    row: ScoredRow
    said: dict[str, Any]
    id: str


@dataclass
class Totals:
    """What was counted while a table was scored.

    Attributes
    ----------
    rows : int
    by_label : Counter of str
        By verdict, those of no row too.
    shown : list of ShownRow
        The first `SHOWN_ROWS` rows of each verdict, for a page: the likeliest first.
    """

    rows: int = 0
    by_label: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(VERDICTS, 0)))
    shown: list[ShownRow] = field(default_factory=list)


class TableResponse:
    """The rows of one uploaded table, answered by one model.

    Parameters
    ----------
    header : list of str
    chunks : iterator of ScoredChunk
    in_production : ProductionModel
        The version that scores all of them.
    response_id : str
        Row n is named ``<response_id>-<n>``.
    open_file : callable
        Returns an empty file for the answer.
    refused : RefusedRows, optional
        Which rows `chunks` leave out.
    """

    def __init__(
        self,
        header: Sequence[str],
        chunks: Iterator[ScoredChunk],
        in_production: ProductionModel[OnnxModel],
        response_id: str,
        open_file: Callable[[], ResponseFile],
        refused: RefusedRows | None = None,
    ) -> None:
        self.in_production = in_production
        self.header = list(header)
        self.refused = refused
        self.totals = Totals()
        self._chunks = chunks
        self._id = response_id
        self._open_file = open_file

    def to_csv(self) -> ResponseFile:
        """Return a file with the columns that were sent, `scored_url` of URLs, `ADDED_COLUMNS`."""
        return self._written(self._csv_blocks())

    def to_json(self) -> ResponseFile:
        """Return a file with one prediction per row, in order."""
        return self._written(self._json_blocks())

    def _written(self, blocks: Iterator[str]) -> ResponseFile:
        file = self._open_file()
        try:
            for block in blocks:
                file.write(block.encode())
        except BaseException:
            file.close()
            raise
        return file

    def _csv_blocks(self) -> Iterator[str]:
        read = ["scored_url"] * self.in_production.model.schema.is_text
        columns = [*(neutral(name) for name in self.header), *read, *ADDED_COLUMNS]
        yield f"{_csv_line(columns)}\r\n"
        for ids in self._said(self._csv_row):
            yield "".join([f"{said}{number}\r\n" for said, number in ids])

    def _json_blocks(self) -> Iterator[str]:
        separator = '{"predictions":['
        for ids in self._said(self._json_row):
            entries = ",".join([f'{said}{number}"}}' for said, number in ids])
            yield f"{separator}{entries}"
            separator = ","
        end = {
            "model": describe_model(self.in_production),
            "rows": self.totals.rows,
            "by_label": dict(self.totals.by_label),
            "ignored_columns": [
                name for place, name in enumerate(self.header) if name and place not in self.inputs
            ],
        }
        if self.refused is not None:
            end["refused"] = self.refused.describe()
        opening = "" if self.totals.rows else separator
        yield f"{opening}],{json.dumps(end)[1:]}"

    def count(self) -> None:
        """Score every row; `totals` then holds the counts and the rows of a page."""
        manifest, shown = self.in_production.manifest, self.totals.shown
        room = dict.fromkeys(VERDICTS, min(SHOWN_ROWS, _SHOWN_CELLS // len(self.header)))
        for first, rows, labels in self._counted():
            for code, label in enumerate(VERDICTS):
                wanted = (
                    np.flatnonzero(labels == code)[: room[label]].tolist() if room[label] else []
                )
                room[label] -= len(wanted)
                for place in wanted:
                    row, number = rows[place], first + place
                    said = verdict(row.probability, manifest, row.decided_by)
                    shown.append(ShownRow(number + 1, row, said, f"{self._id}-{number}"))
        rank = {label: code for code, label in enumerate(VERDICTS)}
        shown.sort(key=lambda each: (rank[each.said["prediction"]], -each.row.probability))

    def segments(self, shown: ShownRow) -> list[Segment]:
        """Return the URL of a row in pieces."""
        return segments_of(read_url(shown.row.scored_url).parsed)

    def sent(self, shown: ShownRow) -> str:
        """Return the text that a row's URL was read from."""
        (place,) = self.inputs
        return shown.row.cells[place]

    def item(self, shown: ShownRow) -> str:
        """Return a row as it can be pasted: its URL, or JSON."""
        if shown.row.scored_url:
            return shown.row.scored_url
        schema = self.in_production.model.schema
        positions = schema.columns_of(self.header).positions
        cells = [shown.row.cells[positions[name]] for name in schema.names]
        values = map(plain, schema.parse_cells(0, cells, []))
        record = dict(zip(schema.names, values, strict=True))
        return json.dumps({"record": record, "pipeline": self.in_production.pointer.pipeline})

    def _said(self, say: Callable[[ScoredRow], str]) -> Iterator[Iterator[tuple[str, int]]]:
        """Yield, chunk by chunk, what is said of each row up to its number, and the number."""
        for first, rows, _ in self._counted():
            for row in rows:
                if not row.said:
                    row.said = say(row)
            yield zip([row.said for row in rows], range(first, first + len(rows)), strict=True)

    def _counted(self) -> Iterator[tuple[int, list[ScoredRow], npt.NDArray[np.int64]]]:
        """Yield the number of a first row, the rows from it on, and the place of each verdict."""
        totals = self.totals
        for chunk in self._chunks:
            first, labels = totals.rows, self._labels_of(chunk)
            counts = np.bincount(labels, minlength=len(VERDICTS)).tolist()
            totals.by_label.update(dict(zip(VERDICTS, counts, strict=True)))
            totals.rows += len(chunk.rows)
            if chunk.rows:
                yield first, chunk.rows, labels

    def _labels_of(self, chunk: ScoredChunk) -> npt.NDArray[np.int64]:
        thresholds = self.in_production.manifest.thresholds
        probabilities = np.array(chunk.probabilities)
        at_least = (probabilities >= thresholds.review).astype(np.int64)
        labels = len(VERDICTS) - 1 - at_least - (probabilities >= thresholds.block)
        for place, row in enumerate(chunk.rows):
            if row.decided_by is not DecidedBy.MODEL:
                labels[place] = VERDICTS.index(FIXED[row.decided_by])
        return labels

    def _csv_row(self, row: ScoredRow) -> str:
        cells = row.cells.copy()
        for position in self._columns_of_text:
            cells[position] = neutral(cells[position])
        said = verdict(row.probability, self.in_production.manifest, row.decided_by)
        version = self.in_production.pointer.version
        read = [neutral(row.scored_url)] if row.scored_url else []
        return _csv_line([*cells, *read, *said.values(), version, f"{self._id}-"])

    def _json_row(self, row: ScoredRow) -> str:
        said = verdict(row.probability, self.in_production.manifest, row.decided_by)
        read = {"scored_url": row.scored_url} if row.scored_url else {}
        return json.dumps({**read, **said, "id": f"{self._id}-"})[:-2]

    @cached_property
    def _columns_of_text(self) -> list[int]:
        """Where a cell may hold a formula: numeric inputs were checked to be numbers."""
        numbers = () if self.in_production.model.schema.is_text else self.inputs
        return [place for place in range(len(self.header)) if place not in numbers]

    @cached_property
    def inputs(self) -> frozenset[int]:
        """Where the columns are that the model takes."""
        found = self.in_production.model.schema.columns_of(self.header)
        return frozenset(found.positions.values())


def _csv_line(cells: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def send(file: ResponseFile, environ: WSGIEnvironment) -> Iterable[bytes]:
    """Return the content of a finished file as the server sends it best, and close it then."""
    file.rewind()
    if file.size_bytes > SPOOL_BYTES:
        return wrap_file(environ, cast(IO[bytes], file), _SENT_BYTES)
    content = file.read()
    file.close()
    return [content]
