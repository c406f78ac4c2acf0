"""How long a pipeline's versions, runs, snapshots and traffic are kept: `retention.toml`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from include.config.reading import POLICY, read_toml
from include.errors import RetentionError

# A running run or a waiting approval may need what is younger.
MIN_DAYS = 2
Days = Annotated[int, Field(ge=MIN_DAYS)]


@dataclass(frozen=True, config=POLICY)
class Retention:
    """How long the objects of a pipeline are kept.

    Attributes
    ----------
    days : int
        Versions, runs, quarantined rows, Data Docs and snapshots younger than this are kept.
    newest_versions : int
        Number of versions that are kept whatever their age.
    traffic_days, feedback_days : int
        Number of days that traffic is kept, and that feedback and the figures of a day's traffic
        are kept.
    """

    days: Days = 90
    newest_versions: Annotated[int, Field(ge=1)] = 20
    traffic_days: Days = 90
    feedback_days: Days = 365


def read_retention(path: Path) -> Retention:
    """Return the policy in a TOML file; the default one if there is no file.

    Raises
    ------
    RetentionError
        If the file is not TOML, or has unknown keys or wrong values: each is named.
    """
    return read_toml(Retention, path, RetentionError)
