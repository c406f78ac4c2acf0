"""HTTP servers of one process on the loopback: the scorer and MLflow."""

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from include.stack.http import is_ok
from include.stack.ports import HOST, require_free_ports
from include.stack.process import ServerProcess


class WebServer:
    """A server with a folder of its own; subclasses define its command and health check.

    Parameters
    ----------
    state_dir : Path
        Holds the server's folder, its log and its pid file, all by its name.
    port : int
        TCP port of 127.0.0.1.
    env : mapping of str to str
        The whole environment.
    cancelled : threading.Event, optional
        Once set, a start ends with an error.
    """

    name: ClassVar[str]
    health_path: ClassVar[str]
    ready_timeout_s: ClassVar[float]
    grace_s: ClassVar[float]

    def __init__(
        self,
        state_dir: Path,
        port: int,
        env: Mapping[str, str],
        cancelled: threading.Event | None = None,
    ) -> None:
        self.port = port
        self.process = ServerProcess(self.name, state_dir, cancelled)
        self.home = state_dir / self.name
        self._env = env

    def start(self) -> None:
        """Return when the server is healthy; one that runs already is kept.

        Raises
        ------
        PortTakenError
            If another program listens on the port.
        ServerDiedError, ServerTimeoutError
            If it does not come up; nothing is left running then.
        """
        if self.process.pid is None:
            require_free_ports(self.name, [self.port], f"NIGHTCATCH_{self.name.upper()}_PORT")
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.process.stopped_on_failure():
            self.process.start(self.command(), self._env, self.home)
            self.process.wait_until(self.is_healthy, self.ready_timeout_s)

    def stop(self) -> None:
        """Return when no process of the server is left."""
        self.process.stop(grace_s=self.grace_s)

    def kill(self) -> None:
        """Return when every process of the server was killed without warning."""
        self.process.kill()

    def is_healthy(self) -> bool:
        """Return whether the health check succeeds."""
        return is_ok(f"http://{HOST}:{self.port}{self.health_path}")

    def command(self) -> list[str]:
        """Return the program and its arguments."""
        raise NotImplementedError


# Airflow's start and training have priority.
_NICENESS = "5"
# Under gunicorn MLflow serves runs and models only. Its other server also has an assistant that
# runs commands for anybody who reaches the port.
_GUNICORN = "--threads 4 --no-control-socket"


class MlflowServer(WebServer):
    """MLflow's tracking server and model registry; ``mlflow/`` holds the database and artifacts.

    Its environment is made by `include.stack.environment.mlflow_environment`.
    """

    name = "mlflow"
    health_path = "/health"
    ready_timeout_s = 120.0
    grace_s = 5.0

    def command(self) -> list[str]:
        """Return MLflow's own command line."""
        return [
            *("nice", "-n", _NICENESS, sys.executable, "-m", "mlflow", "server"),
            *("--host", HOST, "--port", str(self.port), "--workers", "1"),
            f"--gunicorn-opts={_GUNICORN}",
            *("--backend-store-uri", f"sqlite:///{self.home / 'mlflow.db'}"),
            *("--artifacts-destination", str(self.home / "artifacts")),
        ]


class ScorerServer(WebServer):
    """The scoring service, live before there is a production version.

    Its environment is made by `include.stack.environment.scorer_environment`.
    """

    name = "scorer"
    health_path = "/health/live"
    ready_timeout_s = 60.0
    grace_s = 10.0

    def command(self) -> list[str]:
        """Return the service's own command."""
        address = ["--host", HOST, "--port", str(self.port)]
        return [sys.executable, "-m", "include.services.scorer", *address]
