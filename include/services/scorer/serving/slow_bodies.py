"""End connections whose bodies come too slowly: granian would wait for them without end.

It offers no limit of time, and a read that is under way cannot be given up. The kernel knows how
much came of each connection: one that is too slow is shut down, and its read ends.
"""

import os
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

GRACE_S = 10.0
BYTES_PER_S = 32 * 1024
_LOOK_EVERY_S = 2.0
# From `struct tcp_info` of linux/tcp.h: milliseconds since data was sent, bytes received.
_LAST_SENT, _RECEIVED = struct.Struct("44xI"), struct.Struct("128xQ")
_INFO_BYTES = 136
_INTERNET = (socket.AF_INET, socket.AF_INET6)


class SlowBodies:
    """Which bodies are being read, and a thread that ends the slow ones."""

    def __init__(self) -> None:
        self._reading: dict[int, tuple[str, float]] = {}
        self._busy: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    @contextmanager
    def reading(self, address: str, since_s: float) -> Iterator[None]:
        """Note that a thread waits for a client, from `since_s` by `monotonic` on."""
        thread = threading.get_ident()
        self._reading[thread] = address, since_s
        try:
            yield
        finally:
            del self._reading[thread]

    @contextmanager
    def busy(self, address: str) -> Iterator[None]:
        """Note that a client waits for us, so that nothing comes of it."""
        with self._lock:
            self._busy[address] += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy[address] -= 1

    def start(self) -> None:
        """Start looking, in a thread of its own; only Linux tells what is needed."""
        if sys.platform == "linux":
            threading.Thread(target=self._run, name="slow-bodies", daemon=True).start()

    def stop(self) -> None:
        """Stop looking."""
        self._stopped.set()

    def _run(self) -> None:
        received: dict[int, int] = {}
        while not self._stopped.wait(_LOOK_EVERY_S):
            due_s = monotonic() - GRACE_S
            late = {address for address, since_s in list(self._reading.values()) if since_s < due_s}
            late = {address for address in late if not self._busy[address]}
            # Nothing is looked at unless a client is late.
            received = _end_slow(late, received) if late else {}


def _end_slow(addresses: set[str], before: dict[int, int]) -> dict[int, int]:
    """Shut slow connections of some clients down; return what has come of the others.

    Parameters
    ----------
    addresses : set of str
    before : dict of int to int
        Bytes received by file descriptor, at the last look.
    """
    received: dict[int, int] = {}
    for number in _open_sockets():
        with suppress(OSError), socket.socket(fileno=os.dup(number)) as connection:
            if connection.family not in _INTERNET or connection.getpeername()[0] not in addresses:
                continue
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
            (unanswered_ms,), (n_bytes,) = _LAST_SENT.unpack_from(info), _RECEIVED.unpack_from(info)
            if unanswered_ms < 1000 * GRACE_S:
                continue
            if n_bytes - before.get(number, 0) < BYTES_PER_S * _LOOK_EVERY_S:
                connection.shutdown(socket.SHUT_RDWR)
            received[number] = n_bytes
    return received


def _open_sockets() -> Iterator[int]:
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if str(path.readlink()).startswith("socket:"):
                yield int(path.name)
