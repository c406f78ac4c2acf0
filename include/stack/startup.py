"""Start a server in a thread."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from include.stack.process import ServerProcess

Say = Callable[[str], None]

_POLL_S = 0.05


class Server(Protocol):
    """The interface of the embedded servers."""

    @property
    def name(self) -> str:
        """Its name on screen and in file names."""

    @property
    def port(self) -> int:
        """Its port of 127.0.0.1."""

    @property
    def process(self) -> ServerProcess:
        """The process that listens on the port."""

    def start(self) -> None:
        """Return when it is healthy; one that runs already is kept."""

    def stop(self) -> None:
        """Stop all its processes."""

    def is_healthy(self) -> bool:
        """Return whether it is healthy."""


class Startup(threading.Thread):
    """Start one server. Waiting polls plain attributes, so that Ctrl-C leaves no lock taken.

    Parameters
    ----------
    server : Server
    say : callable
        Called when the server is ready.
    """

    def __init__(self, server: Server, say: Say) -> None:
        super().__init__(name=f"start-{server.name}", daemon=True)
        self._server = server
        self._say = say
        self._finished = False
        self._error: Exception | None = None

    def run(self) -> None:
        """Start the server and keep the error, if there is one, for `wait`."""
        try:
            kept = self._server.process.pid is not None
            self._server.start()
            ready = "was ready" if kept else "ready"
            self._say(f"{self._server.name:<8} {ready} on port {self._server.port}")
        except Exception as err:  # noqa: BLE001  # raised again where it is waited for
            self._error = err
        finally:
            self._finished = True

    def is_finished(self) -> bool:
        """Return whether the server is healthy.

        Raises
        ------
        NightCatchError
            If it failed to start.
        """
        if self._error is not None:
            raise self._error
        return self._finished

    def wait(self) -> None:
        """Return when the server is healthy; errors are those of `is_finished`."""
        wait_for_all([self])


def wait_for_all(startups: Sequence[Startup]) -> None:
    """Return when all servers are healthy; the first error of any is raised at once.

    Parameters
    ----------
    startups : sequence of Startup

    Raises
    ------
    NightCatchError
        If one failed to start.
    """
    while sum(startup.is_finished() for startup in startups) < len(startups):
        time.sleep(_POLL_S)
