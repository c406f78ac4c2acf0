"""The kinds of alerts about scored traffic; the others are in `include.notify.kinds`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from include.notify.delivery.text import some


@dataclass(frozen=True)
class TrafficDrifted:
    """Inputs or scores of the traffic drifted.

    Attributes
    ----------
    about, day, version : str
        `version` was in production when the day ended.
    moved : mapping of str to float
        Kullback-Leibler divergence of each such field, in nats.
    limit : float
    link : str
    """

    about: str
    day: str
    version: str
    moved: Mapping[str, float]
    limit: float
    link: str
    kind: ClassVar[str] = "traffic_drifted"
    title: ClassVar[str] = "Traffic drifted"

    @property
    def sentence(self) -> str:
        """Which fields, how far, and how far they may."""
        named = [f"{field} by {kl:.3g}" for field, kl in self.moved.items()]
        return (
            f"The traffic of {self.day} drifted more than {self.limit:g} nats from the data of "
            f"{self.version}: {some(named, 'fields')}. The production version stays."
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
