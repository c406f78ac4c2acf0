"""Puts records into MongoDB by their content: loading twice, or again after a kill, is once.

A record's `_id` is the hash of its content and its number among identical ones of the same source:
exact duplicates in one file stay separate records, the same file loaded again adds nothing, and
two files that overlap are merged. Records already there are never overwritten.
"""

import hashlib
import itertools
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pymongo.collection import Collection

from include.errors import DataRejectedError
from include.ingest.fetch import Dataset, find_or_fetch
from include.ingest.inserts import Document, holds_real, insert_absent, remove_simulated
from include.ingest.records import BadLine, Layout, Record, Row, read_records

_LOG = logging.getLogger(__name__)
_BATCH_ROWS = 5_000
_SHOWN_BAD_LINES = 100

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Source:
    """Where records come from.

    Attributes
    ----------
    name : str
        A file's name, or what made the records up; kept in each document as `source`.
    simulated : bool
        True for made-up records; kept as `simulated` in their documents, and in no others.
    """

    name: str
    simulated: bool = False


class Loadable(Protocol):
    """What `load_dataset` needs of a pipeline."""

    @property
    def name(self) -> str:
        """Names the made-up records' source."""

    @property
    def layout(self) -> Layout:
        """The columns of its records."""

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """Public data sets, the first to be had is loaded."""

    @property
    def simulate(self) -> Callable[[int, int], Iterator[Record]]:
        """Yields so many made-up records from a seed."""


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
        Simulated records that made way for real ones.
    """

    source: Source
    n_read: int
    n_inserted: int
    n_unchanged: int
    n_bad: int
    bad_lines: tuple[BadLine, ...]
    n_replaced: int = 0


@dataclass
class _Tally:
    """Counts kept while a load runs."""

    n_read: int = 0
    n_inserted: int = 0
    n_bad: int = 0
    bad_lines: list[BadLine] = field(default_factory=list)


def load_dataset(
    collection: Collection[Document],
    pipeline: Loadable,
    *,
    path: Path | None = None,
    simulated: bool = False,
    data_dir: Path | None = None,
    cache_dir: Path,
    n_simulated: int = 11_055,
    seed: int = 0,
    progress: Progress | None = None,
) -> LoadReport:
    """Load one file, the pipeline's public data set, or simulated records; report what it did.

    Parameters
    ----------
    collection : pymongo Collection
    pipeline : Loadable
        From `include.pipelines.get`.
    path : Path, optional
        Load this file; without it the public data set is looked for, and records are simulated
        when it is not here and the internet is out of reach.
    simulated : bool
        Simulate records without looking for a file.
    data_dir : Path, optional
        Directory the user keeps data sets in.
    cache_dir : Path
        Where a downloaded data set is kept.
    n_simulated, seed : int
        How many records to simulate, and from which seed.
    progress : callable, optional
        Called with the number of lines read so far.

    Returns
    -------
    LoadReport

    Raises
    ------
    DataRejectedError
        If the file holds no records, or simulated records would mix with real ones.
    DatasetRefusedError
        If the data set can be reached, but not as pinned.
    StoreUnavailableError
        If MongoDB cannot be reached.
    """
    if path is None and not simulated:
        path = _found(pipeline.datasets, data_dir, cache_dir)
    if path is not None:
        rows = read_records(path, pipeline.layout)
        return load_records(collection, rows, Source(path.name), progress=progress)
    source = Source(f"simulated {pipeline.name}, seed {seed}", simulated=True)
    made_up = itertools.starmap(Row, enumerate(pipeline.simulate(n_simulated, seed), start=1))
    return load_records(collection, made_up, source, progress=progress)


def _found(datasets: tuple[Dataset, ...], data_dir: Path | None, cache_dir: Path) -> Path | None:
    """Return the file of the first data set that can be had."""
    for dataset in datasets:
        if path := find_or_fetch(dataset, data_dir, cache_dir).path:
            return path
    return None


def load_records(
    collection: Collection[Document],
    rows: Iterable[Row | BadLine],
    source: Source,
    *,
    batch_rows: int = _BATCH_ROWS,
    progress: Progress | None = None,
) -> LoadReport:
    """Insert the records that are not there yet and report what was done.

    Memory grows with the number of different records (some 200 bytes each), not with the rows.
    Simulated records leave before the first real one comes, and never join real ones.

    Parameters
    ----------
    collection : pymongo Collection
        Of a replica set.
    rows : iterable of Row or BadLine
        As `read_records` yields them.
    source : Source
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
        If there is no record, or simulated ones would join real ones.
    StoreUnavailableError
        If MongoDB cannot be reached.
    """
    tally = _Tally()
    documents = _documents(rows, source, tally)
    batch = list(itertools.islice(documents, batch_rows))
    if not batch:
        why = "".join(f"; line {bad.line}: {bad.reason}" for bad in tally.bad_lines[:1])
        raise DataRejectedError(f"{source.name}: no records among {tally.n_read} lines{why}")
    n_replaced = _keep_apart(collection, source)
    while batch:
        tally.n_inserted += insert_absent(collection, batch)
        if progress:
            progress(tally.n_read)
        batch = list(itertools.islice(documents, batch_rows))
    report = LoadReport(
        source=source,
        n_read=tally.n_read,
        n_inserted=tally.n_inserted,
        n_unchanged=tally.n_read - tally.n_bad - tally.n_inserted,
        n_bad=tally.n_bad,
        bad_lines=tuple(tally.bad_lines),
        n_replaced=n_replaced,
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


def _documents(rows: Iterable[Row | BadLine], source: Source, tally: _Tally) -> Iterator[Document]:
    """Yield each record as it is stored, counting everything that passes."""
    origin = {"source": source.name} | ({"simulated": True} if source.simulated else {})
    seen: Counter[str] = Counter()
    for row in rows:
        tally.n_read += 1
        if isinstance(row, BadLine):
            tally.n_bad += 1
            if len(tally.bad_lines) < _SHOWN_BAD_LINES:
                tally.bad_lines.append(row)
            continue
        canonical = json.dumps(row.record, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(canonical.encode()).hexdigest()[:24]
        seen[digest] += 1
        yield {"_id": f"{digest}-{seen[digest]}"} | origin | row.record


def _keep_apart(collection: Collection[Document], source: Source) -> int:
    """Remove simulated records before real ones come; refuse to simulate among real ones."""
    if not source.simulated:
        return remove_simulated(collection)
    if holds_real(collection):
        raise DataRejectedError(
            f"{collection.name}: holds real records, and simulated ones never join them"
        )
    return 0
