"""How each feed does, at one glance."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo.database import Database

from include.ingest.feeds.settings import Feeds, FeedSettings
from include.ingest.feeds.state import FeedState, FeedStates
from include.ingest.labels.inserts import Document
from include.ingest.review.queue import ReviewQueue

# From its first failed pull on; so people know within a day, and not of every hiccup.
_DEAD_AFTER = timedelta(hours=12)


@dataclass(frozen=True)
class FeedHealth:
    """A feed as `feeds status` shows it.

    Attributes
    ----------
    pipeline, feed : str
    status : str
        "off", "new", "well", "failing", "dead", "held back", "standing still" or "not pulled".
    reason : str
        Why it is not well.
    last_pull_at, last_success_at, next_due_at : datetime or None
    n_records, n_new, n_known, n_held, n_bad : int
        Of the last pull that landed.
    n_waiting : int
        Records of the feed that wait for a review.
    n_failures : int
        Failed pulls in a row.
    """

    pipeline: str
    feed: str
    status: str
    reason: str
    last_pull_at: datetime | None
    last_success_at: datetime | None
    next_due_at: datetime | None
    n_records: int
    n_new: int
    n_known: int
    n_held: int
    n_bad: int
    n_waiting: int
    n_failures: int

    @property
    def is_alarming(self) -> bool:
        """Whether people must look at it."""
        return self.status in ("dead", "held back", "standing still", "not pulled")


def feed_health(
    feeds: Feeds, states: Mapping[str, FeedState], waiting: Mapping[str, int], now: datetime
) -> list[FeedHealth]:
    """Return how each feed does, in the order of the file.

    Parameters
    ----------
    feeds : Feeds
    states : mapping of str to FeedState
        By name of each feed.
    waiting : mapping of str to int
        How many records of each feed wait for a review.
    now : datetime
        Aware.
    """
    found = []
    for feed in feeds.feeds:
        state = states[feed.name]
        status, reason = _status(feed, state, now)
        found.append(
            FeedHealth(
                state.pipeline,
                feed.name,
                status,
                reason,
                state.last_pull_at,
                state.last_success_at,
                state.next_due_at,
                state.n_records,
                state.n_new,
                state.n_known,
                state.n_held,
                state.n_bad,
                waiting.get(feed.name, 0),
                state.n_failures,
            )
        )
    return found


def read_health(
    database: Database[Document], pipeline: str, feeds: Feeds, now: datetime
) -> list[FeedHealth]:
    """Return how each feed of a pipeline does, in the order of the file.

    Parameters
    ----------
    database : pymongo Database
    pipeline : str
    feeds : Feeds
    now : datetime
        Aware.

    Raises
    ------
    StoreUnavailableError
    """
    states = FeedStates(database, pipeline)
    known = {feed.name: states.read(feed.name) for feed in feeds.feeds}
    return feed_health(feeds, known, ReviewQueue(database, pipeline).count_waiting(), now)


def _status(feed: FeedSettings, state: FeedState, now: datetime) -> tuple[str, str]:
    if not feed.enabled:
        return "off", ""
    if state.last_pull_at is None:
        return "new", "never pulled"
    if state.held:
        return "held back", f"{state.held} (since {state.held_since:%Y-%m-%d %H:%M})"
    if state.failing_since is not None:
        is_dead = now - state.failing_since >= _DEAD_AFTER
        return "dead" if is_dead else "failing", state.error
    if now - state.last_pull_at > 2 * feed.interval + _DEAD_AFTER:
        return "not pulled", f"the last pull was at {state.last_pull_at:%Y-%m-%d %H:%M}"
    if state.changed_at and now - state.changed_at > timedelta(days=feed.stale_days):
        return "standing still", f"the same content since {state.changed_at:%Y-%m-%d %H:%M}"
    return "well", ""
