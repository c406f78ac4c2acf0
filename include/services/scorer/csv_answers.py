"""Scored tables become CSV, JSON or HTML; nothing is sent before every row was accepted."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from include.contract.manifest import Manifest
from include.registry.follow import InForce
from include.services.scorer.answers import describe_model, new_id, verdict
from include.services.scorer.csv_rows import ScoredLine
from include.services.scorer.model import OnnxModel

SHOWN_ROWS = 500
ADDED_COLUMNS = ("prediction", "confidence", "probability", "model_version", "id")
_SPOOL_BYTES = 1024 * 1024
_SENT_BYTES = 256 * 1024
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass
class Totals:
    """What was counted while a table was scored.

    Attributes
    ----------
    rows : int
    by_label : Counter of str
    shown : list of dict
        The first `SHOWN_ROWS` rows.
    """

    rows: int = 0
    by_label: Counter[str] = field(default_factory=Counter)
    shown: list[dict[str, Any]] = field(default_factory=list)


class TableAnswer:
    """The rows of one uploaded table, answered by one model.

    Parameters
    ----------
    header : list of str
    rows : iterator of ScoredLine
    in_force : InForce
        The version that scores all of them.
    """

    def __init__(
        self, header: Sequence[str], rows: Iterator[ScoredLine], in_force: InForce[OnnxModel]
    ) -> None:
        self.in_force = in_force
        self.id = new_id()
        self.totals = Totals()
        self.header = list(header)
        self._rows = rows
        self._verdict = _remembering_verdict(in_force.manifest)

    def to_csv(self) -> IO[bytes]:
        """Return a file with the columns that were sent, and `ADDED_COLUMNS`."""
        file = _spool()
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow([neutral(name) for name in self.header] + list(ADDED_COLUMNS))
        version = self.in_force.pointer.version
        inputs = set(self.in_force.model.schema.names)
        # Cells of numeric inputs were checked to be numbers; any other may hold a formula.
        numeric = not self.in_force.model.schema.is_text
        free = [i for i, name in enumerate(self.header) if not numeric or name not in inputs]
        for line, said in self._scored():
            cells = list(line.cells)
            for position in free:
                cells[position] = neutral(cells[position])
            cells += [said["prediction"], said["confidence"], said["probability"], version]
            cells.append(f"{self.id}-{self.totals.rows - 1}")
            writer.writerow(cells)
        text.flush()
        text.detach()
        return file

    def to_json(self) -> IO[bytes]:
        """Return a file with one prediction per row, in order."""
        file = _spool()
        file.write(b'{"predictions":[')
        for _, said in self._scored():
            number = self.totals.rows - 1
            separator = "," if number else ""
            entry = json.dumps({**said, "id": f"{self.id}-{number}"}, separators=(",", ":"))
            file.write(f"{separator}{entry}".encode())
        end = {
            "model": describe_model(self.in_force),
            "rows": self.totals.rows,
            "by_label": dict(self.totals.by_label),
            "ignored_columns": self._ignored_columns(),
        }
        file.write(b"]," + json.dumps(end).encode()[1:])
        return file

    def count(self) -> None:
        """Score every row; `totals` then holds the counts and the first rows."""
        for line, said in self._scored():
            if len(self.totals.shown) < SHOWN_ROWS:
                self.totals.shown.append({**said, "cells": line.cells})

    def _scored(self) -> Iterator[tuple[ScoredLine, dict[str, Any]]]:
        for line in self._rows:
            said = self._verdict(line.probability)
            self.totals.rows += 1
            self.totals.by_label[said["prediction"]] += 1
            yield line, said

    def _ignored_columns(self) -> list[str]:
        used = set(self.in_force.model.schema.names)
        return [name for name in self.header if name not in used]


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


def _remembering_verdict(manifest: Manifest) -> Callable[[float], dict[str, Any]]:
    """Return `verdict`, worked out once per distinct probability of recent rows."""
    known: dict[float, dict[str, Any]] = {}

    def remembered(probability: float) -> dict[str, Any]:
        if probability not in known:
            if len(known) > _SPOOL_BYTES:
                known.clear()
            known[probability] = verdict(probability, manifest)
        return known[probability]

    return remembered


def _spool() -> IO[bytes]:
    # It outlives this call: `send` closes it.
    return SpooledTemporaryFile(max_size=_SPOOL_BYTES)
