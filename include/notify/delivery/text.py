"""How things are said in a sentence: several of them, and why a neighbour cannot be reached."""

import ssl
from collections.abc import Sequence
from urllib.error import URLError

MAX_NAMED = 5


def some(named: Sequence[str], what: str, between: str = ", ") -> str:
    """Return the first things in words, and how many more there are of `what`."""
    shown = between.join(named[:MAX_NAMED])
    more = len(named) - MAX_NAMED
    return f"{shown} and {more} more {what}" if more > 0 else shown


def why(err: Exception) -> str:
    """Return why a neighbour cannot be reached; without its address, which may be a secret."""
    cause = err.reason if isinstance(err, URLError) else err
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({cause.verify_message.rstrip('.')})"
    return type(cause).__name__
