"""Answers that their clients have not taken yet: the worker's loop sends on as there is room."""

import os
import selectors
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

_TIMEOUT_S = 10.0
_MANY_BYTES = 64 * 1024 * 1024
_TIMEOUT_WITH_MANY_S = 1.0


@dataclass
class _Rest:
    """Of an answer: what follows it, its length at first, and when some of it was taken last."""

    then: Callable[[], None]
    n_bytes: int
    taken_at_s: float


class Untaken:
    """Connections with the rest of an answer each; only the worker's loop calls anything here.

    Parameters
    ----------
    give_up : callable
        Takes a connection whose client has gone, or took nothing for 10 s; 1 s where more than
        64 MiB wait, as they lie on a disk that may be memory.
    """

    def __init__(self, give_up: Callable[[Any], None]) -> None:
        self._give_up = give_up
        self._rests: dict[Any, _Rest] = {}  # who took nothing for longest comes first
        self._n_bytes = 0

    def send(self, poller: selectors.BaseSelector, conn: Any, then: Callable[[], None]) -> None:
        """Send the rest of the answer to `conn` as its client takes it; `then` follows."""
        conn.sock.setblocking(False)
        n_bytes = conn.sock.untaken.seek(0, os.SEEK_END)
        self._rests[conn] = _Rest(then, n_bytes, time.monotonic())
        self._n_bytes += n_bytes
        poller.register(conn.sock, selectors.EVENT_WRITE, partial(self._send_on, poller, conn))

    def drop_late(self, poller: selectors.BaseSelector) -> None:
        """Give up those who took nothing for too long."""
        now_s = time.monotonic()
        while self._rests:
            conn, rest = next(iter(self._rests.items()))
            is_much = self._n_bytes > _MANY_BYTES
            if rest.taken_at_s + (_TIMEOUT_WITH_MANY_S if is_much else _TIMEOUT_S) > now_s:
                return
            self._stop(poller, conn)
            self._give_up(conn)

    def _send_on(self, poller: selectors.BaseSelector, conn: Any, _: object) -> None:
        try:
            is_sent = conn.sock.send_on()
        except OSError:
            self._stop(poller, conn)
            self._give_up(conn)
            return
        if is_sent:
            self._stop(poller, conn).then()
        else:
            rest = self._rests[conn] = self._rests.pop(conn)
            rest.taken_at_s = time.monotonic()

    def _stop(self, poller: selectors.BaseSelector, conn: Any) -> _Rest:
        poller.unregister(conn.sock)
        rest = self._rests.pop(conn)
        self._n_bytes -= rest.n_bytes
        return rest
