"""A wait that ends, whatever a neighbour does."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from include.errors import ReceiverUnavailableError

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T]) -> T:
    """Return what `call` returns; what it raises is raised.

    A timeout of a socket is one of each wait for bytes: a name that is looked up for minutes, or
    a server that sends a byte now and then, would not end by it. The thread of a call that was
    given up is left behind; it ends with the process at the latest.

    Raises
    ------
    ReceiverUnavailableError
        If it takes longer than `seconds`.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(call())
        except BaseException as err:  # noqa: BLE001 # raised again, by whoever waits
            done.set_exception(err)

    threading.Thread(target=run, daemon=True).start()
    try:
        return done.result(timeout=seconds)
    except TimeoutError:
        raise ReceiverUnavailableError(f"no answer within {seconds:g} s") from None
