"""Start and stop all embedded servers together."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from include.stack.airflow import AirflowServer
from include.stack.environment import (
    airflow_environment,
    mlflow_environment,
    scorer_environment,
)
from include.stack.interrupts import held_interrupts
from include.stack.keys import Secrets, ensure_secrets
from include.stack.mongo import MongoServer
from include.stack.seaweed import SeaweedServer
from include.stack.settings import StackSettings
from include.stack.startup import Say, Server, Startup, wait_for_all
from include.stack.web_server import MlflowServer, ScorerServer


class Stack:
    """MongoDB, S3, Airflow, the scorer and MLflow of one state folder.

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
    mongo, s3, airflow, scorer, mlflow
        The servers; MLflow is not started if runs are tracked elsewhere.
    """

    def __init__(
        self, settings: StackSettings, environ: Mapping[str, str], dags_dir: Path | None = None
    ) -> None:
        self.settings = settings
        settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.secrets: Secrets = ensure_secrets(settings.secrets_dir)
        self._cancelled = threading.Event()
        self._started: list[Server] = []
        self._startups: list[Startup] = []
        state_dir, secrets, off = settings.state_dir, self.secrets, self._cancelled
        self.mongo = MongoServer(state_dir, settings.mongo_port, off)
        self.s3 = SeaweedServer(
            state_dir,
            secrets.s3_access_key,
            secrets.s3_secret_key,
            settings.s3_port,
            settings.bucket,
            off,
        )
        airflow_env = airflow_environment(settings, secrets, environ, dags_dir)
        self.airflow = AirflowServer(state_dir, settings.airflow_port, airflow_env, off)
        scorer_env = scorer_environment(settings, secrets, environ)
        self.scorer = ScorerServer(state_dir, settings.scorer_port, scorer_env, off)
        mlflow_env = mlflow_environment(settings, environ)
        self.mlflow = MlflowServer(state_dir, settings.mlflow_port, mlflow_env, off)

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
