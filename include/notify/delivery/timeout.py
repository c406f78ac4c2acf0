"""Call a function with a timeout on its whole duration."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from include.errors import ReceiverUnavailableError

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T]) -> T:
    """Return what `call` returns; its exceptions are raised.

    A socket timeout limits each wait for bytes, not a slow name look-up or a server that sends one
    byte at a time. The thread of a call that timed out ends with the process at the latest.

    Raises
    ------
    ReceiverUnavailableError
        If it takes longer than `seconds`.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(call())
        except BaseException as err:  # noqa: BLE001 # raised again by the waiting thread
            done.set_exception(err)

    threading.Thread(target=run, daemon=True).start()
    try:
        return done.result(timeout=seconds)
    except TimeoutError:
        raise ReceiverUnavailableError(f"no response within {seconds:g} s") from None
