"""The steps of a batch in the bucket: each can run twice, or on another machine."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include import pipelines
from include.batch.bucket import ObjectInputs, checked_filter, export_query, find_objects
from include.batch.destinations import BucketFolder
from include.batch.parts import ScorerSetup
from include.batch.run import pin_job, score_inputs
from include.contract.pointer import parse_pointer
from include.contract.run_documents import BatchInput, BatchJob, BatchTotals, parse
from include.errors import BatchRefusedError, ModelUnavailableError
from include.registry.follow import TrustedKeys
from include.registry.follow.read_version import read_version
from include.registry.lists import current_list
from include.registry.production import newest_approval
from include.stores.documents import Documents, count_roughly
from include.stores.objects import ObjectStore

_MAX_SHARES = 100
_LEAST_SHARE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class AskedBatch:
    """What a form asks for.

    Attributes
    ----------
    name : str
        Of the batch: a folder below ``batch/``.
    pipeline : str
    prefix : str
        Of the objects to be scored; empty where records of MongoDB are.
    where : mapping
        Filter of the records.
    column : str or None
    reasons : bool
    part_rows : int
        What a kill costs at most in each process.
    """

    name: str
    pipeline: str
    prefix: str
    where: Mapping[str, Any]
    column: str | None = None
    reasons: bool = False
    part_rows: int = 20_000

    @property
    def source(self) -> str:
        """What the job document says of it."""
        return self.prefix or json.dumps(self.where, sort_keys=True)


def preview(asked: AskedBatch, store: ObjectStore, collection: Documents) -> dict[str, Any]:
    """Return what would be scored; errors are those of `begin`."""
    layout = pipelines.get(asked.pipeline).layout
    if asked.prefix:
        inputs = find_objects(store, asked.prefix)
        size_bytes = sum(each.size_bytes for each in inputs)
        first = [each.name for each in inputs[:20]]
        return {"objects": len(inputs), "size_bytes": size_bytes, "first": first}
    query = checked_filter(asked.where, layout)
    found = collection.count_documents(query) if query else count_roughly(collection)
    return {"records": found}


def begin(
    asked: AskedBatch, store: ObjectStore, collection: Documents, trusted_keys: TrustedKeys
) -> BatchJob:
    """Return the job, pinned in its folder; one that was begun there goes on.

    Raises
    ------
    BatchRefusedError
        If nothing is found, or another job was begun under the name.
    ModelUnavailableError
        If no version of the pipeline is in production.
    """
    pipeline = pipelines.get(asked.pipeline)
    if asked.column is not None and len(pipeline.inputs) > 1:
        raise BatchRefusedError(f"column: a record of {asked.pipeline} has several columns")
    folder = BucketFolder(store, asked.name)
    approval = newest_approval(store, asked.pipeline, trusted_keys.approvers)
    if approval is None:
        raise ModelUnavailableError(f"no version of {asked.pipeline} is in production: train it")
    pointer = parse_pointer(approval, trusted_keys.approvers, pipeline=asked.pipeline)
    inputs: tuple[BatchInput, ...]
    if asked.prefix:
        inputs = find_objects(store, asked.prefix)
    elif begun := folder.read(BatchJob.NAME):
        inputs = parse(BatchJob, begun).inputs  # the records as they were then
    else:
        query = checked_filter(asked.where, pipeline.layout)
        inputs = export_query(store, asked.name, collection, query, pipeline.layout)
    wanted = BatchJob(
        *(asked.pipeline, pointer.version, approval.decode(), asked.source, inputs),
        *(asked.part_rows, asked.column, asked.reasons),
    )
    return pin_job(folder, wanted, folder.prefix)


def shares_of(job: BatchJob) -> list[list[int]]:
    """Return the numbers of the inputs in shares of some size, each for one task."""
    total = sum(each.size_bytes for each in job.inputs)
    wanted = max(_LEAST_SHARE_BYTES, total // _MAX_SHARES)
    shares: list[list[int]] = []
    size_bytes = wanted
    for number, each in enumerate(job.inputs):
        if size_bytes >= wanted:
            shares.append([])
            size_bytes = 0
        shares[-1].append(number)
        size_bytes += each.size_bytes
    return shares


def score_share(
    name: str,
    numbers: Sequence[int],
    store: ObjectStore,
    trusted_keys: TrustedKeys,
    *,
    jobs: int,
    progress: Callable[[BatchTotals, bool], None],
) -> BatchTotals:
    """Return the totals of some inputs of a batch, whose parts are then in its folder.

    Raises
    ------
    BatchRefusedError, DataRejectedError
        If the batch was not begun, or an input cannot be read or changed.
    SignatureError, PointerError, ManifestError
        If the version that was pinned cannot be verified.
    """
    folder = BucketFolder(store, name)
    body = folder.read(BatchJob.NAME)
    if body is None:
        raise BatchRefusedError(f"{folder.prefix}: no batch was begun there")
    job = parse(BatchJob, body)
    approvers = trusted_keys.approvers
    pointer = parse_pointer(job.pointer.encode(), approvers, pipeline=job.pipeline)
    content, _ = read_version(store, pointer, trusted_keys)
    layout = pipelines.get(job.pipeline).layout.unlabelled(job.column)
    entries = current_list(store, job.pipeline, approvers)
    setup = ScorerSetup(content, pointer, entries, layout, job.reasons)
    return score_inputs(
        *(job, numbers, ObjectInputs(store), folder, setup), jobs=jobs, progress=progress
    )
