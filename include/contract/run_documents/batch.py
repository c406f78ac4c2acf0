"""Documents of batch scoring: what a job scores with which version, and what came of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from include.contract.verdicts import VERDICTS

N_BINS = 20


@dataclass(frozen=True)
class BatchInput:
    """A file that is scored, as it was when the job began.

    Attributes
    ----------
    name : str
        Key of the object, or path of the file.
    size_bytes : int
    etag : str
        Of the object; of a file, when it was changed.
    """

    name: str
    size_bytes: int
    etag: str


@dataclass(frozen=True)
class BatchJob:
    """What a job scores, and how; a resumed one is the same to the last byte.

    Attributes
    ----------
    pipeline, version : str
    pointer : str
        The approval of the version, as the approver signed it.
    source : str
        Where the inputs were found: a prefix of the bucket, or a filter of MongoDB; empty of files.
    inputs : tuple of BatchInput
    part_rows : int
        How many lines or rows of an input make a part, at most.
    column : str or None
        The column that holds the only input; None for the known names.
    reasons : bool
        Whether rows that are not legitimate get reasons.
    """

    NAME: ClassVar[str] = "job.json"
    pipeline: str
    version: str
    pointer: str
    source: str
    inputs: tuple[BatchInput, ...]
    part_rows: int
    column: str | None = None
    reasons: bool = False


@dataclass(frozen=True)
class BatchTotals:
    """What came of rows.

    Attributes
    ----------
    rows : int
    bad_rows : int
        Rows without a verdict; their column ``error`` says why.
    by_verdict, by_decided_by : mapping of str to int
    histogram : tuple of int
        Rows by probability, in `N_BINS` bins of equal width.
    """

    NAME: ClassVar[str] = "summary.json"
    rows: int = 0
    bad_rows: int = 0
    by_verdict: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(VERDICTS, 0))
    by_decided_by: Mapping[str, int] = field(default_factory=dict)
    histogram: tuple[int, ...] = (0,) * N_BINS

    def __add__(self, other: "BatchTotals") -> "BatchTotals":
        """Return the totals of both."""
        return BatchTotals(
            self.rows + other.rows,
            self.bad_rows + other.bad_rows,
            _sum(self.by_verdict, other.by_verdict),
            _sum(self.by_decided_by, other.by_decided_by),
            tuple(a + b for a, b in zip(self.histogram, other.histogram, strict=True)),
        )


def _sum(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    total = Counter(a)
    total.update(b)
    return dict(total)
