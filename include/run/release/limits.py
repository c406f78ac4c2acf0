"""When a release is beyond its limits, and what happens then: `release.toml`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from include import pipelines
from include.config.reading import POLICY, read_toml
from include.errors import MonitoringError

Mode = Literal["off", "advise", "act"]
_FILE = "release.toml"


@dataclass(frozen=True, config=POLICY)
class ReleaseLimits:
    """Limits of a release, compared with the version before it on the same requests.

    Attributes
    ----------
    mode : str
        `off`, `advise` (alert people) or `act` (roll back, then alert people).
    days : int
        So long after its approval a release is watched.
    max_alert_ratio : float
        So many times the alerts of the version before are allowed; 1.5 in the gate's replay too.
    error_rate : float
        Largest probability that a release which keeps all limits is ever found beyond one, over
        all looks; each of three rules has a third of it.
    max_items : int
        Number of different inputs that are scored by both versions, the first since the approval.
    """

    mode: Mode = "advise"
    days: Annotated[int, Field(ge=1, le=30)] = 3
    max_alert_ratio: Annotated[float, Field(ge=1, le=100)] = 1.5
    error_rate: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    max_items: Annotated[int, Field(ge=100, le=100_000)] = 20_000


def release_limits_of(pipeline: str) -> ReleaseLimits:
    """Return the limits of a pipeline, read now; errors as in `read_release_limits`."""
    return read_release_limits(Path(pipelines.__file__).with_name(pipeline) / _FILE)


def read_release_limits(path: Path) -> ReleaseLimits:
    """Return the limits in a TOML file; the default ones if there is no file.

    Raises
    ------
    MonitoringError
        If the file is not TOML, or has unknown keys or wrong values: each is named.
    """
    return read_toml(ReleaseLimits, path, MonitoringError)
