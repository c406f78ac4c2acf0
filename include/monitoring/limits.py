"""From when on a day's traffic is worth an alert, in one readable file by pipeline."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from include import pipelines
from include.config.reading import POLICY, read_toml
from include.errors import MonitoringError

_FILE = "monitoring.toml"
Count = Annotated[int, Field(ge=1)]
Divergence = Annotated[float, Field(gt=0, lt=1_000)]


@dataclass(frozen=True, config=POLICY)
class Limits:
    """Limits of drift and quality, and minimum numbers of items and labels.

    Attributes
    ----------
    min_items : int
        So many different inputs must have been scored. Chance alone moves n items in k categories
        by (k - 1) / 2n nats: 500 in 20 by 0.02, less than half of what warns.
    warn_kl, alert_kl : float
        Kullback-Leibler divergence, in nats, from which on a field counts as moved, and from which
        on people are told; those of the nightly drift step.
    min_labels : int
        Of one class; fewer say nothing of recall or false alarms.
    label_days : int
        Labels that came in on so many days, the watched one the last, are judged together.
    confidence : float
        Of the intervals. More than for the gate, as one looks every day: a version whose
        false-positive rate is exactly its budget is told of in 11 % of years, at 0.95 in 58 %; one
        of twice the budget in 98 %, after two months (simulated, 10 labels a day).
    retrain : bool
        Whether a day beyond its limits may start a training run.
    """

    min_items: Count = 500
    warn_kl: Divergence = 0.05
    alert_kl: Divergence = 0.25
    min_labels: Count = 50
    label_days: Count = 28
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.99
    retrain: bool = False


def limits_of(pipeline: str) -> Limits:
    """Return the limits of a pipeline, as its folder says now; errors as in `read_limits`."""
    return read_limits(Path(pipelines.__file__).with_name(pipeline) / _FILE)


def read_limits(path: Path) -> Limits:
    """Return the limits in a TOML file; the default ones if there is no file.

    Raises
    ------
    MonitoringError
        If the file is not TOML, or has unknown keys or wrong values: each is named.
    """
    return read_toml(Limits, path, MonitoringError)
