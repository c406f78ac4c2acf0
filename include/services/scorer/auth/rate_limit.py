"""How often each API key may ask: one count for all workers of a machine."""

import fcntl
import math
import mmap
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

from include.services.scorer.settings import RateLimit

_SLOTS = 65_536
_SLOT = struct.Struct("d")
_MAX_DEBT_S = 600.0


class RateLimiter:
    """Lets each client ask so many times a second, and more often at once after a pause.

    The generic cell rate algorithm (https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm): all
    that is kept of a client is when its allowance is whole again, in a file that the workers share.
    Two clients of one slot, which two of ten have once in 1,500 times, share an allowance.

    Parameters
    ----------
    path : Path
        Of the file; made on first use.
    limit : RateLimit
    now_s : callable
        Seconds that all workers count alike; a clock that jumps costs nobody more than a pause.
    """

    def __init__(self, path: Path, limit: RateLimit, now_s: Callable[[], float]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("ab") as file:
            file.truncate(_SLOTS * _SLOT.size)
        self._file = path.open("r+b")
        self._slots = mmap.mmap(self._file.fileno(), 0)
        self._lock = threading.Lock()
        self._now_s = now_s
        self._interval_s = 1 / limit.per_second
        self._burst_s = self._interval_s * (limit.burst - 1)

    def wait_s(self, client: str, n_requests: float = 1.0) -> float:
        """Return 0 when the client may ask now, which is then counted; else the seconds to wait.

        Parameters
        ----------
        client : str
        n_requests : float
            For how many the request counts. One for many is admitted as soon as one would be; the
            next one waits for all of them, but never longer than ten minutes.
        """
        return self._in_slot(client, n_requests, self._burst_s)

    def take(self, client: str, n_requests: float) -> None:
        """Count requests that were under way before it was known how many they are."""
        self._in_slot(client, n_requests, math.inf)

    def _in_slot(self, client: str, n_requests: float, allowed_s: float) -> float:
        start = crc32(client.encode()) % _SLOTS * _SLOT.size
        with self._lock:  # of threads; that of the file is between processes
            fcntl.lockf(self._file, fcntl.LOCK_EX, _SLOT.size, start)
            try:
                return self._count(start, n_requests, allowed_s)
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, _SLOT.size, start)

    def _count(self, start: int, n_requests: float, allowed_s: float) -> float:
        now_s = self._now_s()
        (whole_s,) = _SLOT.unpack_from(self._slots, start)
        ahead_s = whole_s - now_s
        most_s = self._burst_s + self._interval_s + _MAX_DEBT_S
        if not 0 <= ahead_s <= most_s:
            ahead_s = 0.0
        if ahead_s > allowed_s:
            return float(ahead_s - allowed_s)
        ahead_s = min(ahead_s + n_requests * self._interval_s, most_s)
        _SLOT.pack_into(self._slots, start, now_s + ahead_s)
        return 0.0
