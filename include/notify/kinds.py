"""The kinds of alerts, each with its sentence in figures and its paragraph in docs/runbook.md.

`about` is the DAG, the pipeline or the address; `link` is where to look, empty if unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from include.notify.text import some
from include.notify.traffic_kinds import QualityBelowBaseline, TrafficDrifted


@dataclass(frozen=True)
class RunFailed:
    """A run ended as failed, and no other kind says why.

    Attributes
    ----------
    about, run_id : str
    reasons : mapping of str to str
        Why each failed task failed, by its name; empty words where nobody knows.
    link : str
    """

    about: str
    run_id: str
    reasons: Mapping[str, str]
    link: str
    kind: ClassVar[str] = "run_failed"
    title: ClassVar[str] = "Run failed"

    @property
    def sentence(self) -> str:
        """Which tasks failed, and why."""
        named = [f"{task} ({why})" if why else task for task, why in self.reasons.items()]
        where = f" in {some(named, 'tasks')}" if named else ""
        return f"Run {self.run_id} failed{where}."


@dataclass(frozen=True)
class GateRejected:
    """A trained version was not good enough.

    Attributes
    ----------
    about, run_id, version : str
    rejections : sequence of str
        The sentence of each rule that was not passed.
    n_rules : int
        How many rules there are.
    link : str
    """

    about: str
    run_id: str
    version: str
    rejections: Sequence[str]
    n_rules: int
    link: str
    kind: ClassVar[str] = "gate_rejected"
    title: ClassVar[str] = "Gate rejected"

    @property
    def sentence(self) -> str:
        """Which rules, with figures and limits."""
        return (
            f"{len(self.rejections)} of {self.n_rules} rules rejected version {self.version}: "
            f"{some(self.rejections, 'rules', '; ')}. What is in production stays."
        )


@dataclass(frozen=True)
class QuarantineAboveLimit:
    """So many records break a rule that none of them was trained on.

    Attributes
    ----------
    about, run_id : str
    quarantined, rows : int
    limit : float
        Share of rows, 0 to 1.
    reasons : mapping of str to int
        How many records have each reason.
    link : str
    """

    about: str
    run_id: str
    quarantined: int
    rows: int
    limit: float
    reasons: Mapping[str, int]
    link: str
    kind: ClassVar[str] = "quarantine_above_limit"
    title: ClassVar[str] = "Quarantine above limit"

    @property
    def sentence(self) -> str:
        """How many, how many may, and the most frequent reason."""
        reason, count = max(self.reasons.items(), key=lambda item: item[1])
        return (
            f"{self.quarantined} of {self.rows} records ({self.quarantined / self.rows:.2%}) break "
            f"a rule and at most {self.limit:.2%} may; most often ({count}) {reason}. "
            "Nothing was trained; what is in production stays."
        )


@dataclass(frozen=True)
class DriftAboveLimit:
    """Columns have moved so far that their source may be broken.

    Attributes
    ----------
    about, run_id, reference : str
        `reference` is the version whose records they moved from.
    moved : mapping of str to float
        Kullback-Leibler divergence of each such column, in nats.
    limit : float
    link : str
    """

    about: str
    run_id: str
    reference: str
    moved: Mapping[str, float]
    limit: float
    link: str
    kind: ClassVar[str] = "drift_above_limit"
    title: ClassVar[str] = "Drift above limit"

    @property
    def sentence(self) -> str:
        """Which columns, how far, and how far they may."""
        named = [f"{column} by {kl:.3g}" for column, kl in self.moved.items()]
        return (
            f"Columns have moved more than {self.limit:g} nats from the records of "
            f"{self.reference}: {some(named, 'columns')}. What is in production stays."
        )


@dataclass(frozen=True)
class RunLate:
    """A run is not finished although it should be.

    Attributes
    ----------
    about, run_id : str
    minutes : float
        Since it was queued.
    last_step : str
        What it did last, in words.
    link : str
    """

    about: str
    run_id: str
    minutes: float
    last_step: str
    link: str
    kind: ClassVar[str] = "run_late"
    title: ClassVar[str] = "Run late"

    @property
    def sentence(self) -> str:
        """For how long, and how far it came."""
        return (
            f"Run {self.run_id} is not finished {self.minutes:.3g} minutes after it was queued; "
            f"{self.last_step}."
        )


@dataclass(frozen=True)
class ModelOld:
    """The version in production was trained long ago.

    Attributes
    ----------
    about, version : str
    age_days, limit_days : float
    link : str
    """

    about: str
    version: str
    age_days: float
    limit_days: float
    link: str
    kind: ClassVar[str] = "model_old"
    title: ClassVar[str] = "Model old"

    @property
    def sentence(self) -> str:
        """How old, and how old it may be."""
        return (
            f"The version in production, {self.version}, was trained {self.age_days:.1f} days ago; "
            f"the limit is {self.limit_days:g}."
        )


@dataclass(frozen=True)
class ScorerStale:
    """A scorer does not serve what is in production.

    Attributes
    ----------
    about : str
        Its address, and the pipeline unless it does not answer at all.
    finding : str
        What it serves instead, or why it cannot be asked.
    link : str
    """

    about: str
    finding: str
    link: str
    kind: ClassVar[str] = "scorer_stale"
    title: ClassVar[str] = "Scorer stale"

    @property
    def sentence(self) -> str:
        """What it serves, and what is in production."""
        return f"{self.finding}."


Cause = (
    RunFailed
    | GateRejected
    | QuarantineAboveLimit
    | DriftAboveLimit
    | RunLate
    | ModelOld
    | ScorerStale
    | TrafficDrifted
    | QualityBelowBaseline
)
