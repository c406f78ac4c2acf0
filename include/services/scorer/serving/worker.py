"""A gunicorn worker whose threads get whole requests only: slow clients keep nobody waiting.

gunicorn's own thread worker gives a connection to a thread with its first byte, and the thread then
waits for the rest: as many slow clients as there are threads stop the service. Here the worker's
main loop gathers what clients send, and a thread takes a request once it is whole. One that is too
large to gather is read by its thread, but such ones never hold more than half of the threads.
Questions about one item the loop answers itself: to wake a thread, which then waits for the
GIL, takes longer than the answer. Those that have come at the same moment are scored
together before. Who looks after the service is answered here too, also when threads are held up.
What a client does not take at once of an answer the loop sends as well, so no thread waits for it.
At SIGTERM a connection without a request is closed soon, where gunicorn waits for its client.
"""

import selectors
import socket
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from include.services.scorer.serving.connection import Connection
from include.services.scorer.serving.http_framing import (
    GATHERED_BYTES,
    Received,
    body_of,
    cut,
    extent,
    is_quick,
)
from include.services.scorer.serving.refusals import name_of, notify, refusal, refusal_of
from include.services.scorer.serving.response_buffer import Untaken

_GATHERING_S = 10.0
_GOODBYE_S = 1.0
_TICK_S = 0.5
# The first of so many waits for the scores of all: 1 ms of records, 8 ms of usual URLs.
_TOGETHER = 32
_TOO_SLOW = refusal(
    HTTPStatus.REQUEST_TIMEOUT, f"The request was not whole in {_GATHERING_S:.0f} s."
)


@dataclass
class _Part:
    """The beginning of a request, and until when the rest must be there."""

    received: bytearray
    until_s: float


