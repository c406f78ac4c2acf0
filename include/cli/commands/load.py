"""Records into the embedded MongoDB, with progress and the bad lines on screen."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymongo

from include.cli.screen import Screen
from include.errors import SettingMissingError
from include.ingest.files.download import find_or_fetch
from include.ingest.labels.batches import LoadReport
from include.ingest.labels.polarity import AskModel, Coding
from include.ingest.load import load_dataset
from include.stores.documents import DATABASE

if TYPE_CHECKING:
    from pymongo.collection import Collection

    from include.pipelines import Pipeline

_SHOWN_BAD_LINES = 10
_PROGRESS_EVERY_S = 2.0


def load_source(
    mongo_url: str,
    pipeline: "Pipeline",
    source: str,
    data_dir: Path | None,
    cache_dir: Path,
    screen: Screen,
    *,
    label: str | None = None,
    coding: Coding | None = None,
    ask_model: AskModel | None = None,
    source_name: str | None = None,
) -> LoadReport:
    """Return what came of loading a source; its progress and bad lines are on screen.

    Parameters
    ----------
    mongo_url : str
    pipeline : Pipeline
    source : str
        "auto" (the public data set, or simulated records offline), "simulated", or a file's path.
    data_dir : Path or None
        Directory the user keeps data sets in.
    cache_dir : Path
        Where a downloaded data set is kept.
    screen : Screen
    label : {"phishing", "legitimate"}, optional
        What every record of the file is, where it has no such column.
    coding : {"documented", "inverted"}, optional
        Whether the two numbers of its labels mean what the pipeline's do, or the opposite.
    ask_model : callable, optional
        Says how the version in production ranks records beside their labels.
    source_name : str, optional
        Who reported the records, where the file does not say.

    Returns
    -------
    LoadReport

    Raises
    ------
    SettingMissingError
        If the file does not exist, or a label is given without a file.
    """
    # Why no data set could be had is among the notes, which are shown.
    logging.getLogger(find_or_fetch.__module__).addHandler(logging.NullHandler())
    path = None if source in ("auto", "simulated") else Path(source)
    if path is None and (label or coding or source_name):
        raise SettingMissingError(
            "--label, --labels and --source-name describe a file: name it by --source"
        )
    if path is not None and not path.is_file():
        raise SettingMissingError(f"--source {source}: there is no such file")
    with pymongo.MongoClient[dict[str, Any]](mongo_url) as client:
        report = load_dataset(
            client[DATABASE][pipeline.collection],
            pipeline,
            path=path,
            label=label,
            coding=coding,
            ask_model=ask_model,
            source_name=source_name,
            simulated=source == "simulated",
            data_dir=data_dir,
            cache_dir=cache_dir,
            progress=_every(_PROGRESS_EVERY_S, screen),
        )
    _show(report, screen)
    return report


def loaded_records(collection: "Collection[dict[str, Any]]") -> tuple[int, bool]:
    """Return how many records are there, and whether any of them is simulated.

    Parameters
    ----------
    collection : pymongo Collection

    Returns
    -------
    n_records : int
    simulated : bool
    """
    simulated = collection.find_one({"simulated": True}, {"_id": 1}) is not None
    return collection.estimated_document_count(), simulated


def _every(seconds: float, screen: Screen) -> Callable[[int], None]:
    shown_at_s = time.monotonic()

    def progress(n_read: int) -> None:
        nonlocal shown_at_s
        if time.monotonic() - shown_at_s >= seconds:
            screen.say(f"load     {n_read:,} lines read")
            shown_at_s = time.monotonic()

    return progress


def _show(report: LoadReport, screen: Screen) -> None:
    screen.say(
        f"load     {report.source.name}: {report.n_inserted:,} records added,"
        f" {report.n_unchanged:,} were there, {report.n_bad:,} bad lines"
    )
    if report.n_earlier:
        screen.say(f"load     {report.n_earlier:,} of them are now known from an earlier day")
    if report.n_replaced:
        screen.say(f"load     {report.n_replaced:,} simulated records were removed for them")
    for note in report.notes:
        screen.say(f"load     {note}")
    for bad in report.bad_lines[:_SHOWN_BAD_LINES]:
        screen.show(f"           line {bad.line}: {bad.reason}")
    if report.n_bad > _SHOWN_BAD_LINES:
        screen.show(f"           and {report.n_bad - _SHOWN_BAD_LINES:,} more")
