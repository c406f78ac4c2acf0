"""MLflow's server with its pages on the loopback: one worker, SQLite, files beside it."""

import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from include.stack.http import answers
from include.stack.ports import HOST, require_free_ports
from include.stack.process import ServerProcess

_READY_TIMEOUT_S = 120.0
# Nobody waits for it: while Airflow starts, or a model is trained, the processor is theirs.
_NICENESS = "5"
# Under gunicorn there are the pages of runs and models only. MLflow's other server has, besides,
# an assistant that runs commands as its user for whoever reaches the port.
_GUNICORN = "--threads 4 --no-control-socket"


class MlflowServer:
    """MLflow's tracking server and model registry.

    Parameters
    ----------
    state_dir : Path
        Holds the database and the artifacts (``mlflow/``), the log and the pid file.
    port : int
        TCP port of 127.0.0.1.
    env : mapping of str to str
        The whole environment, made by `mlflow_environment`.
    cancelled : threading.Event, optional
        Once set, a start ends with an error.
    """

    name = "mlflow"

    def __init__(
        self,
        state_dir: Path,
        port: int,
        env: Mapping[str, str],
        cancelled: threading.Event | None = None,
    ) -> None:
        self.port = port
        self.process = ServerProcess(self.name, state_dir, cancelled)
        self._home = state_dir / "mlflow"
        self._env = env

    def start(self) -> None:
        """Return when the server answers; one that runs already is kept.

        Raises
        ------
        PortTakenError
            If another program listens on the port.
        ServerDiedError, ServerTimeoutError
            If it does not come up; nothing is left running then.
        """
        if self.process.pid is None:
            require_free_ports(self.name, [self.port], "NIGHTCATCH_MLFLOW_PORT")
            self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.process.stopped_on_failure():
            self.process.start(self._command(), self._env, self._home)
            self.process.wait_until(self.is_healthy, _READY_TIMEOUT_S)

    def stop(self) -> None:
        """Return when no process of the server is left."""
        self.process.stop(grace_s=5.0)

    def kill(self) -> None:
        """Return when every process of the server was killed without warning."""
        self.process.kill()

    def is_healthy(self) -> bool:
        """Tell whether the server answers."""
        return answers(f"http://{HOST}:{self.port}/health")

    def _command(self) -> list[str]:
        return [
            *("nice", "-n", _NICENESS, sys.executable, "-m", "mlflow", "server"),
            *("--host", HOST, "--port", str(self.port), "--workers", "1"),
            f"--gunicorn-opts={_GUNICORN}",
            *("--backend-store-uri", f"sqlite:///{self._home / 'mlflow.db'}"),
            *("--artifacts-destination", str(self._home / "artifacts")),
        ]
