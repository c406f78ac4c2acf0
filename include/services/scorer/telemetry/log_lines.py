"""Write the access log in the background: a request does not wait for the reader of the log."""

import os
import threading
from collections import deque
from collections.abc import Iterator

_GATHER_S = 0.1
_MAX_LINES_WAITING = 50_000
_ATOMIC_BYTES = 4096  # PIPE_BUF: more than that from several workers may mix in a pipe


class LogLines:
    """Lines on their way to a file or a pipe that several processes write to.

    Parameters
    ----------
    descriptor : int
        Of the file. When nobody reads it the oldest lines are dropped.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: deque[bytes] = deque(maxlen=_MAX_LINES_WAITING)
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-lines", daemon=True)

    def add(self, line: bytes) -> None:
        """Return at once; `line`, which ends in a line break, is written within 0.1 s."""
        self._lines.append(line)
        if not self._wanted.is_set():
            self._wanted.set()

    def start(self) -> None:
        """Start writing, in a thread of its own."""
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Return when every line was written, or after `timeout_s`."""
        self._stopped.set()
        self._wanted.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wanted.wait()
            self._stopped.wait(_GATHER_S)
            self._wanted.clear()
            self._write()
        self._write()

    def _write(self) -> None:
        for block in self._blocks():
            try:
                os.write(self._descriptor, block)
            except OSError:
                return  # the reader of the log is gone

    def _blocks(self) -> Iterator[bytes]:
        block: list[bytes] = []
        size_bytes = 0
        while self._lines:
            line = self._lines.popleft()
            if block and size_bytes + len(line) > _ATOMIC_BYTES:
                yield b"".join(block)
                block, size_bytes = [], 0
            block.append(line)
            size_bytes += len(line)
        if block:
            yield b"".join(block)
