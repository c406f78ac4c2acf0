"""Puts records into MongoDB by what they are: loading twice, or again after a kill, is once.

Without an identity, a record's `_id` is the hash of its content and its number among identical
ones of the same source: exact duplicates in one file stay separate records, the same file loaded
again adds nothing, and two files that overlap are merged. With one, the `_id` is the identity's
hash, and of several reports of the same thing the earliest stays. Otherwise records already there
are never overwritten.
"""

import itertools
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pymongo.collection import Collection

from include.contract.schema import Target
from include.errors import DataRejectedError
from include.ingest.files.layout import Identity, Record
from include.ingest.files.reader import Row
from include.ingest.files.text_lines import BadLine
from include.ingest.labels.documents import Source, documents
from include.ingest.labels.inserts import (
    Document,
    holds_real,
    insert_absent,
    keep_earliest,
    remove_simulated,
)
from include.ingest.labels.polarity import (
    AskModel,
    Coding,
    Known,
    compare_with_stored,
    describe_coding,
    refuse_inverted,
)

_LOG = logging.getLogger(__name__)
_BATCH_ROWS = 5_000
_SHOWN_BAD_LINES = 100
_NUMBER = re.compile(r"[+-]?[0-9]{1,10}(\.0*)?")

Progress = Callable[[int], None]


@dataclass(frozen=True)
class LoadReport:
    """What a load did.

    Attributes
    ----------
    source : Source
    n_read : int
        Lines that hold something, bad ones included.
    n_inserted, n_unchanged : int
        Records added, and records that were there before.
    n_bad : int
        Lines that hold no record.
    bad_lines : tuple of BadLine
        The first hundred of them.
    n_replaced : int
        Synthetic records that were removed because real ones were loaded.
    n_earlier : int
        Of the records that were there, those whose earlier report this source holds.
    notes : tuple of str
        What the person who loads should know: what labels were taken for, dates that were lost.
    """

    source: Source
    n_read: int
    n_inserted: int
    n_unchanged: int
    n_bad: int
    bad_lines: tuple[BadLine, ...]
    n_replaced: int = 0
    n_earlier: int = 0
    notes: tuple[str, ...] = ()


@dataclass
class _Tally:
    """Counts kept while a load runs."""

    n_read: int = 0
    n_inserted: int = 0
    n_earlier: int = 0
    n_bad: int = 0
    bad_lines: list[BadLine] = field(default_factory=list)
    n_dates_lost: int = 0
    lost_date: str = ""
    codes: dict[int, int] = field(default_factory=dict)
    label_notes: list[str] = field(default_factory=list)

    def count(self, row: Row, target: Target | None) -> None:
        """Count what of a row's line is not in its record."""
        if row.lost_date:
            self.n_dates_lost += 1
            self.lost_date = self.lost_date or row.lost_date
        if target is not None and _NUMBER.fullmatch(row.label):
            self.codes[int(float(row.label))] = int(row.record[target.source])  # type: ignore[arg-type]


