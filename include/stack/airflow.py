"""A real Airflow with its UI on SQLite: four processes on the loopback, each in its own session."""

import sys
import threading
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from include.errors import StoreUnavailableError
from include.stack.http import request_json
from include.stack.keys import PRIVATE_MODE
from include.stack.ports import HOST, require_free_ports
from include.stack.process import ServerProcess

# The log servers (8793, 8794) listen on every address; one machine reads its log files directly.
_COMPONENTS = {
    "api-server": (),
    "scheduler": ("--skip-serve-logs",),
    "dag-processor": (),
    "triggerer": ("--skip-serve-logs",),
}
# The API server is done within a second of SIGTERM, but its threads linger.
_GRACE_S = {"api-server": 3.0}
_DEFAULT_GRACE_S = 10.0
_MIGRATE_TIMEOUT_S = 180.0
_READY_TIMEOUT_S = 180.0
_NEEDED = ("metadatabase", "scheduler", "dag_processor")


class AirflowServer:
    """API server with UI, scheduler, DAG processor and triggerer.

    Parameters
    ----------
    state_dir : Path
        Holds the database and task logs (``airflow/``), the logs and the pid files.
    port : int
        TCP port of 127.0.0.1 for UI and API.
    env : mapping of str to str
        The whole environment, made by `airflow_environment`.
    cancelled : threading.Event, optional
        Once set, a start ends with an error.
    """

    name = "airflow"

    def __init__(
        self,
        state_dir: Path,
        port: int,
        env: Mapping[str, str],
        cancelled: threading.Event | None = None,
    ) -> None:
        self.port = port
        self._home = state_dir / "airflow"
        self._env = env
        self._migration = ServerProcess("airflow-migrate", state_dir, cancelled)
        self._components = {
            name: ServerProcess(f"airflow-{name}", state_dir, cancelled) for name in _COMPONENTS
        }

    @property
    def process(self) -> ServerProcess:
        """The process that listens on the port."""
        return self._components["api-server"]

    def start(self) -> None:
        """Return when UI, scheduler and DAG processor are healthy; what runs already is kept.

        Raises
        ------
        PortTakenError
            If another program listens on the port.
        ServerDiedError, ServerTimeoutError
            If a part does not come up; nothing is left running then.
        """
        if self.process.pid is None:
            require_free_ports(self.name, [self.port], "NIGHTCATCH_AIRFLOW_PORT")
        try:
            self._migrate()
            for name, options in _COMPONENTS.items():
                self._components[name].start(
                    [sys.executable, "-m", "airflow", name, *options], self._env, self._home
                )
            self.process.wait_until(self._is_settled, _READY_TIMEOUT_S)
            for component in self._components.values():
                component.require_running()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Return when no process of Airflow is left."""
        self._end({name: _GRACE_S.get(name, _DEFAULT_GRACE_S) for name in _COMPONENTS})

    def kill(self) -> None:
        """Return when every process of Airflow was killed without warning."""
        self._end(dict.fromkeys(_COMPONENTS, 0.0))

    def is_healthy(self) -> bool:
        """Return whether API server, scheduler and DAG processor are healthy."""
        try:
            url = f"http://{HOST}:{self.port}/api/v2/monitor/health"
            status, health = request_json("GET", url, timeout_s=5.0)
        except StoreUnavailableError:
            return False
        return status == 200 and all(health[part]["status"] == "healthy" for part in _NEEDED)

    def _is_settled(self) -> bool:
        died = not all(component.is_running() for component in self._components.values())
        return died or self.is_healthy()

    def _end(self, grace_s: Mapping[str, float]) -> None:
        self._migration.kill()
        workers = [
            threading.Thread(target=process.stop, args=(grace_s[name],))
            for name, process in self._components.items()
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def _migrate(self) -> None:
        """Bring the database to this Airflow's version; one left half-made is made anew."""
        done = self._home / "migrated"
        release = version("apache-airflow")
        if done.exists() and done.read_text() == release:
            return
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        # An empty file: Airflow would otherwise write today's environment down as tomorrow's.
        (self._home / "airflow.cfg").touch(mode=PRIVATE_MODE)
        if not done.exists():
            (self._home / "airflow.db").unlink(missing_ok=True)
        self._migration.start(
            [sys.executable, "-m", "airflow", "db", "migrate"], self._env, self._home
        )
        self._migration.wait_until_ended(_MIGRATE_TIMEOUT_S)
        done.write_text(release)
