"""Read a fetched feed once: its records as documents in a file, each with the doubt about it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from itertools import islice
from pathlib import Path
from typing import Protocol

import bson
from bson.codec_options import CodecOptions
from pymongo.collection import Collection

from include.ingest.feeds.checks import Examined, contradiction
from include.ingest.feeds.parse import parse_feed
from include.ingest.feeds.settings import FeedSettings
from include.ingest.files.layout import Layout, Record
from include.ingest.files.reader import Row
from include.ingest.files.text_lines import BadLine
from include.ingest.labels.documents import Source, documents
from include.ingest.labels.inserts import Document, translated
from include.ingest.labels.polarity import opposite_ids
from include.ingest.labels.reports import Reporter
from include.ingest.review.queue import ReviewQueue

BATCH_ROWS = 5_000
_AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True, tzinfo=UTC)
_DOUBT = "doubt"

Doubt = Callable[[Record], str]


class Collected(Protocol):
    """What feeds need of a pipeline."""

    @property
    def name(self) -> str:
        """Also the name of its collection."""

    @property
    def layout(self) -> Layout:
        """The columns of its records; they have an identity."""

    @property
    def doubt(self) -> Doubt | None:
        """Says why a label is unlikely from the record alone; empty if it is not."""


@dataclass(frozen=True)
class Examiner:
    """Reads feeds of a pipeline and looks up what contradicts them.

    Attributes
    ----------
    pipeline : Collected
    records : pymongo Collection
        Of the pipeline.
    queue : ReviewQueue
    """

    pipeline: Collected
    records: Collection[Document]
    queue: ReviewQueue

    def examine(self, path: Path, feed: FeedSettings, spool: Path) -> Examined:
        """Write the documents of a feed to `spool`; return what was counted.

        Raises
        ------
        DataRejectedError
            If the file is not of the feed's format.
        StoreUnavailableError
        """
        layout, pull = self.pipeline.layout, Examined()
        rows = parse_feed(path, feed, layout)
        stream = documents(_records(rows, pull), Source(feed.name), layout.identity)
        with spool.open("wb") as file:
            for batch in batches(stream):
                doubts = self._doubts(batch, feed)
                for document in batch:
                    doubt = doubts.get(document["_id"], "")
                    file.write(bson.encode({_DOUBT: doubt, **document}))
                self._count(doubts, pull)
        return pull

    def _doubts(self, batch: Sequence[Document], feed: FeedSettings) -> dict[str, str]:
        """Return why each doubtful document is, by `_id`."""
        found = self._contradictions(batch, feed)
        if self.pipeline.doubt is not None:
            for document in batch:
                if reason := self.pipeline.doubt(document):
                    found[document["_id"]] = reason
        return found

    def _contradictions(self, batch: Sequence[Document], feed: FeedSettings) -> dict[str, str]:
        layout = self.pipeline.layout
        if layout.identity is None:  # two things may have the same values and other labels
            return {}
        opposite = opposite_ids(batch, Source(feed.name), layout.identity, layout.target)
        own = dict(zip(opposite, (document["_id"] for document in batch), strict=True))
        shown = {"source": 1, "reviewed_by": 1, layout.target.source: 1}
        with translated(self.records):
            stored = list(self.records.find({"_id": {"$in": list(own)}}, shown))
        words = {value: word for word, value in layout.labels.items()}
        return {
            own[each["_id"]]: contradiction(each, words[each[layout.target.source]])
            for each in stored
        }

    def _count(self, doubts: dict[str, str], pull: Examined) -> None:
        """Count the doubts that no person has seen yet."""
        known = self.queue.states_of(doubts) if doubts else {}
        for key, reason in doubts.items():
            if key not in known:
                pull.n_doubtful += 1
                pull.doubts[reason.partition(" by ")[0]] += 1


def spooled(
    spool: Path, feed: FeedSettings, layout: Layout
) -> Iterator[tuple[Reporter, list[tuple[Document, str]]]]:
    """Yield batches of the documents that `examine` wrote, each with its doubt.

    All documents of a batch have one label; with it comes who reports them as that.
    """
    since = layout.identity.since if layout.identity else ""
    valid_for = timedelta(days=feed.valid_days)
    with spool.open("rb") as file:
        found = (
            ({name: value for name, value in each.items() if name != _DOUBT}, each[_DOUBT])
            for each in bson.decode_file_iter(file, _AWARE)
        )
        while batch := list(islice(found, BATCH_ROWS)):
            for word, value in layout.labels.items():
                of_label = [each for each in batch if each[0][layout.target.source] == value]
                if of_label:
                    yield Reporter(feed.name, feed.licence, word, valid_for, since), of_label


def batches(stream: Iterable[Document]) -> Iterator[list[Document]]:
    """Yield documents in batches; of several with one `_id` in a batch, the last."""
    stream = iter(stream)
    while batch := list(islice(stream, BATCH_ROWS)):
        yield list({document["_id"]: document for document in batch}.values())


def _records(rows: Iterable[Row | BadLine], pull: Examined) -> Iterator[Record]:
    for row in rows:
        if isinstance(row, Row):
            pull.n_records += 1
            yield row.record
        else:
            pull.n_bad += 1
