"""Documents of the steps that publish a version, and of what its labels say afterwards."""

from dataclasses import dataclass
from itertools import takewhile
from typing import ClassVar, Literal

from include.contract.verdicts import PHISHING


@dataclass(frozen=True)
class PackagedVersion:
    """The version that the run published.

    Attributes
    ----------
    version, manifest_sha256 : str
    size_bytes : int
        Of the models.
    """

    NAME: ClassVar[str] = "version.json"
    version: str
    manifest_sha256: str
    size_bytes: int


@dataclass(frozen=True)
class ServingFigures:
    """How the published files behave in the scorer's own code.

    Attributes
    ----------
    onnx_difference : float
        Largest difference of a probability between ONNX and scikit-learn.
    latency_us : float
        Median time of a core to score one record.
    size_bytes : int
        Of the models.
    """

    NAME: ClassVar[str] = "infra_validation.json"
    onnx_difference: float
    latency_us: float
    size_bytes: int


@dataclass(frozen=True)
class GateVerdict:
    """The outcome of one gate rule; fields as in `include.evaluation.gate.rule_results.Verdict`."""

    rule: str
    passed: bool
    sentence: str
    evaluated: bool = True
    figure: float | None = None
    limit: float | None = None


@dataclass(frozen=True)
class GateVerdicts:
    """The outcome of every gate rule."""

    NAME: ClassVar[str] = "gate.json"
    verdicts: tuple[GateVerdict, ...]


@dataclass(frozen=True)
class Drawn:
    """An item on which exactly one of two versions raises an alert, drawn to be labelled.

    Attributes
    ----------
    id : str
        Of its prediction.
    shown : str
        What a person sees of it: a URL as the traffic log keeps it, or nothing.
    new, old : str
        The verdicts of the new version and of the one it is compared with.
    new_probability, old_probability : float
        Of phishing.
    state : {"drawn", "waiting", "decided", "lost"}
        Waiting in the review queue; decided, also where the decision is to train on neither label;
        lost where the prediction is not kept any more.
    is_phishing : bool or None
        What a person said; None where nobody did, or the item was rejected.
    """

    id: str
    shown: str
    new: str
    old: str
    new_probability: float
    old_probability: float
    state: Literal["drawn", "waiting", "decided", "lost"] = "drawn"
    is_phishing: bool | None = None

    @property
    def is_new_right(self) -> bool | None:
        """Whether the new version is right, and so the other one wrong; None without a label."""
        if self.is_phishing is None:
            return None
        return (self.new == PHISHING) == self.is_phishing


@dataclass(frozen=True)
class Disagreements:
    """The items drawn of two versions, in the order in which they were drawn.

    Attributes
    ----------
    version, before : str
        The new version, and the one that it is compared with.
    drawn : tuple of Drawn
    """

    NAME: ClassVar[str] = "disagreements.json"
    version: str
    before: str
    drawn: tuple[Drawn, ...] = ()

    @property
    def counted(self) -> list[bool]:
        """Whether the new version is right, of the labels up to the first item nobody decided on.

        Labels after it wait, so that who labels the easy ones first does not choose which count.
        """
        decided = takewhile(lambda each: each.state in ("decided", "lost"), self.drawn)
        return [each.is_new_right for each in decided if each.is_new_right is not None]
