"""A gunicorn worker whose threads get whole requests only: slow clients keep nobody waiting.

gunicorn's own thread worker gives a connection to a thread with its first byte, and the thread then
waits for the rest: as many slow clients as there are threads stop the service. Here the worker's
main loop gathers what clients send, and a thread takes a request once it is whole. One that is too
large to gather is read by its thread, but such ones never hold more than half of the threads.
At SIGTERM a connection without a request is closed soon, where gunicorn waits for its client.
"""

import re
import selectors
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from gunicorn.workers.gthread import TConn, ThreadWorker

GATHERED_BYTES = 128 * 1024
_GATHERING_S = 10.0
_GOODBYE_S = 1.0
_TICK_S = 0.5
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
# Who sends these waits for an answer to the head, or does not say where the body ends.
_UNKNOWN_LENGTH = re.compile(rb"\r\n(?:transfer-encoding|expect):", re.IGNORECASE)
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

Extent = Literal["whole", "part", "large"]


@dataclass
class _Part:
    """The beginning of a request, and until when the rest must be there."""

    received: bytearray
    until_s: float


def extent(received: bytes | bytearray) -> Extent:
    """Return whether what was received of a request is ``whole``, a ``part``, or ``large``.

    Of a large one a thread reads the rest: it is long, or nobody can say how long.
    """
    end = received.find(_END_OF_HEAD)
    if end < 0:
        return "large" if len(received) >= GATHERED_BYTES else "part"
    if _UNKNOWN_LENGTH.search(received, 0, end + 2):
        return "large"
    length = _LENGTH.search(received, 0, end + 2)
    if len(received) >= end + len(_END_OF_HEAD) + (int(length[1]) if length else 0):
        return "whole"
    return "large" if len(received) >= GATHERED_BYTES else "part"


# gunicorn has no annotations: its worker and its connections are `Any`.
class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """Gathers requests in its main loop, the only thread that changes what is kept here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._parts: dict[Any, _Part] = {}
        self._large: set[Any] = set()
        self._large_waiting: deque[Any] = deque()
        self._max_large = max(1, self.cfg.threads // 2)
        self._next = {
            "whole": self._submit,
            "large": self._submit_large,
            "part": self._wait_for_more,
        }

    def accept(self, listener: Any) -> None:
        """Take a new connection, and what it has sent already."""
        if self.cfg.is_ssl:  # what is sent can be read by the thread that knows the key
            super().accept(listener)
            return
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        self._gather(TConn(self.cfg, client, address, listener.getsockname()))

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """Take the next request of a connection that was kept alive."""
        if self.cfg.is_ssl:
            super().on_client_socket_readable(conn, client)
            return
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._gather(conn)

    def murder_pending(self) -> None:
        """Close the connections whose requests did not become whole in time."""
        super().murder_pending()
        now_s = time.monotonic()
        while self._parts:
            conn, part = next(iter(self._parts.items()))  # the first of all to be late
            if part.until_s > now_s:
                return
            self._stop_waiting(conn)
            self._close(conn, _TOO_SLOW if part.received else b"")

    def set_accept_enabled(self, enabled: bool) -> None:
        """Take connections or not; once the service ends, those without a request end soon."""
        super().set_accept_enabled(enabled)
        if not self.alive:
            until_s = time.monotonic() + _GOODBYE_S
            for conn in self.keepalived_conns:
                conn.timeout = min(conn.timeout, until_s)
            for part in self._parts.values():
                part.until_s = part.until_s if part.received else min(part.until_s, until_s)
            self._parts = dict(sorted(self._parts.items(), key=lambda entry: entry[1].until_s))

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for clients and threads, and look at the clock in between."""
        super().wait_for_and_dispatch_events(min(timeout, _TICK_S))

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Keep a connection or close it; the next large request may begin."""
        super().finish_request(conn, fs)
        self._large.discard(conn)
        if self._large_waiting and len(self._large) < self._max_large:
            self._begin_large(self._large_waiting.popleft())

    def _gather(self, conn: Any, *_: Any) -> None:
        """Read what is there; give the request to a thread when it is whole, else wait for more."""
        part = self._parts.get(conn)
        try:
            received = conn.sock.recv(GATHERED_BYTES)
        except BlockingIOError:
            received = None
        except OSError:
            received = b""
        if received:
            if part is not None:
                part.received += received
                received = part.received
            self._next[extent(received)](conn, received)
        elif received is None:
            self._wait_for_more(conn, b"")
        else:
            self._stop_waiting(conn)
            self._close(conn)

    def _wait_for_more(self, conn: Any, received: bytes) -> None:
        if conn not in self._parts:
            self._parts[conn] = _Part(bytearray(received), time.monotonic() + _GATHERING_S)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._gather, conn))

    def _stop_waiting(self, conn: Any) -> None:
        if self._parts.pop(conn, None) is not None:
            self.poller.unregister(conn.sock)

    def _submit(self, conn: Any, received: bytes) -> None:
        self._stop_waiting(conn)
        conn.init()
        conn.parser.unreader.unread(received)
        conn.data_ready = True
        self.enqueue_req(conn)

    def _submit_large(self, conn: Any, received: bytes) -> None:
        self._stop_waiting(conn)
        if len(self._large) < self._max_large:
            self._begin_large((conn, received))
        else:
            self._large_waiting.append((conn, received))

    def _begin_large(self, waiting: tuple[Any, bytes]) -> None:
        conn, received = waiting
        self._large.add(conn)
        self._submit(conn, received)

    def _close(self, conn: Any, last_words: bytes = b"") -> None:
        self.nr_conns -= 1
        try:
            if last_words:
                conn.sock.send(last_words)
        except OSError:
            pass  # it has gone already
        conn.close()
