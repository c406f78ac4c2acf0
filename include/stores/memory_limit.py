"""Bound what reading a file may allocate, whatever the file says of its own size."""

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATM = Path("/proc/self/statm")
_LOCK = threading.Lock()  # the limit is the process's


@contextmanager
def memory_limit(n_bytes: int) -> Iterator[None]:
    """Let this process allocate `n_bytes` more meanwhile; what is beyond fails as MemoryError.

    Linux only; elsewhere nothing is bounded. Other threads have the same limit meanwhile.
    """
    if not _STATM.exists():
        yield
        return
    with _LOCK:
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = int(_STATM.read_text().split()[5]) * resource.getpagesize() + n_bytes
        bounds = [each for each in (soft, hard, limit) if each != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_DATA, (min(bounds), hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
