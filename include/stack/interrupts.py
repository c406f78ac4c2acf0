"""End a command once, by Ctrl-C, SIGTERM or a closed terminal."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class _State:
    """Python runs signal handlers in the main thread only, so plain flags suffice."""

    held: bool = False
    pending: bool = False


_state = _State()


@contextmanager
def one_interrupt() -> Iterator[None]:
    """Turn the first signal into KeyboardInterrupt and ignore the rest, so clean-up can finish."""
    before = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def held_interrupts() -> Iterator[None]:
    """Put the interrupt off to the end of a short block that must not be left half-way.

    An exception inside the machinery of locks and threads can leave a lock taken for good.
    """
    _state.held = True
    try:
        yield
    finally:
        _state.held = False
        if _state.pending:
            _state.pending = False
            raise KeyboardInterrupt


def ignore_interrupts() -> None:
    """Ignore further signals: the program is ending."""
    for number in _SIGNALS:
        # Not SIG_IGN: Python warns of a signal that arrived just before it was set.
        signal.signal(number, _do_nothing)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Ignore a signal that arrives while the program is ending."""


def _interrupt(number: int, frame: FrameType | None) -> None:
    ignore_interrupts()
    if not _state.held:
        raise KeyboardInterrupt
    _state.pending = True
