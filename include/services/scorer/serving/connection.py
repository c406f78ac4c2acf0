"""A client's connection, as the worker keeps it: no thread waits until an answer is taken."""

import os
import socket
import struct
from collections.abc import Callable
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from gunicorn.workers.gthread import TConn

from include.services.scorer.serving.http_framing import Received

_BLOCK_BYTES = 256 * 1024
_IN_MEMORY_BYTES = 64 * 1024
_CONTINUING_S = 10


class Client(socket.socket):
    """A socket that sends what there is room for, and keeps the rest of an answer.

    Attributes
    ----------
    untaken : file of bytes or None
        What is still to be sent, by `send_on`.
    """

    untaken: IO[bytes] | None = None
    _position = 0  # in it

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send `data`, or keep it."""
        n_sent = 0
        if self.untaken is None:
            n_sent = self._send_now(data)
            if n_sent == len(data):
                return
            self.untaken = _spool()
        self.untaken.write(memoryview(data)[n_sent:])

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Keep a file, which is an answer's body, from `offset` to its end; return how much it is.

        It is not copied: a table may be large.
        """
        n_bytes = os.fstat(file.fileno()).st_size - offset
        if self.untaken is None:
            self.untaken, self._position = os.fdopen(os.dup(file.fileno()), "rb"), offset
        else:  # there was not even room for the head
            file.seek(offset)
            while block := file.read(_BLOCK_BYTES):
                self.untaken.write(block)
        return n_bytes

    def send_on(self) -> bool:
        """Send of what is untaken as much as there is room for; return whether nothing is left.

        Raises
        ------
        OSError
            If the client has gone.
        """
        if self.untaken is None:
            return True
        self.untaken.seek(self._position)
        if block := self.untaken.read(_BLOCK_BYTES):
            self._position += self._send_now(block)
            return False
        self._drop_untaken()
        return True

    def close(self) -> None:
        """Close it, with what was not sent."""
        self._drop_untaken()
        super().close()

    def _send_now(self, data: Any) -> int:
        try:
            return self.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def _drop_untaken(self) -> None:
        if self.untaken is not None:
            self.untaken.close()
            self.untaken, self._position = None, 0


def _spool() -> IO[bytes]:
    return SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)


# gunicorn has no annotations: its connections are `Any`.
class Connection(TConn):  # type: ignore[misc]
    """A connection whose last answer is never cut, and which the worker does not wait for."""

    def __init__(
        self, say_goodbye: Callable[[Any], None], cfg: Any, sock: Any, address: Any, listener: Any
    ) -> None:
        client = Client(sock.family, sock.type, sock.proto, sock.detach())
        super().__init__(cfg, client, address, listener.getsockname())
        # What is sent before an answer, `100 Continue`, is waited for: so long at most.
        timeout = struct.pack("ll", _CONTINUING_S, 0)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
        self.rest: Received = b""  # requests that came before the last one was answered
        self._say_goodbye = say_goodbye

    def close(self, graceful: bool = False) -> None:
        """Close it, or tell its client the end first."""
        if graceful:
            self._say_goodbye(self.sock)
        else:
            super().close()
