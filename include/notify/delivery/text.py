"""Format lists and connection errors for messages."""

import ssl
from collections.abc import Sequence
from urllib.error import URLError

MAX_NAMED = 5


def some(named: Sequence[str], what: str, between: str = ", ") -> str:
    """Return the first items as text, and the number of the others."""
    shown = between.join(named[:MAX_NAMED])
    more = len(named) - MAX_NAMED
    return f"{shown} and {more} more {what}" if more > 0 else shown


def why(err: Exception) -> str:
    """Return why a server cannot be reached, without its address, which may be a secret."""
    cause = err.reason if isinstance(err, URLError) else err
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is invalid ({cause.verify_message.rstrip('.')})"
    return type(cause).__name__
