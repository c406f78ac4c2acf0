"""Start and stop all embedded servers together."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from include.stack.interrupts import held_interrupts
from include.stack.keys import Secrets, ensure_secrets
from include.stack.seaweed import SeaweedServer
from include.stack.settings import StackSettings
from include.stack.startup import Say, Server, Startup, wait_for_all

if TYPE_CHECKING:
    from include.stack.airflow import AirflowServer
    from include.stack.mongo import MongoServer
    from include.stack.web_server import MlflowServer, ScorerServer


class Stack:
    """MongoDB, S3, Airflow, the scorer and MLflow of one state folder.

    What each server needs is imported when it is first asked for: a command that reads the bucket
    waits for no database client.

    Parameters
    ----------
    settings : StackSettings
    environ : mapping of str to str
        The environment that servers inherit.
    dags_dir : Path, optional
        Folder of DAGs; the checkout's own if not given.

    Attributes
    ----------
    settings : StackSettings
    secrets : Secrets
    """

    def __init__(
        self, settings: StackSettings, environ: Mapping[str, str], dags_dir: Path | None = None
    ) -> None:
        self.settings = settings
        self._environ = environ
        self._dags_dir = dags_dir
        settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.secrets: Secrets = ensure_secrets(settings.secrets_dir)
        self._cancelled = threading.Event()
        self._started: list[Server] = []
        self._startups: list[Startup] = []

    @cached_property
    def mongo(self) -> "MongoServer":
        """The database."""
        from include.stack.mongo import MongoServer

        settings = self.settings
        return MongoServer(settings.state_dir, settings.mongo_port, self._cancelled)

    @cached_property
    def s3(self) -> SeaweedServer:
        """The object store."""
        settings, secrets = self.settings, self.secrets
        return SeaweedServer(
            settings.state_dir,
            secrets.s3_access_key,
            secrets.s3_secret_key,
            settings.s3_port,
            settings.bucket,
            self._cancelled,
        )

    @cached_property
    def airflow(self) -> "AirflowServer":
        """Airflow's scheduler, API and UI."""
        from include.stack.airflow import AirflowServer
        from include.stack.environment import airflow_environment

        settings = self.settings
        env = airflow_environment(settings, self.secrets, self._environ, self._dags_dir)
        return AirflowServer(settings.state_dir, settings.airflow_port, env, self._cancelled)

    @cached_property
    def scorer(self) -> "ScorerServer":
        """The scoring service."""
        from include.stack.environment import scorer_environment
        from include.stack.web_server import ScorerServer

        settings = self.settings
        env = scorer_environment(settings, self.secrets, self._environ)
        return ScorerServer(settings.state_dir, settings.scorer_port, env, self._cancelled)

    @cached_property
    def mlflow(self) -> "MlflowServer":
        """MLflow, which is not started if runs are tracked elsewhere."""
        from include.stack.environment import mlflow_environment
        from include.stack.web_server import MlflowServer

        settings = self.settings
        env = mlflow_environment(settings, self._environ)
        return MlflowServer(settings.state_dir, settings.mlflow_port, env, self._cancelled)

    @property
    def needed(self) -> tuple[Server, ...]:
        """The servers that training and scoring need."""
        return (self.mongo, self.s3, self.airflow, self.scorer)

    @property
    def background(self) -> tuple[Server, ...]:
        """The servers that no run waits for: MLflow, unless runs are tracked elsewhere."""
        return (self.mlflow,) if self.settings.mlflow_elsewhere is None else ()

    @property
    def servers(self) -> tuple[Server, ...]:
        """All servers, in the order in which they are shown."""
        return (*self.needed, *self.background)

    @contextmanager
    def starting(
        self, say: Say, servers: Sequence[Server] | None = None
    ) -> Iterator[Mapping[str, Startup]]:
        """Start what does not run, all at the same time; on leaving, everything is healthy.

        If one server fails, the others are cancelled; `stop_started` then stops them.

        Parameters
        ----------
        say : callable
            Called for each server that is ready.
        servers : sequence of Server, optional
            All of the stack if not given.

        Yields
        ------
        mapping of str to Startup
            By server name; `wait` returns when it is healthy, so that work can begin earlier.
        """
        wanted = self.servers if servers is None else servers
        startups = {server.name: Startup(server, say) for server in wanted}
        with held_interrupts():
            self._started += [server for server in wanted if server.process.pid is None]
            self._startups += startups.values()
            for startup in startups.values():
                startup.start()
        yield startups
        wait_for_all(list(startups.values()))

    def stop_started(self) -> None:
        """Stop everything that this object started or was about to start."""
        self._cancelled.set()
        _stop_all(self._started, self._startups)
        self._started = []

    def down(self) -> list[str]:
        """Return the names of the servers that ran, once all are stopped.

        Returns
        -------
        list of str
        """
        running = [server.name for server in self.servers if server.process.pid is not None]
        _stop_all(self.servers)
        return running


def _stop_all(servers: Sequence[Server], startups: Sequence[Startup] = ()) -> None:
    """Stop all at the same time, once no start is in progress."""
    with held_interrupts():
        for startup in startups:
            startup.join()
        stops = [threading.Thread(target=server.stop) for server in servers]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()