# gunicorn has no annotations: its worker and its connections are `Any`.
class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """Gathers requests in its main loop, the only thread that changes what is kept here.

    Attributes
    ----------
    ahead : Ahead or None
        Scores together what the sockets are asked next, if the application has one.
    """

    ahead: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._parts: dict[Any, _Part] = {}
        self._large: set[Any] = set()
        self._large_waiting: deque[Any] = deque()
        self._leaving: dict[Any, float] = {}  # sockets that are told the end, and until when
        self._quick: deque[tuple[Any, Received]] = deque()
        self._untaken = Untaken(self._close)
        self._max_large = max(1, self.cfg.threads // 2)
        self._next = {
            "whole": self._begin,
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
        if self._leaving and self.nr_conns + len(self._leaving) > self.worker_connections:
            self._leave(next(iter(self._leaving)))  # who takes long to hang up makes room
        self._gather(Connection(self._say_goodbye, self.cfg, client, address, listener))

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
        self._untaken.drop_late(self.poller)
        now_s = time.monotonic()
        for sock in [sock for sock, until_s in self._leaving.items() if until_s <= now_s]:
            self._leave(sock)
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
        while self._quick:
            self._answer_quick()
            if self._quick:
                self._accept_meanwhile()

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Keep a connection or close it, once its answer is sent; the next large one may begin."""
        if conn in self._large:
            self._large.remove(conn)
            if _was_told_to_stay(fs):  # its thread may have read on into the next request
                conn.rest = conn.parser.unreader.take_buffered()
        if self._large_waiting and len(self._large) < self._max_large:
            self._begin_large(self._large_waiting.popleft())
        if not self.cfg.is_ssl and conn.sock.untaken is not None:
            self._untaken.send(self.poller, conn, partial(self.finish_request, conn, fs))
        elif not _was_told_to_stay(fs):
            super().finish_request(conn, fs)
        elif not self.cfg.is_ssl and conn.rest:
            conn.sock.setblocking(False)
            rest, conn.rest = conn.rest, b""
            self.method_queue.defer(self._take, conn, rest)
        else:
            self._keep(conn)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Tell a client what is wrong with its request, and the log without what was sent."""
        name = name_of(exc)
        if name is None:
            super().handle_error(req, client, addr, exc)
            return
        self.log.warning("A request could not be read: %s", name)
        notify(client, refusal_of(exc))

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
            self._take(conn, received)
        elif received is None:
            self._wait_for_more(conn, b"")
        else:
            self._stop_waiting(conn)
            self._close(conn)

    def _take(self, conn: Any, received: Received) -> None:
        what = extent(received)
        if what == "whole":
            received, conn.rest = cut(received)
        self._next[what](conn, received)

    def _wait_for_more(self, conn: Any, received: Received) -> None:
        if conn not in self._parts:
            self._parts[conn] = _Part(bytearray(received), time.monotonic() + _GATHERING_S)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._gather, conn))

    def _stop_waiting(self, conn: Any) -> None:
        if self._parts.pop(conn, None) is not None:
            self.poller.unregister(conn.sock)

    def _begin(self, conn: Any, received: Received) -> None:
        if is_quick(received):
            self._stop_waiting(conn)
            self._quick.append((conn, received))
        else:
            self._submit(conn, received)

    def _answer_quick(self) -> None:
        quick = [self._quick.popleft() for _ in range(min(len(self._quick), _TOGETHER))]
        if self.ahead is not None and len(quick) > 1:
            try:
                self.ahead.score((conn.sock, body_of(received)) for conn, received in quick)
            except Exception:  # each is answered all the same, or its fault is told
                self.log.exception("Questions could not be scored together.")
        for conn, received in quick:
            self._hand_over(conn, received)
            answered: Future[bool] = Future()
            answered.set_result(self.handle(conn))
            self.finish_request(conn, answered)
        if self.ahead is not None:
            self.ahead.forget()

    def _accept_meanwhile(self) -> None:
        """Let new clients in while many others ask: else one is let in when all are answered."""
        for listener in self.sockets:
            if self._accepting and self.nr_conns < self.worker_connections:
                self.accept(listener)

    def _keep(self, conn: Any) -> None:
        """Keep a connection, at the end of the service too: its client may have asked already."""
        conn.sock.setblocking(False)
        conn.set_timeout()
        if not self.alive:
            conn.timeout = min(conn.timeout, time.monotonic() + _GOODBYE_S)
        self.keepalived_conns.append(conn)
        ask_again = partial(self.on_client_socket_readable, conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, ask_again)

    def _submit(self, conn: Any, received: Received) -> None:
        self._hand_over(conn, received)
        self.enqueue_req(conn)

    def _hand_over(self, conn: Any, received: Received) -> None:
        self._stop_waiting(conn)
        conn.init()
        conn.parser.unreader.unread(received)
        conn.data_ready = True

    def _submit_large(self, conn: Any, received: Received) -> None:
        self._stop_waiting(conn)
        if len(self._large) < self._max_large:
            self._begin_large((conn, received))
        else:
            self._large_waiting.append((conn, received))

    def _begin_large(self, waiting: tuple[Any, Received]) -> None:
        conn, received = waiting
        self._large.add(conn)
        self._submit(conn, received)

    def _say_goodbye(self, sock: Any) -> None:
        """Close a connection once its client has, or soon: to close first could cut the answer.

        gunicorn's own loop waits for that client here, for two seconds.
        """
        try:
            sock.shutdown(socket.SHUT_WR)
            sock.setblocking(False)
        except OSError:
            sock.close()
            return
        self._leaving[sock] = time.monotonic() + _GOODBYE_S
        self.poller.register(sock, selectors.EVENT_READ, self._hear_out)

    def _hear_out(self, sock: Any) -> None:
        try:
            if sock.recv(GATHERED_BYTES):
                return
        except OSError:
            pass  # it has gone
        self._leave(sock)

    def _leave(self, sock: Any) -> None:
        if self._leaving.pop(sock, None) is not None:  # one event may end what another is about
            self.poller.unregister(sock)
            sock.close()

    def _close(self, conn: Any, last_words: bytes = b"") -> None:
        self.nr_conns -= 1
        if last_words:
            notify(conn.sock, last_words)
        conn.close()


def _was_told_to_stay(answered: Any) -> bool:
    """Return whether the answer did not say that the connection ends with it."""
    return not answered.cancelled() and not answered.exception() and answered.result() is True
