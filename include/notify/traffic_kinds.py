"""The kinds of alerts that tell of what is scored; the others stand in `include.notify.kinds`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from include.notify.text import some


@dataclass(frozen=True)
class TrafficDrifted:
    """What is asked, or what is answered, is no longer what it was.

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
            f"The traffic of {self.day} has moved more than {self.limit:g} nats from what "
            f"{self.version} knows: {some(named, 'fields')}. What is in production stays."
        )


@dataclass(frozen=True)
class QualityBelowBaseline:
    """Labels show that the version in production is not as good as it was measured to be.

    Attributes
    ----------
    about, day : str
    broken : sequence of str
        A sentence for each figure whose whole interval is beyond what was promised.
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
        """Which figures, with intervals and promises."""
        return (
            f"Labels known on {self.day}: {' '.join(self.broken)} Labels are a biased sample. "
            "What is in production stays."
        )
