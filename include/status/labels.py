"""What waits in MongoDB for a person: labels that are held back, and feeds that fail."""

from datetime import datetime

from include.ingest.feeds.health import read_health
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
        health = [
            each
            for name in sources.pipelines
            for each in read_health(database, name, get(name).feeds, now)
        ]
    feeds = tuple(
        FeedProblem(each.pipeline, each.feed, each.status, each.reason)
        for each in health
        if each.is_alarming
    )
    return Labels(held, feeds)
