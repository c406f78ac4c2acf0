"""What memory a training step needs, and how many rows it may hold in what it is given."""

from dataclasses import dataclass

from include.errors import SettingMissingError, TrainingError

_MB = 1_000_000
_BASE_MB = 800
"""Libraries, and what an evaluation holds besides its rows."""
_STREAMED_MB = 900
"""The linear models of all folds, while rows are read a few at a time."""
_BYTES_PER_ROW, _BYTES_PER_NUMBER = 700, 11
"""Of a row that is fitted in memory; of the numbers of a URL, most are sparse."""
_BYTES_PER_STREAMED_ROW = 250
_SHARE_OF_SAMPLE = 5


def memory_limit(given: str) -> int:
    """Return the megabytes that a setting gives a step; 0 of an empty one.

    Raises
    ------
    SettingMissingError
        If it is no whole number.
    """
    if not (given or "0").isdecimal():
        raise SettingMissingError(
            f"NIGHTCATCH_TRAINING_MEMORY_MB must be a whole number of MB, not {given!r}"
        )
    return int(given or 0)


@dataclass(frozen=True)
class TrainingMemory:
    """The memory of a training step.

    Attributes
    ----------
    limit_mb : int
        What it is given.
    n_columns : int
        Of a row.
    """

    limit_mb: int
    n_columns: int

    @property
    def max_rows(self) -> int:
        """How many rows may be fitted in memory; beyond, fits are streamed."""
        return max(0, self.limit_mb - _BASE_MB) * _MB // self._row_bytes

    def needed_mb(self, n_rows: int) -> int:
        """Return the megabytes that a step over so many rows needs."""
        held = min(n_rows, self.max_rows) * self._row_bytes
        if n_rows > self.max_rows:
            streamed = n_rows * _BYTES_PER_STREAMED_ROW
            held = max(held, _STREAMED_MB * _MB + streamed + held // _SHARE_OF_SAMPLE)
        return _BASE_MB + -(-held // _MB)

    def statement(self, n_rows: int) -> str:
        """Return what a step over so many rows will need, in a sentence.

        Raises
        ------
        TrainingError
            If it is more than the step is given.
        """
        needed = self.needed_mb(n_rows)
        if needed > self.limit_mb:
            raise TrainingError(
                f"{n_rows:,} rows need about {self._least_mb(n_rows):,} MB in a step, which is "
                f"given {self.limit_mb:,}: raise NIGHTCATCH_TRAINING_MEMORY_MB and the slots of "
                "the pool nightcatch_memory_gb, or keep fewer records"
            )
        how = "all are fitted in memory"
        if n_rows > self.max_rows:
            how = (
                f"linear parts are fitted on all of them a few at a time, "
                f"trees and comparisons on {self.max_rows:,}"
            )
        return f"{n_rows:,} rows, about {needed:,} of {self.limit_mb:,} MB: {how}"

    @property
    def _row_bytes(self) -> int:
        return _BYTES_PER_ROW + _BYTES_PER_NUMBER * self.n_columns

    def _least_mb(self, n_rows: int) -> int:
        """Return the smallest limit, in steps of 100 MB, that is enough."""
        limit = -(-self.limit_mb // 100) * 100
        while (tried := TrainingMemory(limit, self.n_columns)).needed_mb(n_rows) > limit:
            limit += 100
        return tried.limit_mb
