"""Which of two versions is right where they disagree, as people label a fair draw, at any time.

Where both raise an alert or neither does, their losses are equal. So the mean difference of their
losses (1 for a missed phishing item or a false alarm, else 0) has the sign of "one half less the
share of disagreements on which the new version is right", and only disagreements need labels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from include.evaluation.sequential import log_evidence, ratio_at_least

ERROR_RATE = 0.05
Word = Literal["better", "worse", "undecided"]


@dataclass(frozen=True)
class LabelVerdict:
    """What labels say of a new version beside an old one, however often one looks.

    Attributes
    ----------
    new_right, old_right : int
        Labelled disagreements on which only that version is right.
    low, high : float
        Of the share of disagreements on which the new version is right: a confidence sequence.
    word : {"better", "worse", "undecided"}
        Of the new version; better or worse once one half is outside.
    error_rate : float
        Largest probability that the interval misses the share at any look, and so that a version
        which is no better is ever called better, or one which is no worse, worse.
    """

    new_right: int
    old_right: int
    low: float
    high: float
    word: Word
    error_rate: float

    @property
    def n_labels(self) -> int:
        """How many labels it stands on."""
        return self.new_right + self.old_right

    def __str__(self) -> str:
        return (
            f"{self.word}: right on {self.new_right} of {self.n_labels} labelled disagreements "
            f"({self.low:.0%} to {self.high:.0%}, wrong with {self.error_rate:.0%} probability at "
            "most, over all looks)"
        )


def label_verdict(is_new_right: Sequence[bool], error_rate: float = ERROR_RATE) -> LabelVerdict:
    """Return what the labels of fairly drawn disagreements say.

    Parameters
    ----------
    is_new_right : sequence of bool
        In the order in which they were drawn, without gaps: who labels must not choose which count.
    error_rate : float
        Half of it each way.

    Notes
    -----
    Two test martingales, one each way, inverted to a confidence sequence: the one-sided
    beta-binomial mixture of Robbins (1970) and Howard et al. (Annals of Statistics 2021), as
    `include.evaluation.sequential` has it. Sign test of McNemar (1947) at a fixed number of labels.
    """
    right = sum(is_new_right)
    wrong, each = len(is_new_right) - right, error_rate / 2
    low = _share(ratio_at_least(0, right, wrong, each))
    high = 1 - _share(ratio_at_least(0, wrong, right, each))
    shown = -math.log(each)
    word: Word = "undecided"
    if log_evidence(0, right, wrong) >= shown:
        word = "better"
    elif log_evidence(0, wrong, right) >= shown:
        word = "worse"
    return LabelVerdict(right, wrong, low, high, word, error_rate)


def _share(odds: float) -> float:
    return odds / (1 + odds)
