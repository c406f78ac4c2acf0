"""The kinds of alerts; each has a paragraph in docs/runbook.md.

`about` is the DAG, the pipeline or the address; `link` leads to details and may be empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from include.notify.delivery.text import some
from include.notify.feed_kinds import FeedUnhealthy
from include.notify.release_kinds import ReleaseBeyondLimits, ReleaseTakenBack
from include.notify.traffic_kinds import QualityBelowBaseline, TrafficDrifted


@dataclass(frozen=True)
class RunFailed:
    """A run failed for a reason that no other kind covers.

    Attributes
    ----------
    about, run_id : str
    reasons : mapping of str to str
        Reason of each failed task; empty if unknown.
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
    """The gate rejected a trained version.

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
            f"{some(self.rejections, 'rules', '; ')}. The production version stays."
        )


@dataclass(frozen=True)
class QuarantineAboveLimit:
    """Too many records broke a rule, so nothing was trained.

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
            "Nothing was trained; the production version stays."
        )


@dataclass(frozen=True)
class DriftAboveLimit:
    """Columns drifted so far that their source may be broken.

    Attributes
    ----------
    about, run_id, reference : str
        `reference` is the version whose records they are compared with.
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
            f"Columns drifted more than {self.limit:g} nats from the records of "
            f"{self.reference}: {some(named, 'columns')}. The production version stays."
        )


@dataclass(frozen=True)
class RunLate:
    """A run takes longer than allowed.

    Attributes
    ----------
    about, run_id : str
    minutes : float
        Since it was queued.
    last_step : str
        Description of its last step.
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
        """Duration and last step."""
        return (
            f"Run {self.run_id} is not finished {self.minutes:.3g} minutes after it was queued; "
            f"{self.last_step}."
        )


@dataclass(frozen=True)
class ApprovalWaits:
    """A version passed the gate and waits for a person.

    Attributes
    ----------
    about, run_id, version : str
    hours : float
        How long it waits.
    link : str
        Of the form.
    """

    about: str
    run_id: str
    version: str
    hours: float
    link: str
    kind: ClassVar[str] = "approval_waits"
    title: ClassVar[str] = "Approval waits"

    @property
    def sentence(self) -> str:
        """What waits, and for how long."""
        return (
            f"Version {self.version} passed the gate. Approve or reject it within {self.hours:g} "
            f"hours; without a response run {self.run_id} fails and the production version stays."
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
    """A scorer does not serve the production version.

    Attributes
    ----------
    about : str
        Its address, and the pipeline unless it does not respond at all.
    finding : str
        What it serves instead, or why it cannot be reached.
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
    | ApprovalWaits
    | ModelOld
    | ScorerStale
    | TrafficDrifted
    | QualityBelowBaseline
    | FeedUnhealthy
    | ReleaseBeyondLimits
    | ReleaseTakenBack
)
