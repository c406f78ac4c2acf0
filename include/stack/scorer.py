"""The scoring service on the loopback, as its own gunicorn settings say."""

import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from include.stack.http import answers
from include.stack.ports import HOST, require_free_ports
from include.stack.process import ServerProcess

_READY_TIMEOUT_S = 60.0
_CONFIG = "python:include.services.scorer.gunicorn_conf"
_APP = "include.services.scorer.wsgi:create()"


class ScorerServer:
    """The scoring service, alive before a model is in force.

    Parameters
    ----------
    state_dir : Path
        Holds the last good model (``scorer/``), the log and the pid file.
    port : int
        TCP port of 127.0.0.1.
    env : mapping of str to str
        The whole environment, made by `scorer_environment`.
    cancelled : threading.Event, optional
        Once set, a start ends with an error.
    """

    name = "scorer"

    def __init__(
        self,
        state_dir: Path,
        port: int,
        env: Mapping[str, str],
        cancelled: threading.Event | None = None,
    ) -> None:
        self.port = port
        self.process = ServerProcess(self.name, state_dir, cancelled)
        self._home = state_dir / "scorer"
        self._env = env

    def start(self) -> None:
        """Return when the service answers; one that runs already is kept.

        Raises
        ------
        PortTakenError
            If another program listens on the port.
        ServerDiedError, ServerTimeoutError
            If it does not come up; nothing is left running then.
        """
        if self.process.pid is None:
            require_free_ports(self.name, [self.port], "NIGHTCATCH_SCORER_PORT")
            self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.process.stopped_on_failure():
            self.process.start(self._command(), self._env, self._home)
            self.process.wait_until(self.is_healthy, _READY_TIMEOUT_S)

    def stop(self) -> None:
        """Return when no process of the service is left."""
        self.process.stop(grace_s=10.0)

    def kill(self) -> None:
        """Return when every process of the service was killed without warning."""
        self.process.kill()

    def is_healthy(self) -> bool:
        """Tell whether the service is alive; it may still wait for its first model."""
        return answers(f"http://{HOST}:{self.port}/health/live")

    def _command(self) -> list[str]:
        address = f"{HOST}:{self.port}"
        server = [sys.executable, "-m", "gunicorn", "--config", _CONFIG]
        return [*server, "--bind", address, _APP]
