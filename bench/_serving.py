"""The servers of the bench of the scoring service, as processes."""

import os
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no annotations

from bench._load import Load, generate, post_of, post_once
from include.stack.ports import pick_port
from include.stack.process import ServerProcess

ROOT = Path(__file__).resolve().parents[1]
# As `include.services.scorer.__main__` sets it.
_GRANIAN = ("granian", "--http", "1", "--workers", "2", "--no-log")
GRANIAN_WSGI = (
    *(*_GRANIAN, "--interface", "wsgi", "--blocking-threads", "128"),
    *("--backpressure", "16384", "--factory"),
)
GRANIAN_ASGI = (*_GRANIAN, "--interface", "asginl", "--factory")
SCORER = ("include.services.scorer",)
# The fastest of its loops and parsers, named so that a missing one is an error.
UVICORN = (
    *("uvicorn", "--workers", "2", "--loop", "uvloop", "--http", "httptools"),
    *("--log-level", "warning", "--no-access-log", "--factory"),
)
MLFLOW = ("mlflow", "models", "serve", "--env-manager", "local", "--workers", "2")
N_CONNECTIONS = 16
_READY_TIMEOUT_S = 120.0
_IN_A_ROW = 12
_KIB = 1024


@dataclass(frozen=True)
class Plan:
    """How a server is started, and the request it gets.

    Attributes
    ----------
    name : str
    command : tuple of str
        A module to run and its arguments; the port is added.
    env : mapping
    path : str
    body : bytes
    """

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    path: str
    body: bytes


@dataclass
class Server:
    """A running server and its load of each round."""

    plan: Plan
    port: int
    pid: int
    rounds: list[Load] = field(default_factory=list)

    @property
    def request(self) -> bytes:
        """Head and body."""
        return post_of(self.port, self.plan.path, self.plan.body)

    @property
    def rps(self) -> float:
        """Median over the rounds."""
        return statistics.median(load.rps for load in self.rounds)

    def ms(self, percentile: float) -> float:
        """Median over the rounds of a percentile of the latency."""
        return statistics.median(load.ms(percentile) for load in self.rounds)

    def ratio_to(self, other: "Server") -> float:
        """Return the median over the rounds of the throughput against another server's."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median(ours.rps / theirs.rps for ours, theirs in pairs)

    def p99_ratio_to(self, other: "Server") -> float:
        """Return the median over the rounds of the 99th percentile against another server's."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median(ours.ms(99) / theirs.ms(99) for ours, theirs in pairs)

    def wait_for(self, path: str, words: bytes) -> None:
        """Return once the responses of all workers hold `words`."""
        n_in_a_row = 0
        while n_in_a_row < _IN_A_ROW:  # a connection each, so that no worker is left out
            response = post_once(self.port, path, self.plan.body)
            n_in_a_row = n_in_a_row + 1 if words in response else 0

    def worker_mib(self, entry: str) -> int:
        """Return an entry of /proc/PID/status, of the worker that has most of it."""
        workers = psutil.Process(self.pid).children()
        return max(_status_mib(worker.pid, entry) for worker in workers)


@contextmanager
def running(plans: Sequence[Plan], folder: Path) -> Iterator[list[Server]]:
    """Yield servers that are ready; they are stopped at the end."""
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    env = {"PYTHONPATH": str(ROOT), "PATH": programs, "TMPDIR": str(folder)}
    servers = []
    with ExitStack() as stack:
        started = [(plan, pick_port(), ServerProcess(plan.name, folder)) for plan in plans]
        for plan, port, process in started:
            command = [sys.executable, "-m", *plan.command, "--port", str(port)]
            stack.callback(process.kill)
            process.start(command, {**env, **plan.env}, ROOT)
        for plan, port, process in started:
            process.wait_until(partial(_answers, port, plan.path), _READY_TIMEOUT_S)
            assert process.pid is not None
            servers.append(Server(plan, port, process.pid))
        yield servers


def measure(servers: Sequence[Server], n_rounds: int, seconds: float) -> None:
    """Leave a `Load` of each round in each server; they take turns, after a round to warm up."""
    for number in range(n_rounds + 1):
        for server in servers:
            load = generate(
                server.port,
                server.request,
                n_connections=N_CONNECTIONS,
                seconds=seconds if number else 1.0,
            )
            if number:
                server.rounds.append(load)


def _answers(port: int, path: str) -> bool:
    try:
        return bool(post_once(port, path, b"{}"))
    except OSError:
        return False


def _status_mib(pid: int, entry: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{entry}:"):
            return int(line.split()[1]) // _KIB
    raise KeyError(entry)
