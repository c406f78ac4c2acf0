"""Scored tables become CSV, JSON or HTML; nothing is sent before every row was accepted."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from include.registry.follow import InForce
from include.services.scorer.answers import describe_model, verdict
from include.services.scorer.csv_rows import ScoredChunk
from include.services.scorer.model import OnnxModel

SHOWN_ROWS = 500
ADDED_COLUMNS = ("prediction", "confidence", "probability", "model_version", "id")
_SPOOL_BYTES = 1024 * 1024
_SENT_BYTES = 256 * 1024
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Row = tuple[list[str], dict[str, Any], str]  # cells, verdict, id


@dataclass
class Totals:
    """What was counted while a table was scored.

    Attributes
    ----------
    rows : int
    by_label : Counter of str
    shown : list of Row
        The first `SHOWN_ROWS` rows, for a page.
    """

    rows: int = 0
    by_label: Counter[str] = field(default_factory=Counter)
    shown: list[Row] = field(default_factory=list)


class TableAnswer:
    """The rows of one uploaded table, answered by one model.

    Parameters
    ----------
    header : list of str
    chunks : iterator of ScoredChunk
    in_force : InForce
        The version that scores all of them.
    answer_id : str
        Row n is named ``<answer_id>-<n>``.
    """

    def __init__(
        self,
        header: Sequence[str],
        chunks: Iterator[ScoredChunk],
        in_force: InForce[OnnxModel],
        answer_id: str,
    ) -> None:
        self.in_force = in_force
        self.header = list(header)
        self.totals = Totals()
        self._chunks = chunks
        self._id = answer_id

    def to_csv(self) -> IO[bytes]:
        """Return a file with the columns that were sent, and `ADDED_COLUMNS`."""
        file = _spool()
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow([neutral(name) for name in self.header] + list(ADDED_COLUMNS))
        version = self.in_force.pointer.version
        free = self._columns_of_text()
        for rows in self._answered():
            for cells, said, row_id in rows:
                for position in free:
                    cells[position] = neutral(cells[position])
                cells += [*said.values(), version, row_id]
            writer.writerows(cells for cells, _, _ in rows)
        text.flush()
        text.detach()
        return file

    def to_json(self) -> IO[bytes]:
        """Return a file with one prediction per row, in order."""
        file = _spool()
        separator = b'{"predictions":['
        for rows in self._answered():
            entries = [json.dumps({**said, "id": row_id}) for _, said, row_id in rows]
            file.write(separator + ",".join(entries).encode())
            separator = b","
        used = set(self.in_force.model.schema.names)
        end = {
            "model": describe_model(self.in_force),
            "rows": self.totals.rows,
            "by_label": dict(self.totals.by_label),
            "ignored_columns": [name for name in self.header if name not in used],
        }
        opening = separator if not self.totals.rows else b""
        file.write(opening + b"]," + json.dumps(end).encode()[1:])
        return file

    def count(self) -> None:
        """Score every row; `totals` then holds the counts and the first rows."""
        for rows in self._answered():
            self.totals.shown += islice(rows, SHOWN_ROWS - len(self.totals.shown))

    def _answered(self) -> Iterator[list[Row]]:
        manifest = self.in_force.manifest
        for chunk in self._chunks:
            verdicts = {value: verdict(value, manifest) for value in set(chunk.probabilities)}
            said = [verdicts[value] for value in chunk.probabilities]
            first = self.totals.rows
            ids = [f"{self._id}-{number}" for number in range(first, first + len(said))]
            self.totals.rows += len(said)
            self.totals.by_label.update(entry["prediction"] for entry in said)
            yield list(zip(chunk.rows, said, ids, strict=True))

    def _columns_of_text(self) -> list[int]:
        """Return where a cell may hold a formula: numeric inputs were checked to be numbers."""
        schema = self.in_force.model.schema
        numbers = () if schema.is_text else schema.names
        return [i for i, name in enumerate(self.header) if name not in numbers]


def send(file: IO[bytes]) -> tuple[int, Iterator[bytes]]:
    """Return the length of a finished file and its content in blocks; it is closed at the end."""
    length = file.tell()
    file.seek(0)

    def blocks() -> Iterator[bytes]:
        with file:
            while block := file.read(_SENT_BYTES):
                yield block

    return length, blocks()


def neutral(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; numbers stay as they are.

    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    if not cell.startswith(_FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return "'" + cell
    return cell


def _spool() -> IO[bytes]:
    # It outlives this call: `send` closes it.
    return SpooledTemporaryFile(max_size=_SPOOL_BYTES)
