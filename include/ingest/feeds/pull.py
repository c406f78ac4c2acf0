"""Pull one feed: request it, check it, and land its records, each of them once.

Killed at any moment, a pull leaves records that are whole; the next one, a minimum interval later,
lands the rest, since what says that the content is known is written last.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from pymongo.database import Database

from include.errors import DataRejectedError, FeedUnavailableError
from include.ingest.feeds.checks import reason_to_hold
from include.ingest.feeds.examine import Collected, Examiner, spooled
from include.ingest.feeds.fetch import Fetched, Target, fetch
from include.ingest.feeds.settings import FeedSettings
from include.ingest.feeds.state import KEPT_SIZES, FeedState, FeedStates
from include.ingest.labels.inserts import Document
from include.ingest.labels.reports import land_reports
from include.ingest.review.queue import ReviewQueue
from include.stores.objects import ObjectStore

_LOG = logging.getLogger(__name__)
# A backlog of a watched folder that is longer goes on at the next pull.
_MAX_FILES = 1_000
_BARRED = ("rejected", "corrected")
_LONGEST_BACKOFF = timedelta(days=1)

Outcome = Literal["not due", "failed", "unchanged", "held", "landed"]


@dataclass(frozen=True)
class PullReport:
    """What came of a pull.

    Attributes
    ----------
    feed : str
    outcome : {"not due", "failed", "unchanged", "held", "landed"}
    reason : str
        Why it failed or was held back.
    n_records, n_new, n_held : int
        Records of the pull, those not stored before, and those that wait for a review.
    next_due_at : datetime or None
    """

    feed: str
    outcome: Outcome
    reason: str = ""
    n_records: int = 0
    n_new: int = 0
    n_held: int = 0
    next_due_at: datetime | None = None

    def followed_by(self, last: "PullReport") -> "PullReport":
        """Return the report of this file of a folder and the next one."""
        return replace(
            last,
            outcome=self.outcome if last.outcome == "unchanged" else last.outcome,
            n_records=self.n_records + last.n_records,
            n_new=self.n_new + last.n_new,
            n_held=self.n_held + last.n_held,
        )


@dataclass(frozen=True)
class Collector:
    """Pulls the feeds of a pipeline.

    Attributes
    ----------
    database : pymongo Database
        Holds records, states and what is held back.
    pipeline : Collected
    work_dir : Path
        Where files lie meanwhile; kept between pulls, it lets an interrupted transfer go on.
    data_dir : Path or None
        Where ``file:`` addresses lie.
    store : ObjectStore or None
        Where ``s3:`` addresses lie.
    timeout_s : float
        Of each step of a request.
    """

    database: Database[Document]
    pipeline: Collected
    work_dir: Path
    data_dir: Path | None = None
    store: ObjectStore | None = None
    timeout_s: float = 30.0

    @property
    def states(self) -> FeedStates:
        """What is known of the feeds."""
        return FeedStates(self.database, self.pipeline.name)

    @property
    def queue(self) -> ReviewQueue:
        """What waits for a review."""
        return ReviewQueue(self.database, self.pipeline.name)

    def pull(self, feed: FeedSettings, target: Target, now: datetime) -> PullReport:
        """Return what came of pulling a feed, if it is due.

        Parameters
        ----------
        feed : FeedSettings
        target : Target
            Its address and headers, with credentials.
        now : datetime
            Aware.

        Raises
        ------
        StoreUnavailableError
            If MongoDB cannot be reached.
        """
        state = self.states.claim(feed, now)
        if state is None:
            due = self.states.read(feed.name).next_due_at
            return PullReport(feed.name, "not due", next_due_at=due)
        report, has_more = self._once(feed, target, state, now)
        for _ in range(_MAX_FILES):
            if not has_more:
                break
            last, has_more = self._once(feed, target, self.states.read(feed.name), now)
            report = report.followed_by(last)
        return report

    def _once(
        self, feed: FeedSettings, target: Target, state: FeedState, now: datetime
    ) -> tuple[PullReport, bool]:
        """Return what came of one request or file, and whether another file may be read."""
        try:
            fetched = fetch(
                feed,
                target,
                state.validators,
                self.work_dir / self.pipeline.name,
                now,
                data_dir=self.data_dir,
                store=self.store,
                timeout_s=self.timeout_s,
            )
        except FeedUnavailableError as err:
            return self._failed(feed, state, err, now), False
        try:
            if fetched.path is None or fetched.sha256 == state.sha256:
                report = PullReport(feed.name, "unchanged", next_due_at=now + feed.interval)
                self._succeeded(feed, _with_validators(state, fetched), now)
            else:
                report = self._changed(feed, state, fetched, fetched.path, now)
        finally:
            if fetched.path is not None and fetched.path.is_relative_to(self.work_dir):
                fetched.path.unlink(missing_ok=True)
        _LOG.info(
            "%s, feed %s: %s; %d records, %d new, %d held back",
            *(self.pipeline.name, feed.name, report.outcome),
            *(report.n_records, report.n_new, report.n_held),
        )
        return report, fetched.has_more and report.outcome != "held"

    def _changed(
        self, feed: FeedSettings, state: FeedState, fetched: Fetched, path: Path, now: datetime
    ) -> PullReport:
        examiner = Examiner(self.pipeline, self.database[self.pipeline.name], self.queue)
        with TemporaryDirectory(prefix="nightcatch-feed-") as folder:
            spool = Path(folder) / "documents"
            try:
                pull = examiner.examine(path, feed, spool)
            except DataRejectedError as err:
                return self._held(feed, state, _without_path(err, path), now)
            if reason := reason_to_hold(feed, state, pull):
                return self._held(feed, state, reason, now, pull.n_records)
            n_new, n_held = self._land(feed, spool, now)
        self._succeeded(
            feed,
            replace(
                _with_validators(state, fetched),
                sha256=fetched.sha256,
                changed_at=now,
                is_accepted=False,
                n_records=pull.n_records,
                sizes=self._sizes(state, pull.n_records),
                n_new=n_new,
                n_known=pull.n_records - n_new - n_held,
                n_held=n_held,
                n_bad=pull.n_bad,
            ),
            now,
        )
        self.queue.release_pull(feed.name)
        due = now + feed.interval
        return PullReport(feed.name, "landed", "", pull.n_records, n_new, n_held, due)

    def _land(self, feed: FeedSettings, spool: Path, now: datetime) -> tuple[int, int]:
        """Return how many records were new and how many are held back; the others are stored."""
        records, queue, states = self.database[self.pipeline.name], self.queue, self.states
        n_new = n_held = 0
        for reporter, batch in spooled(spool, feed, self.pipeline.layout):
            known = queue.states_of(document["_id"] for document, _ in batch)
            landing, holding = [], []
            for document, doubt in batch:
                state = known.get(document["_id"])
                if state == "confirmed" or (not doubt and state not in _BARRED):
                    landing.append(document)
                else:
                    holding.append((document, doubt or f"{state} before"))
            queue.hold_records(holding, reporter, now)
            landed = land_reports(records, landing, reporter, now)
            states.count_new(feed.name, landed)
            n_new, n_held = n_new + landed, n_held + len(holding)
        return n_new, n_held

    def _sizes(self, state: FeedState, n_records: int) -> tuple[int, ...]:
        """Return the last sizes; those before what a person accepted count no more."""
        before = () if state.is_accepted else state.sizes
        return (*before, n_records)[-KEPT_SIZES:]

    def _succeeded(self, feed: FeedSettings, state: FeedState, now: datetime) -> None:
        self.states.save(
            replace(
                state,
                next_due_at=now + feed.interval,
                last_success_at=now,
                failing_since=None,
                n_failures=0,
                error="",
                held_since=None,
                held="",
            )
        )

    def _failed(
        self, feed: FeedSettings, state: FeedState, err: FeedUnavailableError, now: datetime
    ) -> PullReport:
        """Note a failure; the feed is left alone for longer the more often it fails."""
        n_failures = state.n_failures + 1
        backoff = min(feed.min_interval * 2 ** min(n_failures - 1, 10), _LONGEST_BACKOFF)
        wait = max(backoff, feed.min_interval, timedelta(seconds=err.retry_after_s))
        self.states.save(
            replace(
                state,
                next_due_at=now + wait,
                failing_since=state.failing_since or now,
                n_failures=n_failures,
                error=str(err),
            )
        )
        _LOG.warning("%s, feed %s: %s", self.pipeline.name, feed.name, err)
        return PullReport(feed.name, "failed", str(err), next_due_at=now + wait)

    def _held(
        self,
        feed: FeedSettings,
        state: FeedState,
        reason: str,
        now: datetime,
        n_records: int = 0,
    ) -> PullReport:
        """Hold a whole pull back; the next one is requested in full."""
        due = now + feed.interval
        self.states.save(
            replace(
                state,
                # A held file of a folder is read again, and the ones before it are not.
                etag=state.etag if feed.is_folder else "",
                last_modified="",
                next_due_at=due,
                failing_since=None,
                n_failures=0,
                error="",
                held_since=state.held_since or now,
                held=reason,
            )
        )
        self.queue.hold_pull(feed.name, reason, now)
        _LOG.warning("%s, feed %s is held back: %s", self.pipeline.name, feed.name, reason)
        return PullReport(feed.name, "held", reason, n_records, next_due_at=due)


def _with_validators(state: FeedState, fetched: Fetched) -> FeedState:
    known = fetched.validators
    return replace(state, etag=known.etag, last_modified=known.last_modified)


def _without_path(err: DataRejectedError, path: Path) -> str:
    return str(err).removeprefix(f"{path}").lstrip(":, ")
