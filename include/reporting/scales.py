"""Where values stand on a line of the page, in percent of its width."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A line from one value to another.

    Attributes
    ----------
    low, high : float
        At 0 % and at 100 %.
    """

    low: float
    high: float

    @classmethod
    def around(cls, values: Iterable[float], *, low: float | None = None) -> "Scale":
        """Return a scale that holds all values, with a little air; from `low` if given."""
        held = list(values) or [0.0, 1.0]
        bottom = min(held) if low is None else low
        air = 0.04 * (max(held) - bottom) or 0.01
        return cls(bottom - air if low is None else low, max(held) + air)

    def at(self, value: float) -> float:
        """Return the place of a value, from 0 to 100."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)