def load_records(
    collection: Collection[Document],
    rows: Iterable[Row | BadLine],
    source: Source,
    *,
    identity: Identity | None = None,
    target: Target | None = None,
    coding: Coding | None = None,
    ask_model: AskModel | None = None,
    batch_rows: int = _BATCH_ROWS,
    progress: Progress | None = None,
) -> LoadReport:
    """Insert the records that are not there yet and report what was done.

    Memory grows with the number of different records (some 200 bytes each), not with the rows.
    Simulated records are removed before the first real one is written, and never join real ones.

    Parameters
    ----------
    collection : pymongo Collection
        Of a replica set.
    rows : iterable of Row or BadLine
        As `read_records` yields them.
    source : Source
    identity : Identity, optional
        What makes two records one; without it each is a record of its own.
    target : Target, optional
        With it, labels are compared with those stored already for the same records.
    coding : {"documented", "inverted"}, optional
        How the file codes its labels, if that was stated; else a file is refused whose labels
        contradict nearly all that is stored, or the version in production.
    ask_model : callable, optional
        Says how the version in production ranks the first records.
    batch_rows : int
        Rows written at once.
    progress : callable, optional
        Called after each batch with the number of lines read so far.

    Returns
    -------
    LoadReport

    Raises
    ------
    DataRejectedError
        If there is no record, simulated ones would join real ones, or the labels seem inverted.
    StoreUnavailableError
        If MongoDB cannot be reached.
    """
    tally = _Tally()
    stream = documents(_records(rows, tally, target), source, identity)
    batch = list(itertools.islice(stream, batch_rows))
    if not batch:
        why = "".join(f"; line {bad.line}: {bad.reason}" for bad in tally.bad_lines[:1])
        raise DataRejectedError(f"{source.name}: no records among {tally.n_read} lines{why}")
    if target is not None and not source.simulated:
        known = compare_with_stored(collection, batch, source, identity, target)
        tally.label_notes = _checked(batch, known, tally, source, coding, ask_model)
    n_replaced = _keep_apart(collection, source)
    while batch:
        _write(collection, batch, identity, tally)
        if progress:
            progress(tally.n_read)
        batch = list(itertools.islice(stream, batch_rows))
    report = LoadReport(
        source=source,
        n_read=tally.n_read,
        n_inserted=tally.n_inserted,
        n_unchanged=tally.n_read - tally.n_bad - tally.n_inserted,
        n_bad=tally.n_bad,
        bad_lines=tuple(tally.bad_lines),
        n_replaced=n_replaced,
        n_earlier=tally.n_earlier,
        notes=tuple(_notes(tally, target, coding)),
    )
    _LOG.info(
        "%s: %s: %d read, %d inserted, %d unchanged, %d bad",
        collection.name,
        source.name,
        report.n_read,
        report.n_inserted,
        report.n_unchanged,
        report.n_bad,
    )
    return report


def _checked(
    batch: list[Document],
    known: Known,
    tally: _Tally,
    source: Source,
    coding: Coding | None,
    ask_model: AskModel | None,
) -> list[str]:
    """Return what speaks against the labels of a load; raise where that is nearly everything."""
    opinion = ask_model(batch) if ask_model and tally.codes else None
    if tally.codes and coding is None:
        refuse_inverted(known, opinion, source)
    notes = []
    if known.n_contradicting:
        n_known = known.n_contradicting + known.n_agreeing
        notes.append(
            f"{known.n_contradicting} of {n_known} records compared that were stored already have "
            "the opposite label there"
        )
    if opinion is not None and opinion.seems_inverted:
        notes.append(f"{opinion}: are the labels coded as was stated?")
    return notes


def _notes(tally: _Tally, target: Target | None, coding: Coding | None) -> Iterator[str]:
    if target is not None and (taken := describe_coding(tally.codes, target, coding)):
        yield taken
    yield from tally.label_notes
    if tally.n_dates_lost:
        yield (
            f"{tally.n_dates_lost} dates could not be read and are missing, the first is "
            f"{tally.lost_date[:40]!a}"
        )


def _records(
    rows: Iterable[Row | BadLine], tally: _Tally, target: Target | None
) -> Iterator[Record]:
    """Yield each row's record, counting everything that passes."""
    for row in rows:
        tally.n_read += 1
        if isinstance(row, Row):
            tally.count(row, target)
            yield row.record
            continue
        tally.n_bad += 1
        if len(tally.bad_lines) < _SHOWN_BAD_LINES:
            tally.bad_lines.append(row)


def _write(
    collection: Collection[Document],
    batch: list[Document],
    identity: Identity | None,
    tally: _Tally,
) -> None:
    """Return when the batch is stored."""
    inserted = insert_absent(collection, batch)
    tally.n_inserted += len(inserted)
    if identity is not None:
        known = [document for row, document in enumerate(batch) if row not in inserted]
        tally.n_earlier += keep_earliest(collection, known, identity.since)


def _keep_apart(collection: Collection[Document], source: Source) -> int:
    """Remove simulated records before real ones come; refuse to simulate among real ones."""
    if not source.simulated:
        return remove_simulated(collection)
    if holds_real(collection):
        raise DataRejectedError(
            f"{collection.name}: holds real records, and simulated ones never join them"
        )
    return 0
