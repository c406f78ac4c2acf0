"""Request bodies that are read as they come, and how many are under way at once."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from werkzeug.exceptions import RequestEntityTooLarge, RequestTimeout, ServiceUnavailable

from include.services.scorer.serving.slow_bodies import BYTES_PER_S, GRACE_S, SlowBodies

LARGE_BYTES = 64 * 1024


class TimedBody:
    """A ``wsgi.input`` that a client must not send too slowly.

    Parameters
    ----------
    source : file
    length : int or None
        None for a body in chunks.
    max_bytes : int
        Of a body in chunks, which tells its length only at its end.
    address : str
        Of the client.
    slow : SlowBodies
        Ends a read that waits too long.
    at_end : callable, optional
        Called once, before the last bytes are returned.
    """

    def __init__(
        self,
        source: Any,
        length: int | None,
        max_bytes: int,
        address: str,
        slow: SlowBodies,
        at_end: Callable[[], None] | None = None,
    ) -> None:
        self._source = source
        self._length = length
        self._max_bytes = max_bytes
        self._address = address
        self._slow = slow
        self._at_end = at_end
        self._n_read = 0
        self._is_ended = False
        self._began_s = monotonic()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes of the body.

        Raises
        ------
        RequestTimeout
            If it comes too slowly.
        RequestEntityTooLarge
            If a body in chunks is too long.
        """
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(LARGE_BYTES), b""))
        block = self._next(size)
        self._n_read += len(block)
        is_last = not block or self._n_read == self._length
        if self._length is None and self._n_read >= self._max_bytes:
            if self._next(1):  # Werkzeug would cut the body here, and say nothing
                raise RequestEntityTooLarge
            is_last = True
        if is_last and not self._is_ended:
            self._is_ended = True
            if self._at_end is not None:
                self._at_end()
        return block

    def _next(self, size: int) -> bytes:
        now_s = monotonic()
        if now_s > self._began_s + GRACE_S + self._n_read / BYTES_PER_S:
            raise RequestTimeout("The body of the request came too slowly.")
        with self._slow.reading(self._address, now_s):
            return bytes(self._source.read(size))


def too_many() -> ServiceUnavailable:
    """Return the refusal of a request that finds no room, or no thread."""
    return ServiceUnavailable("Too many requests at once; try again later.", retry_after=5)
