"""The kinds of alerts about a release; the others are in `include.notify.kinds`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from include.contract.pointer import Pointer
from include.registry.request import is_held


@dataclass(frozen=True)
class ReleaseBeyondLimits:
    """The version in production does worse on live traffic than the one before it.

    Attributes
    ----------
    about, version : str
    broken : sequence of str
        A sentence for each limit it is beyond.
    link : str
    """

    about: str
    version: str
    broken: Sequence[str]
    link: str
    kind: ClassVar[str] = "release_beyond_limits"
    title: ClassVar[str] = "Release beyond limits"

    @property
    def sentence(self) -> str:
        """Which limits, with figures."""
        return f"{self.version} stays in production, and {'; '.join(self.broken)}."


@dataclass(frozen=True)
class ReleaseTakenBack:
    """A release was taken back, and no person has approved a version since.

    Attributes
    ----------
    about, version : str
        `version` is in production again.
    reason : str
        As it was signed.
    link : str
    """

    about: str
    version: str
    reason: str
    link: str
    kind: ClassVar[str] = "release_taken_back"
    title: ClassVar[str] = "Release taken back"

    @property
    def sentence(self) -> str:
        """Why, and what waits."""
        return (
            f"{self.version} is in production again. Reason: {self.reason}. The next approval is a "
            "person's."
        )


def release_causes(
    in_production: Pointer | None, broken: Sequence[str], link: str
) -> list[ReleaseBeyondLimits | ReleaseTakenBack]:
    """Return what is wrong with the release of a pipeline now.

    Parameters
    ----------
    in_production : Pointer or None
    broken : sequence of str
        A sentence for each limit that it is beyond.
    link : str
        Address of the pipeline's versions.
    """
    if in_production is None:
        return []
    about, version = in_production.pipeline, in_production.version
    if is_held(in_production):
        return [ReleaseTakenBack(about, version, in_production.reason, link)]
    return [ReleaseBeyondLimits(about, version, broken, link)] if broken else []
