"""Rows of a table that were scored, and those that were refused."""

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from include.contract.verdicts import DecidedBy
from include.inference.record_schema import Fault


@dataclass(slots=True, eq=False)
class ScoredRow:
    """A data row; equal lines of the file share one.

    Attributes
    ----------
    cells : list of str
    probability : float
        Of phishing.
    scored_url : str
        The URL that was read out of the row and scored; empty for a record.
    decided_by : DecidedBy
    fault : Fault or None
        Why the row is refused, where refused rows are left out; it then has no probability.
    said : str
        What an answer makes of the row, once it did.
    """

    cells: list[str]
    probability: float
    scored_url: str = ""
    decided_by: DecidedBy = DecidedBy.MODEL
    fault: Fault | None = None
    said: str = ""


@dataclass
class RefusedRows:
    """The rows of a table that were left out because they break a rule.

    Attributes
    ----------
    lines_above : int
        How many lines of the table its sender did not write: a header that was put above a list.
    n_rows : int
    first : list of ScoredRow
        The first `MAX_NAMED`; of equal lines, each names the first one.
    """

    MAX_NAMED: ClassVar[int] = 100

    lines_above: int = 0
    n_rows: int = 0
    first: list[ScoredRow] = field(default_factory=list)

    def take(self, rows: list[ScoredRow]) -> list[ScoredRow]:
        """Return the rows without those that are refused, which are counted and named."""
        refused = [row for row in rows if row.fault is not None]
        if not refused:
            return rows
        self.n_rows += len(refused)
        self.first += refused[: self.MAX_NAMED - len(self.first)]
        return [row for row in rows if row.fault is None]

    def describe(self) -> dict[str, Any]:
        """Return how many rows were refused and, of the first ones, where they are and why."""
        faults = [row.fault for row in self.first if row.fault is not None]
        moved = [replace(fault, row=self.line_of(fault)) for fault in faults]
        return {"rows": self.n_rows, "errors": list(map(describe_in_table, moved))}

    def line_of(self, fault: Fault) -> int:
        """Return where a fault is in what was sent."""
        return fault.row - self.lines_above


@dataclass(frozen=True)
class ScoredChunk:
    """Data rows that follow each other."""

    rows: list[ScoredRow]

    @property
    def probabilities(self) -> list[float]:
        """Of each row."""
        return [row.probability for row in self.rows]


def describe_in_table(fault: Fault) -> dict[str, Any]:
    """Return a fault with its place in the file."""
    where = {"line": fault.row, "column": fault.field} if fault.field else {"line": fault.row}
    return {**where, "rule": fault.rule, "detail": fault.detail}
