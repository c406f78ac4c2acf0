"""The kind of alert about feeds; the others are in `include.notify.kinds`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from include.ingest.feeds.health import FeedHealth


@dataclass(frozen=True)
class FeedUnhealthy:
    """A feed is dead, held back, standing still, or not pulled.

    Attributes
    ----------
    about : str
        Pipeline and feed.
    status, reason : str
    last_success : str
        When it last answered as it should; empty if it never did.
    link : str
    """

    about: str
    status: str
    reason: str
    last_success: str
    link: str
    kind: ClassVar[str] = "feed_unhealthy"
    title: ClassVar[str] = "Feed unhealthy"

    @property
    def sentence(self) -> str:
        """What is wrong, why, and since when."""
        since = f"last well at {self.last_success}" if self.last_success else "never well yet"
        return f"The feed is {self.status}: {self.reason}; {since}. Nothing of it is trained on."


def unhealthy_feeds(health: Iterable[FeedHealth], link: str) -> list[FeedUnhealthy]:
    """Return an alert for each feed that people must look at."""
    return [
        FeedUnhealthy(
            f"{each.pipeline} {each.feed}",
            each.status,
            each.reason,
            f"{each.last_success_at:%Y-%m-%d %H:%M} UTC" if each.last_success_at else "",
            link,
        )
        for each in health
        if each.is_alarming
    ]
