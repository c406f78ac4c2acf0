"""What waits in MongoDB for a person: labels that are held back, and feeds that fail."""

from datetime import datetime
from typing import Any

from pymongo.database import Database

from include.ingest.feeds.health import FeedHealth, feed_health
from include.ingest.feeds.state import FeedStates
from include.ingest.review.queue import ReviewQueue
from include.pipelines import get
from include.status.figures import FeedProblem, Labels
from include.status.sources import Sources


def labels_waiting(sources: Sources, now: datetime) -> Labels:
    """Return how many labels wait, and which feeds people must look at.

    Raises
    ------
    StoreUnavailableError
        If MongoDB cannot be read.
    """
    with sources.database() as database:
        held = {
            name: sum(ReviewQueue(database, name).count_waiting().values())
            for name in sources.pipelines
        }
        health = [each for name in sources.pipelines for each in _feeds(database, name, now)]
    feeds = tuple(
        FeedProblem(each.pipeline, each.feed, each.status, each.reason)
        for each in health
        if each.is_alarming
    )
    return Labels(held, feeds)


def _feeds(database: Database[dict[str, Any]], name: str, now: datetime) -> list[FeedHealth]:
    feeds, states = get(name).feeds, FeedStates(database, name)
    found = {feed.name: states.read(feed.name) for feed in feeds.feeds}
    return feed_health(feeds, found, {}, now)
