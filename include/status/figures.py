"""The parts of a status; as JSON they are what `./nightcatch status --json` prints."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class Part(Generic[ValueT]):
    """A part of a status, or why it cannot be read.

    Attributes
    ----------
    value : object or None
        None if there is a problem.
    problem : str
        Empty if there is none.
    """

    value: ValueT | None = None
    problem: str = ""


@dataclass(frozen=True)
class ServerStatus:
    """A server.

    Attributes
    ----------
    name, health, address : str
        The health is "healthy", "stopped", "not configured" or "BROKEN"; the address of a broken
        one is the reason.
    """

    name: str
    health: str
    address: str


@dataclass(frozen=True)
class ScorerStatus:
    """A scorer, or the proxy before several.

    Attributes
    ----------
    url : str
    serves : mapping of str to str
        By pipeline: serial and version, and what it should be if that is another.
    problem : str
        Why it cannot be asked, or what it lacks; empty if all is well.
    """

    url: str
    serves: Mapping[str, str]
    problem: str = ""


@dataclass(frozen=True)
class Production:
    """The production version of a pipeline.

    Attributes
    ----------
    version, approved_by, approved_at : str
    serial : int
    age_days : float
        Since it was trained.
    is_old : bool
        Older than alerts allow.
    is_synthetic : bool
        Trained on synthetic records.
    test : mapping of str to float
        Some of its group-disjoint test metrics.
    """

    version: str
    serial: int
    approved_by: str
    approved_at: str
    age_days: float
    is_old: bool
    is_synthetic: bool
    test: Mapping[str, float]


@dataclass(frozen=True)
class Run:
    """A training run of Airflow.

    Attributes
    ----------
    run_id, state : str
        The state is Airflow's.
    started_at, ended_at : str
        ISO 8601 in UTC; empty if it did not yet.
    failures : mapping of str to str
        Why each failed task failed; empty if unknown.
    """

    run_id: str
    state: str
    started_at: str
    ended_at: str
    failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Schedule:
    """What Airflow has of a training DAG.

    Attributes
    ----------
    last : Run or None
    next_at : str
        ISO 8601 in UTC; empty if none is due.
    is_paused : bool
    waiting : mapping of str to str
        Since when each run has been waiting for a person.
    """

    last: Run | None
    next_at: str
    is_paused: bool
    waiting: Mapping[str, str]


@dataclass(frozen=True)
class TrainingRuns:
    """The training runs of a pipeline.

    Attributes
    ----------
    schedule : Schedule
    result : str
        What came of the last one, in one line.
    """

    schedule: Schedule
    result: str


@dataclass(frozen=True)
class Traffic:
    """What was scored today (UTC).

    Attributes
    ----------
    verdicts : mapping of str to int
    n_batches, n_read : int
        Batches that scorers left, and how many of them, the newest, were read.
    """

    verdicts: Mapping[str, int]
    n_batches: int
    n_read: int


@dataclass(frozen=True)
class OpenAlert:
    """An alert that is open.

    Attributes
    ----------
    title, sentence, since : str
    link : str
        Path of a page of Airflow, or empty.
    """

    title: str
    sentence: str
    since: str
    link: str


@dataclass(frozen=True)
class FeedProblem:
    """A feed that people must look at.

    Attributes
    ----------
    pipeline, feed, status, reason : str
    """

    pipeline: str
    feed: str
    status: str
    reason: str


@dataclass(frozen=True)
class Labels:
    """What waits in MongoDB for a person.

    Attributes
    ----------
    n_held : mapping of str to int
        Labels that are held back, by pipeline.
    feeds : tuple of FeedProblem
    """

    n_held: Mapping[str, int]
    feeds: tuple[FeedProblem, ...]


@dataclass(frozen=True)
class Disk:
    """The file system that Airflow writes to.

    Attributes
    ----------
    path : str
    free_bytes, total_bytes : int
    is_full : bool
        Too little is free for a training run.
    """

    path: str
    free_bytes: int
    total_bytes: int
    is_full: bool


@dataclass(frozen=True)
class Status:
    """Everything at a glance; mappings are by pipeline.

    Attributes
    ----------
    at : str
        ISO 8601 in UTC.
    servers, scorers, alerts : Part of tuple
    paused : Part of tuple of str
        DAGs that run nothing until they are switched on.
    production, runs, traffic : mapping of str to Part
    labels, disk : Part
    """

    at: str
    servers: Part[tuple[ServerStatus, ...]]
    scorers: Part[tuple[ScorerStatus, ...]]
    production: Mapping[str, Part[Production | None]]
    runs: Mapping[str, Part[TrainingRuns]]
    paused: Part[tuple[str, ...]]
    labels: Part[Labels]
    traffic: Mapping[str, Part[Traffic]]
    alerts: Part[tuple[OpenAlert, ...]]
    disk: Part[Disk]

    @property
    def is_healthy(self) -> bool:
        """Whether every server is healthy, but for those that are not configured."""
        servers = self.servers.value or ()
        good = {"healthy", "not configured"}
        return not self.servers.problem and all(each.health in good for each in servers)

    @property
    def problems(self) -> tuple[str, ...]:
        """Why parts cannot be read."""
        found = [each.problem for each in (self.servers, self.scorers, self.labels)]
        found += [self.paused.problem, self.alerts.problem, self.disk.problem]
        found += [each.problem for each in self.production.values()]
        found += [each.problem for each in self.runs.values()]
        found += [each.problem for each in self.traffic.values()]
        return tuple(filter(None, found))
