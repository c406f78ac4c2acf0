"""A load generator in one thread: the same request over kept HTTP/1.1 connections."""

import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection

import numpy as np

_RECEIVED_BYTES = 65536
_END_OF_HEAD = b"\r\n\r\n"


@dataclass
class Load:
    """The responses of a server under load.

    Attributes
    ----------
    seconds : float
    latencies_s : list of float
        Of each response with status 200.
    failed : int
        Other responses, and connections that were lost under a request.
    """

    seconds: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def rps(self) -> float:
        """Responses per second."""
        return len(self.latencies_s) / self.seconds

    def ms(self, percentile: float) -> float:
        """Return a percentile of the latency in milliseconds; infinity without a response."""
        if not self.latencies_s:
            return float("inf")
        return float(np.percentile(self.latencies_s, percentile)) * 1000


@dataclass
class _Connection:
    socket: socket.socket
    sent_at: float = 0.0
    received: bytes = b""
    is_open: bool = True


def post_of(port: int, path: str, body: bytes) -> bytes:
    """Return the bytes of a POST of JSON."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def post_once(port: int, path: str, body: bytes) -> bytes:
    """Return the body of the response to one request, on a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    body_received = connection.getresponse().read()
    connection.close()
    return body_received


def generate(
    port: int,
    request: bytes,
    *,
    n_connections: int,
    seconds: float = 0.0,
    rps: float = 0.0,
    until: Callable[[], bool] | None = None,
) -> Load:
    """Return what came of sending the same request again and again.

    Parameters
    ----------
    port : int
    request : bytes
        Head and body.
    n_connections : int
        Each has one request under way at most.
    seconds : float
        How long, unless `until` is given.
    rps : float
        Requests per second over all connections, evenly spaced; 0 for as many as possible.
    until : callable, optional
        The load ends once it is true.
    """
    load, began = Load(), time.perf_counter()
    is_over = until or (lambda: time.perf_counter() - began >= seconds)
    n_sent = 0
    with select.epoll() as epoll:
        idle = [_connect(port, epoll) for _ in range(n_connections)]
        busy: dict[int, _Connection] = {}
        while not is_over():
            due = (time.perf_counter() - began) * rps - n_sent if rps else len(idle)
            while idle and due >= 1:
                connection = idle.pop()
                _send(connection, request)
                busy[connection.socket.fileno()] = connection
                n_sent, due = n_sent + 1, due - 1
            for number, _ in epoll.poll(0.0005 if rps else 0.1):
                connection = busy[number]
                if _receive(connection, load):
                    del busy[number]
                    idle.append(connection if connection.is_open else _connect(port, epoll))
        for connection in (*idle, *busy.values()):
            connection.socket.close()
    load.seconds = time.perf_counter() - began
    return load


def _connect(port: int, epoll: select.epoll) -> _Connection:
    opened = socket.create_connection(("127.0.0.1", port), timeout=30)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    epoll.register(opened.fileno(), select.EPOLLIN)
    return _Connection(opened)


def _send(connection: _Connection, request: bytes) -> None:
    connection.received = b""
    connection.sent_at = time.perf_counter()
    connection.socket.sendall(request)


def _receive(connection: _Connection, load: Load) -> bool:
    """Return whether the response has ended, well or badly."""
    try:
        received = connection.socket.recv(_RECEIVED_BYTES)
    except OSError:
        received = b""
    connection.received += received
    if received and not _is_whole(connection.received):
        return False
    if connection.received[9:12] == b"200":
        load.latencies_s.append(time.perf_counter() - connection.sent_at)
    else:
        load.failed += 1
    if not received or b"connection: close" in connection.received[:400].lower():
        connection.is_open = False
        connection.socket.close()
    return True


def _is_whole(received: bytes) -> bool:
    head, end, body = received.partition(_END_OF_HEAD)
    if not end:
        return False
    lowered = head.lower()
    at = lowered.find(b"content-length:")
    length = int(lowered[at + 15 :].split(b"\r\n", 1)[0])
    return len(body) >= length
