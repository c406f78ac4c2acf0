"""The outcome of a rule: whether it was passed, and the sentence that says why."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """The outcome of one rule.

    Attributes
    ----------
    rule : str
    passed : bool
        Only False rejects.
    sentence : str
        The figure and the limit, for a person.
    judged : bool
        False when there was no limit, or too little to judge by; the sentence says which.
    figure, limit : float or None
        What was compared; None where no one number says it.
    """

    rule: str
    passed: bool
    sentence: str
    evaluated: bool = True
    figure: float | None = None
    limit: float | None = None


def rejections(verdicts: Sequence[Verdict]) -> list[str]:
    """Return the sentences of the rules that were not passed."""
    return [verdict.sentence for verdict in verdicts if not verdict.passed]


def at_least(rule: str, title: str, figure: float, limit: float | None) -> Verdict:
    """Return a verdict passed only by a figure that reaches the limit; NaN never does."""
    if limit is None:
        return without_limit(rule, f"{title} {_short(figure)}")
    passed = bool(figure >= limit)
    words = "at least" if passed else "below the required"
    return _compared(
        rule, passed, f"{title} {_short(figure)}, {words} {_short(limit)}", figure, limit
    )


def at_most(rule: str, title: str, figure: float, limit: float | None) -> Verdict:
    """Return a verdict passed only by a figure within the limit; NaN never is."""
    if limit is None:
        return without_limit(rule, f"{title} {_short(figure)}")
    passed = bool(figure <= limit)
    words = "at most" if passed else "above the allowed"
    return _compared(
        rule, passed, f"{title} {_short(figure)}, {words} {_short(limit)}", figure, limit
    )


def decided(rule: str, passed: bool, sentence: str, figure: float, limit: float) -> Verdict:
    """Return a verdict with the sentence of whoever compared the figure with the limit."""
    return _compared(rule, passed, sentence, figure, limit)


def without_limit(rule: str, what: str) -> Verdict:
    """Return the verdict of a rule that the policy sets no limit for."""
    return Verdict(rule, True, f"{what}: no limit set, not judged", evaluated=False)


def not_evaluated(rule: str, sentence: str) -> Verdict:
    """Return the verdict of a rule that had nothing, or too little, to judge by."""
    return Verdict(rule, True, sentence, evaluated=False)


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if abs(figure) >= 10_000 else f"{figure:.4g}"


def _compared(rule: str, passed: bool, sentence: str, figure: float, limit: float) -> Verdict:
    known = float(figure) if math.isfinite(figure) else None  # JSON has no NaN
    return Verdict(rule, passed, sentence, figure=known, limit=float(limit))
