"""What is said of a probability of phishing: one of three verdicts, by two thresholds."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

PHISHING, SUSPICIOUS, LEGITIMATE = "Phishing", "Suspicious", "Legitimate"
VERDICTS = (PHISHING, SUSPICIOUS, LEGITIMATE)
"""From the highest probability to the lowest."""

REVIEW_BUDGET = 0.01
"""Share of legitimate rows that may be at least suspicious, unless one half is reached before."""
MOST_REVIEW = 0.5
"""Nothing more likely than this to be phishing is ever called legitimate."""

_BLOCKS_NOTHING = np.nextafter(1.0, 2.0)


class DecidedBy(StrEnum):
    """What a verdict rests on."""

    MODEL = "model"
    ALLOW_LIST = "allow list"
    BLOCK_LIST = "block list"
    LOCAL_ADDRESS = "local address"
    EMBEDDED_URL = "embedded url"


FIXED = {
    DecidedBy.ALLOW_LIST: LEGITIMATE,
    DecidedBy.BLOCK_LIST: PHISHING,
    DecidedBy.LOCAL_ADDRESS: LEGITIMATE,
    DecidedBy.EMBEDDED_URL: SUSPICIOUS,
}
"""What is said whatever the probability."""


@dataclass(frozen=True)
class Thresholds:
    """The probabilities from which on a version says `PHISHING`, and at least `SUSPICIOUS`.

    Attributes
    ----------
    block : float
    review : float
        At most `block` and at most `MOST_REVIEW`.
    """

    block: float
    review: float

    def __post_init__(self) -> None:
        """Refuse thresholds that are none; the message says why."""
        if not 0.0 <= self.review <= self.block <= _BLOCKS_NOTHING:
            raise ValueError(f"thresholds {self.review} and {self.block} do not rise within 0 to 1")
        if self.review > MOST_REVIEW:
            raise ValueError(f"the review threshold {self.review} is above {MOST_REVIEW}")

    def verdict(self, probability: float) -> str:
        """Return what is said of one probability."""
        if probability >= self.block:
            return PHISHING
        return SUSPICIOUS if probability >= self.review else LEGITIMATE

    def confidence(self, probability: float) -> float:
        """Return the probability of phishing, or of its opposite where the verdict is that."""
        return probability if probability >= self.review else 1.0 - probability

    def count(self, probability: npt.NDArray[np.floating]) -> dict[str, int]:
        """Return how many rows have each verdict, those without a row too.

        Parameters
        ----------
        probability : ndarray of shape (n_rows,)
        """
        n_blocked = int(np.count_nonzero(probability >= self.block))
        n_reviewed = int(np.count_nonzero(probability >= self.review))
        counts = (n_blocked, n_reviewed - n_blocked, len(probability) - n_reviewed)
        return dict(zip(VERDICTS, counts, strict=True))


@dataclass(frozen=True)
class Budgets:
    """Shares of legitimate rows that may have at least each verdict: what thresholds are set for.

    Attributes
    ----------
    block, review : float
    """

    block: float
    review: float = REVIEW_BUDGET


def at_least(thresholds: Thresholds) -> Mapping[str, float]:
    """Return the threshold of each verdict that is an alarm, the strongest first."""
    return {PHISHING: thresholds.block, SUSPICIOUS: thresholds.review}
