"""From when on a day's traffic is worth an alert, in one readable file by pipeline."""

from dataclasses import dataclass
from pathlib import Path

from include import pipelines
from include.errors import MonitoringError
from include.stores.toml import read_fields

_FILE = "monitoring.toml"
_WHOLE = ("min_items", "min_labels", "label_days")


@dataclass(frozen=True)
class Limits:
    """What is enough, and what is too far.

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

    min_items: int = 500
    warn_kl: float = 0.05
    alert_kl: float = 0.25
    min_labels: int = 50
    label_days: int = 28
    confidence: float = 0.99
    retrain: bool = False


def limits_of(pipeline: str) -> Limits:
    """Return the limits of a pipeline, as its folder says now; errors as in `read_limits`."""
    return read_limits(Path(pipelines.__file__).with_name(pipeline) / _FILE)


def read_limits(path: Path) -> Limits:
    """Return the limits in a TOML file; the default ones where there is no file.

    Raises
    ------
    MonitoringError
        If the file is no TOML, or names or sets something that cannot be.
    """
    given = read_fields(path, Limits, MonitoringError)
    if wrong := sorted(name for name, value in given.items() if not _can_be(name, value)):
        raise MonitoringError(f"{path.name}: {wrong[0]} = {given[wrong[0]]!r} cannot be")
    return Limits(**given)


def _can_be(name: str, value: object) -> bool:
    if name == "retrain":
        return isinstance(value, bool)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if name in _WHOLE:
        return isinstance(value, int) and value >= 1
    return 0.5 < value < 1 if name == "confidence" else 0 < value < 1_000
