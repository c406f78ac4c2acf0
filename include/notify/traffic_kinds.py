"""The kinds of alerts about scored traffic; the others are in `include.notify.kinds`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from include.notify.delivery.text import some


@dataclass(frozen=True)
class TrafficDrifted:
    """Inputs or scores of the traffic are not what they were.

    Attributes
    ----------
    about, day, version : str
        `version` was in production when the day ended.
    moved : mapping of str to float
        Kullback-Leibler divergence of each such field from earlier days, in nats.
    slices : sequence of str
        Which slices it touches.
    rate : float
        Largest probability of any such alert in a year without a change.
    link : str
    """

    about: str
    day: str
    version: str
    moved: Mapping[str, float]
    slices: Sequence[str]
    rate: float
    link: str
    kind: ClassVar[str] = "traffic_drifted"
    title: ClassVar[str] = "Traffic drifted"

    @property
    def sentence(self) -> str:
        """Which fields, how far, what it touches, and how often it is wrong."""
        named = [f"{field} by {kl:.3g}" for field, kl in self.moved.items()]
        touched = f" Slices: {some(self.slices, 'slices', '; ')}." if self.slices else ""
        return (
            f"The traffic of {self.day} is not what it was on earlier days (nats): "
            f"{some(named, 'fields')}.{touched} A year without a change sees such an alert with "
            f"{self.rate:.0%} probability at most. {self.version} stays in production."
        )


@dataclass(frozen=True)
class QualityBelowBaseline:
    """Labels show that the production version is worse than its baseline.

    Attributes
    ----------
    about, day : str
    broken : sequence of str
        A sentence for each metric whose whole interval is beyond its baseline.
    link : str
    """

    about: str
    day: str
    broken: Sequence[str]
    link: str
    kind: ClassVar[str] = "quality_below_baseline"
    title: ClassVar[str] = "Quality below baseline"

    @property
    def sentence(self) -> str:
        """Which metrics, with intervals and baselines."""
        return (
            f"Labels known on {self.day}: {' '.join(self.broken)} Labels are a biased sample. "
            "The production version stays."
        )
