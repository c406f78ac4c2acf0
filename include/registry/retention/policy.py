"""How long a pipeline's versions, runs, snapshots and traffic are kept, in one readable file."""

from dataclasses import dataclass
from pathlib import Path

from include.errors import RetentionError
from include.stores.toml import read_fields

# Longer than a run takes and than an approval may wait.
MIN_DAYS = 2


@dataclass(frozen=True)
class Retention:
    """How long what a pipeline made is kept.

    Attributes
    ----------
    days : int
        Versions, runs, quarantined rows, Data Docs and snapshots younger than this are kept.
    newest_versions : int
        So many versions are kept whatever their age.
    traffic_days, feedback_days : int
        What was scored is kept for so many days; what it turned out to be, and what each day's
        traffic showed, for so many.
    """

    days: int = 90
    newest_versions: int = 20
    traffic_days: int = 90
    feedback_days: int = 365

    def __post_init__(self) -> None:
        for name in ("days", "traffic_days", "feedback_days"):
            if getattr(self, name) < MIN_DAYS:
                raise RetentionError(
                    f"{name} = {getattr(self, name)}: a run under way or a waiting approval may "
                    f"need what is younger than {MIN_DAYS} days"
                )
        if self.newest_versions < 1:
            raise RetentionError("newest_versions must be at least 1")


def read_retention(path: Path) -> Retention:
    """Return the policy in a TOML file; the default one where there is no file.

    Raises
    ------
    RetentionError
        If the file is no TOML, or names or sets something that cannot be.
    """
    given = read_fields(path, Retention, RetentionError)
    if wrong := [name for name, value in given.items() if type(value) is not int]:
        raise RetentionError(f"{path.name}: not a whole number: {', '.join(sorted(wrong))}")
    return Retention(**given)
