"""Documents of the steps that publish a version: package, serving checks, gate."""

from dataclasses import dataclass
from typing import ClassVar


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
