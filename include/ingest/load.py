"""Finds the records to load: a file, a list, a pipeline's public data set, or simulated ones."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from pymongo.collection import Collection

from include.errors import SettingMissingError
from include.ingest.files.download import Dataset, find_or_fetch
from include.ingest.files.layout import Layout, Record, Value
from include.ingest.files.reader import Row, read_records
from include.ingest.labels.batches import LoadReport, Progress, load_records
from include.ingest.labels.documents import Source
from include.ingest.labels.inserts import Document
from include.ingest.labels.polarity import AskModel, Coding


class Loadable(Protocol):
    """What `load_dataset` needs of a pipeline."""

    @property
    def name(self) -> str:
        """Names the source of synthetic records."""

    @property
    def layout(self) -> Layout:
        """The columns of its records."""

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """Public data sets, the first one found is loaded."""

    @property
    def simulate(self) -> Callable[[int, int], Iterator[Record]]:
        """Yields so many synthetic records from a seed."""


def load_dataset(
    collection: Collection[Document],
    pipeline: Loadable,
    *,
    path: Path | None = None,
    label: str | None = None,
    coding: Coding | None = None,
    ask_model: AskModel | None = None,
    source_name: str | None = None,
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
        when it is not here and cannot be downloaded; the report's notes name the reasons.
    label : {"phishing", "legitimate"}, optional
        What every record of the file is, where it has no such column.
    coding : {"documented", "inverted"}, optional
        Whether the two numbers of the file's labels mean what the pipeline's do, or the opposite.
        Where it is not stated they are taken as documented, unless that contradicts nearly all
        that is stored, or the version in production.
    ask_model : callable, optional
        Says how the version in production ranks records beside their labels.
    source_name : str, optional
        Who reported the records, where the file does not say; its name unless given.
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
    StoreUnavailableError
        If MongoDB cannot be reached.
    """
    layout = pipeline.layout
    reasons: tuple[str, ...] = ()
    if path is None and not simulated:
        path, reasons = _find(pipeline, data_dir, cache_dir)
    if path is not None:
        given = given_values(layout, label, source_name or path.name)
        rows = read_records(path, layout, given, inverted=coding == "inverted")
        source = Source(path.name)
    else:
        rows = itertools.starmap(Row, enumerate(pipeline.simulate(n_simulated, seed), start=1))
        source = Source(f"simulated {pipeline.name}, seed {seed}", simulated=True)
    report = load_records(
        collection,
        rows,
        source,
        identity=layout.identity,
        target=layout.target,
        coding=coding,
        ask_model=ask_model,
        progress=progress,
    )
    return replace(report, notes=(*reasons, *report.notes))


def given_values(layout: Layout, label: str | None, source_name: str) -> dict[str, Value]:
    """Return what is known of every record of a file besides what the file says.

    Parameters
    ----------
    layout : Layout
    label : {"phishing", "legitimate"} or None
        None where the file has labels.
    source_name : str
        Who reported the records, where the file does not say.

    Raises
    ------
    SettingMissingError
        If the label is none.
    """
    given: dict[str, Value] = {layout.origin: source_name} if layout.origin else {}
    if label is not None:
        if label not in layout.labels:
            raise SettingMissingError(
                f"label {label!r}: it must be one of {', '.join(layout.labels)}"
            )
        given[layout.target.source] = layout.labels[label]
    return given


def _find(
    pipeline: Loadable, data_dir: Path | None, cache_dir: Path
) -> tuple[Path | None, tuple[str, ...]]:
    """Return the file of the first data set that can be had, or why there is none."""
    reasons: list[str] = []
    for dataset in pipeline.datasets:
        found = find_or_fetch(dataset, pipeline.layout, data_dir, cache_dir)
        if found.path is not None:
            return found.path, ()
        reasons += [f"{dataset.name}: {reason}" for reason in found.reasons]
    if reasons:
        reasons.append(
            "no public data set could be had, so records are synthetic; for real ones put its file "
            "into NIGHTCATCH_DATA_DIR"
        )
    return None, tuple(reasons)
