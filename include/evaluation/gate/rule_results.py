"""The verdict of a gate rule, and its constructors."""

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
        The figure and the limit, for people.
    evaluated : bool
        False when there was no limit or too little data; the sentence says which.
    figure, limit : float or None
        The values compared; None if there is no single number.
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
    """Return the verdict of a comparison that the caller made."""
    return _compared(rule, passed, sentence, figure, limit)


def without_limit(rule: str, what: str) -> Verdict:
    """Return the verdict of a rule without a limit in the policy."""
    return Verdict(rule, True, f"{what}: no limit set, not evaluated", evaluated=False)


def not_evaluated(rule: str, sentence: str) -> Verdict:
    """Return the verdict of a rule with too little data."""
    return Verdict(rule, True, sentence, evaluated=False)


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if abs(figure) >= 10_000 else f"{figure:.4g}"


def _compared(rule: str, passed: bool, sentence: str, figure: float, limit: float) -> Verdict:
    known = float(figure) if math.isfinite(figure) else None  # JSON has no NaN
    return Verdict(rule, passed, sentence, figure=known, limit=float(limit))
