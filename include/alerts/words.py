"""How several things are named in a sentence."""

from collections.abc import Sequence

MAX_NAMED = 5


def some(named: Sequence[str], what: str, between: str = ", ") -> str:
    """Return the first things in words, and how many more there are of `what`."""
    shown = between.join(named[:MAX_NAMED])
    more = len(named) - MAX_NAMED
    return f"{shown} and {more} more {what}" if more > 0 else shown
