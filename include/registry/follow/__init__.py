"""The consumer of model versions: it believes nothing it has not verified, byte by byte.

It reads what `publish` and `approve` write, imports neither, and knows nothing of HTTP.
"""

from include.registry.follow.believe import Trust, VersionBytes
from include.registry.follow.follower import Follower, InForce, Outcome
from include.registry.follow.last_good import LastGood
from include.registry.follow.poller import Poller
from include.registry.follow.report import Report

__all__ = [
    "Follower",
    "InForce",
    "LastGood",
    "Outcome",
    "Poller",
    "Report",
    "Trust",
    "VersionBytes",
]
