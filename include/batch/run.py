"""Run a job, or go on with it: parts that are finished are counted, the others are scored."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from include.batch.chunks import read_chunks
from include.batch.destinations import Destination
from include.batch.parts import ScorerSetup, totals_of
from include.batch.workers import Numbered, score_chunks
from include.contract.run_documents import BatchInput, BatchJob, BatchTotals, parse, serialise
from include.errors import BatchRefusedError

OpenInput = Callable[[BatchInput], AbstractContextManager[Path]]


def pin_job(destination: Destination, wanted: BatchJob, where: str) -> BatchJob:
    """Return the job of a destination: the one that was begun there, else `wanted`, now begun.

    Parameters
    ----------
    destination : Destination
    wanted : BatchJob
    where : str
        The destination, for errors.

    Raises
    ------
    BatchRefusedError
        If the one that was begun has other inputs or options; its version may differ.
    """
    body = destination.read(BatchJob.NAME)
    if body is None:
        destination.put_new(BatchJob.NAME, serialise(wanted))
        body = destination.read(BatchJob.NAME)  # another run may have been first
    assert body is not None
    job = parse(BatchJob, body)
    for what in ("pipeline", "source", "column", "reasons", "part_rows"):
        if getattr(job, what) != getattr(wanted, what):
            raise BatchRefusedError(
                f"{where}: a job was begun there with {what} {getattr(job, what)!r}, not "
                f"{getattr(wanted, what)!r}: repeat its options, or choose another destination"
            )
    if job.inputs != wanted.inputs:
        differ = sorted({each.name for each in {*job.inputs} ^ {*wanted.inputs}})
        raise BatchRefusedError(
            f"{where}: a job was begun there with other inputs, or they changed since "
            f"({', '.join(differ[:3])}): choose another destination"
        )
    return job


def score_inputs(
    job: BatchJob,
    numbers: Sequence[int],
    open_input: OpenInput,
    destination: Destination,
    setup: ScorerSetup,
    *,
    jobs: int,
    progress: Callable[[BatchTotals, bool], None],
) -> BatchTotals:
    """Return the totals of inputs of a job, once each of their parts is in the destination.

    Parameters
    ----------
    job : BatchJob
    numbers : sequence of int
        Which of its inputs.
    open_input : callable
        Opens an input as a file on this machine; raises if it is not as it was pinned.
    destination : Destination
    setup : ScorerSetup
    jobs : int
        How many processes.
    progress : callable (totals of a part, whether it was scored now)

    Raises
    ------
    DataRejectedError
        If an input cannot be read.
    BatchRefusedError
        If an input changed, or a process died.
    """
    finished = destination.names()
    totals = BatchTotals()

    def unscored() -> Iterator[Numbered]:
        nonlocal totals
        for number in numbers:
            with open_input(job.inputs[number]) as path:
                for at, chunk in enumerate(read_chunks(path, setup.layout, job.part_rows)):
                    name = part_name(number, at)
                    if name not in finished:
                        yield name, chunk
                        continue
                    found = destination.totals(name)
                    totals += found
                    progress(found, False)

    for name, body in score_chunks(unscored(), setup, jobs):
        destination.put_new(name, body)
        found = totals_of(pq.read_metadata(pa.BufferReader(body)))
        totals += found
        progress(found, True)
    return totals


def part_name(number: int, at: int) -> str:
    """Return the name of a part: parts sort by input, and by rows within it."""
    return f"part-{number:05d}-{at:06d}.parquet"
