"""A client's connection, as the worker keeps it."""

import socket
import struct
import termios
from collections.abc import Callable
from fcntl import ioctl
from typing import Any

from gunicorn.workers.gthread import TConn

from include.services.scorer.framing import Received

_TAKING_S = 10
_NOTHING = bytes(4)


# gunicorn has no annotations: its connections are `Any`.
class Connection(TConn):  # type: ignore[misc]
    """A connection whose last answer is never cut, and which the worker does not wait for."""

    def __init__(
        self, say_goodbye: Callable[[Any], None], cfg: Any, sock: Any, address: Any, listener: Any
    ) -> None:
        super().__init__(cfg, sock, address, listener.getsockname())
        # A client that takes nothing of an answer for so long holds a thread no longer.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _TAKING_S, 0))
        self.rest: Received = b""  # requests that came before the last one was answered
        self._say_goodbye = say_goodbye

    def close(self, graceful: bool = False) -> None:
        """Close it, or tell its client the end first."""
        if graceful:
            self._say_goodbye(self.sock)
        else:
            super().close()


def waits_for_client(conn: Any) -> bool:
    """Return whether bytes of an earlier answer still wait to be taken."""
    return ioctl(conn.sock, termios.TIOCOUTQ, _NOTHING) != _NOTHING
