"""Score chunks in this process or in several, in order, with few chunks in memory."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait

from include.batch.chunks import Chunk
from include.batch.parts import PartScorer, ScorerSetup
from include.errors import BatchRefusedError

Numbered = tuple[str, Chunk]
_in_worker: list[PartScorer] = []


def score_chunks(
    chunks: Iterable[Numbered], setup: ScorerSetup, jobs: int
) -> Iterator[tuple[str, bytes]]:
    """Yield the part of each chunk under its name, in order.

    Parameters
    ----------
    chunks : iterable of (str, Chunk)
    setup : ScorerSetup
    jobs : int
        How many processes; 1 makes none.

    Raises
    ------
    BatchRefusedError
        If a process died.
    """
    if jobs == 1:
        scorer = PartScorer(setup)
        for name, chunk in chunks:
            yield name, scorer.score(chunk)
        return
    # Forked processes would share threads and sessions that cannot be shared.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, context, _start, (setup,))
    waiting: deque[tuple[str, Future[bytes]]] = deque()
    try:
        for name, chunk in chunks:
            waiting.append((name, pool.submit(_score, chunk)))
            if len(waiting) > jobs + 1:
                yield _next(waiting)
        while waiting:
            yield _next(waiting)
    except BrokenProcessPool as err:
        raise BatchRefusedError(
            "a process was killed, perhaps for lack of memory: run it again with fewer --jobs; "
            "the parts that are finished stay"
        ) from err
    finally:
        pool.shutdown(cancel_futures=True)


def _next(waiting: deque[tuple[str, Future[bytes]]]) -> tuple[str, bytes]:
    name, part = waiting.popleft()
    return name, part.result()


def _start(setup: ScorerSetup) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _in_worker.append(PartScorer(setup))


def _end_with_parent() -> None:
    """End this process with the one that started it; a killed one cannot say so."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _score(chunk: Chunk) -> bytes:
    return _in_worker[0].score(chunk)
