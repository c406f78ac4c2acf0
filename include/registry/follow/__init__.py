"""The consumer of model versions: it verifies nothing it has not verified, byte by byte.

It reads what `publish` and `approve` write, imports neither, and knows nothing of HTTP.
"""

from include.registry.follow.follower import Follower, Outcome, ProductionModel
from include.registry.follow.last_good import LastGood
from include.registry.follow.list_follower import ListFollower
from include.registry.follow.poller import Poller
from include.registry.follow.report import Report
from include.registry.follow.verify import TrustedKeys, VersionBytes

__all__ = [
    "Follower",
    "LastGood",
    "ListFollower",
    "Outcome",
    "Poller",
    "ProductionModel",
    "Report",
    "TrustedKeys",
    "VersionBytes",
]
