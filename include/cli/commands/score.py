"""Score files of any size without a server; a run that was killed goes on where it was."""

import argparse
import dataclasses
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from include import pipelines
from include.batch.chunks import count_rows
from include.batch.destinations import Folder
from include.batch.local_files import find_inputs, join_parts, open_file
from include.batch.parts import ScorerSetup
from include.batch.run import pin_job, score_inputs
from include.cli.followed import last_good, list_in_effect, production_model
from include.cli.installation import Installation
from include.cli.screen import Screen
from include.contract.pointer import parse_pointer
from include.contract.run_documents import BatchJob, BatchTotals
from include.errors import BatchRefusedError, ModelUnavailableError
from include.registry.follow import VersionBytes
from include.registry.follow.read_version import read_version
from include.registry.follow.verify import verify_version
from include.stores.objects import ObjectStore

BAD_ROWS = 6
_FILES = {".parquet": "parquet", ".csv": "csv"}
_SAY_EACH_S = 10.0


@dataclasses.dataclass
class _Progress:
    """What was done so far, and how quickly."""

    totals: BatchTotals = dataclasses.field(default_factory=BatchTotals)
    scored_now: int = 0
    began_s: float = dataclasses.field(default_factory=time.monotonic)

    def add(self, part: BatchTotals, is_new: bool) -> None:
        self.totals += part
        self.scored_now += part.rows if is_new else 0

    @property
    def rows_per_s(self) -> float:
        return self.scored_now / max(time.monotonic() - self.began_s, 1e-9)


def score(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Score files into Parquet or CSV.

    Returns
    -------
    int
        0 if every row has a verdict, 6 if some have an error instead.
    """
    out = Path(args.out)
    file_format = _format_of(out, args.format)
    folder = Folder(out.with_name(f"{out.name}.parts") if file_format else out)
    if file_format and out.exists():
        raise BatchRefusedError(f"{out} exists: remove it, or name another file")
    inputs = find_inputs([Path(path) for path in args.paths])
    if any(Path(each.name).is_relative_to(folder.path.resolve()) for each in inputs):
        raise BatchRefusedError(f"{out} is among the files to be scored: name another place")
    store = installation.open_store()
    in_production = production_model(installation, store, args.pipeline)
    approval = last_good(installation, args.pipeline).read_pointer()
    if approval is None:
        raise ModelUnavailableError(f"{installation.versions_dir} keeps no version: free its disk")
    version = in_production.pointer.version
    options = (args.part_rows, args.column, args.reasons)
    wanted = BatchJob(args.pipeline, version, approval.decode(), "", inputs, *options)
    with folder.locked():
        job = pin_job(folder, wanted, str(folder.path))
        setup = _setup(installation, store, job)
        with _shown(screen, job) as progress:
            score_inputs(
                *(job, range(len(inputs)), open_file, folder, setup),
                jobs=args.jobs or _n_cores(),
                progress=progress.add,
            )
        if file_format:
            join_parts(folder.path, job, out, as_csv=file_format == "csv")
            shutil.rmtree(folder.path)
    _conclude(screen, progress, job.version, out, as_json=args.json)
    return BAD_ROWS if progress.totals.bad_rows else 0


def _format_of(out: Path, asked: str | None) -> str:
    """Return the format of the one file that is asked for; nothing of a folder of parts."""
    found = _FILES.get(out.suffix.lower(), "")
    if asked and found and asked != found:
        raise BatchRefusedError(f"{out} does not end with .{asked}, the format that is asked for")
    if out.is_dir() or (asked != "csv" and not found):
        if asked == "csv":
            raise BatchRefusedError(f"{out} is a folder: with --format csv name a file")
        return ""
    return asked or found


def _setup(installation: Installation, store: ObjectStore, job: BatchJob) -> ScorerSetup:
    trusted_keys, body = installation.trusted_keys, job.pointer.encode()
    pointer = parse_pointer(body, trusted_keys.approvers, pipeline=job.pipeline)
    content: VersionBytes = last_good(installation, job.pipeline).read()
    if content.pointer == body:
        verify_version(content, pointer, trusted_keys)
    else:  # another version came into production since the job began
        content, _ = read_version(store, pointer, trusted_keys)
    pipeline = pipelines.get(job.pipeline)
    lookup = list_in_effect(installation, store, job.pipeline)
    if job.column is not None and len(pipeline.inputs) > 1:
        raise BatchRefusedError(f"--column: a record of {job.pipeline} has several columns")
    layout = pipeline.layout.unlabelled(job.column)
    entries = None if lookup is None else lookup.list
    return ScorerSetup(content, pointer, entries, layout, job.reasons)


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _shown(screen: Screen, job: BatchJob) -> Iterator[_Progress]:
    """Show how far the job is: a bar on a terminal, a line now and then elsewhere."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    if not console.is_terminal:
        screen.say(f"scoring {len(job.inputs)} files with version {job.version}", error=True)
        yield _Logged(screen=screen)
        return
    known = [count_rows(Path(each.name)) for each in job.inputs]
    total = None if None in known else sum(filter(None, known))
    rate = TextColumn("{task.fields[rate]:,.0f} rows/s")
    columns = (BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        yield _Drawn(bar=bar, task=bar.add_task("", total=total, rate=0.0))


@dataclasses.dataclass
class _Logged(_Progress):
    """Progress as lines."""

    screen: Screen = dataclasses.field(default_factory=Screen)
    said_s: float = dataclasses.field(default_factory=time.monotonic)

    def add(self, part: BatchTotals, is_new: bool) -> None:
        super().add(part, is_new)
        if time.monotonic() - self.said_s > _SAY_EACH_S:
            self.said_s = time.monotonic()
            rows = f"{self.totals.rows:,} rows, {self.rows_per_s:,.0f} a second"
            self.screen.say(rows, error=True)


@dataclasses.dataclass
class _Drawn(_Progress):
    """Progress as a bar."""

    bar: Any = None  # rich's, which is imported late
    task: Any = None

    def add(self, part: BatchTotals, is_new: bool) -> None:
        super().add(part, is_new)
        self.bar.update(self.task, completed=self.totals.rows, rate=self.rows_per_s)


def _conclude(
    screen: Screen, progress: _Progress, version: str, out: Path, *, as_json: bool
) -> None:
    totals, rate = progress.totals, progress.rows_per_s
    if as_json:
        found = {**dataclasses.asdict(totals), "version": version, "out": str(out)}
        earlier = totals.rows - progress.scored_now
        screen.show(json.dumps({**found, "rows_per_s": round(rate), "scored_earlier": earlier}))
        return
    counts = {**totals.by_verdict, "error": totals.bad_rows}
    shares = ((what, n, n / max(totals.rows, 1)) for what, n in counts.items())
    screen.table(
        ("verdict", "rows", "share"), [(w, f"{n:>13,}", f"{share:>7.2%}") for w, n, share in shares]
    )
    decided = {what: n for what, n in totals.by_decided_by.items() if what != "model"}
    lists = "".join(f"; {n:,} by {what}" for what, n in sorted(decided.items()))
    now = f"; {progress.scored_now:,} scored now, {rate:,.0f} a second" * bool(progress.scored_now)
    screen.show(f"{totals.rows:,} rows with version {version}{lists}{now}: {out}")
