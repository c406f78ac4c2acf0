"""Whether a pull may land: what tells a poisoned or broken feed from a good one; no I/O."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from include.ingest.feeds.settings import FeedSettings
from include.ingest.feeds.state import FeedState

_MAX_BAD_SHARE = 0.2
_MAX_DOUBTFUL_SHARE = 0.05
_MIN_DOUBTFUL = 20
# Small feeds double by chance.
_MIN_RECORDS = 20


@dataclass
class Examined:
    """What was counted of a pull before anything of it lands.

    Attributes
    ----------
    n_records, n_bad : int
        Entries that are records, and entries that are none.
    n_doubtful : int
        Records that are held back for the first time.
    doubts : Counter of str
        Of those, how many for each reason's kind.
    """

    n_records: int = 0
    n_bad: int = 0
    n_doubtful: int = 0
    doubts: Counter[str] = field(default_factory=Counter)


def reason_to_hold(feed: FeedSettings, state: FeedState, pull: Examined) -> str:
    """Return why a pull is held back as a whole; empty if it may land.

    Parameters
    ----------
    feed : FeedSettings
        Its expected numbers.
    state : FeedState
        With the usual number of records.
    pull : Examined
    """
    n_records, n_entries = pull.n_records, pull.n_records + pull.n_bad
    if n_records == 0:
        return "it has no records"
    if pull.n_bad > max(_MAX_BAD_SHARE * n_entries, 1):
        return f"{pull.n_bad:,} of {n_entries:,} entries are no records"
    if pull.n_doubtful >= _MIN_DOUBTFUL and pull.n_doubtful > _MAX_DOUBTFUL_SHARE * n_records:
        most, count = pull.doubts.most_common(1)[0]
        return (
            f"{pull.n_doubtful:,} of {n_records:,} records are doubtful; most often ({count:,}) "
            f"{most}"
        )
    if state.is_accepted:
        return ""
    fewest, most_allowed = feed.expected
    if not fewest <= n_records <= most_allowed:
        return f"{n_records:,} records, and {fewest:,} to {most_allowed:,} are expected"
    before = state.usual_size
    if before and max(before, n_records) >= _MIN_RECORDS:
        factor = 1 + feed.max_change
        if not before / factor <= n_records <= before * factor:
            return (
                f"{n_records:,} records, usually {before:,.0f}; at most {factor:g} times as "
                "many or as few are expected"
            )
    return ""


def contradiction(found: Mapping[str, object], other_label: str) -> str:
    """Return why a record is doubtful whose opposite label is stored."""
    if found.get("reviewed_by"):
        return f"reviewed as {other_label} by {found['reviewed_by']}"
    return f"{other_label} by {found.get('source') or 'an unknown source'}"
