"""The limits beyond which a day of traffic raises an alert: `monitoring.toml`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from include import pipelines
from include.config.reading import POLICY, read_toml
from include.errors import MonitoringError

_FILE = "monitoring.toml"
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, config=POLICY)
class Limits:
    """Limits of drift and quality, and minimum numbers of items and labels.

    Attributes
    ----------
    min_items : int
        Number of different inputs that must have been scored for a day to be tested for drift.
        Random variation moves n items in k categories by (k - 1) / 2n nats: 500 in 20 by 0.02.
    false_alarm_rate : float
        Largest probability of any alarm of drift in a year without a change, over all fields.
    min_labels : int
        Of one class; with fewer, recall or false-positive rate is not evaluated.
    label_days : int
        Number of days, the watched one the last, whose labels are evaluated together.
    confidence : float
        Of the intervals. Higher than for the gate, as it is evaluated daily: a version whose
        false-positive rate is exactly its budget raises an alert in 11 % of years (58 % at 0.95);
        one of twice the budget in 98 %, after two months (simulated, 10 labels a day).
    retrain : bool
        Whether a day beyond its limits may start a training run.
    """

    min_items: Count = 500
    false_alarm_rate: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    min_labels: Count = 50
    label_days: Count = 28
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.99
    retrain: bool = False


def limits_of(pipeline: str) -> Limits:
    """Return the limits of a pipeline, read now; errors as in `read_limits`."""
    return read_limits(Path(pipelines.__file__).with_name(pipeline) / _FILE)


def read_limits(path: Path) -> Limits:
    """Return the limits in a TOML file; the default ones if there is no file.

    Raises
    ------
    MonitoringError
        If the file is not TOML, or has unknown keys or wrong values: each is named.
    """
    return read_toml(Limits, path, MonitoringError)
