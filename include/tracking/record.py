"""Read the documents of a finished run from the bucket."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TypeVar

from include.contract import keys
from include.contract.approval_response import APPROVAL, ApprovalResponse
from include.contract.manifest import parse_manifest
from include.contract.run_documents import GateVerdict, GateVerdicts, PackagedVersion, parse
from include.contract.signature import PublicKeys
from include.errors import ObjectMissingError
from include.registry.responses import read_response
from include.stores.objects import ObjectStore
from include.tracking.run_outcome import RunOutcome

DocumentT = TypeVar("DocumentT")
_SHOWN = {".html", ".json", ".md", ".png", ".svg"}


@dataclass(frozen=True)
class RunRecord:
    """Everything that is sent to MLflow of one run.

    Attributes
    ----------
    outcome : RunOutcome
    bucket : str
    documents : mapping of str to bytes
        Run documents by name, such as ``candidates/RandomForest.json``.
    version_files : mapping of str to bytes
        Readable files of the version that the run published; never the model itself.
    response : ApprovalResponse or None
        A person's decision, which the approver signed.
    """

    outcome: RunOutcome
    bucket: str
    documents: Mapping[str, bytes]
    version_files: Mapping[str, bytes]
    response: ApprovalResponse | None = None

    def read(self, kind: type[DocumentT], name: str | None = None) -> DocumentT | None:
        """Return a document of the run; None if the run has none.

        Raises
        ------
        RunDocumentError
            If it cannot be parsed.
        """
        body = self.documents.get(name or kind.NAME)  # type: ignore[attr-defined]  # a run document
        return None if body is None else parse(kind, body)

    @property
    def version(self) -> str | None:
        """The version that the run published, approved or not."""
        packaged = self.read(PackagedVersion)
        return packaged.version if packaged else None

    @property
    def content_sha256(self) -> str:
        """Digest of the run's outcome and files: equal when the same run is sent twice."""
        ended = self.outcome
        facts = [ended.outcome, ended.failed_tasks, ended.order, ended.code_commit]
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        for files in (self.documents, self.version_files):
            for name, body in sorted(files.items()):
                digest.update(name.encode() + b"\0" + hashlib.sha256(body).digest())
        return digest.hexdigest()


def read_record(store: ObjectStore, outcome: RunOutcome, approvers: PublicKeys) -> RunRecord:
    """Return the documents of a run; those that retention deleted are left out.

    Raises
    ------
    ManifestError
        If the key of a document is not a safe path: MLflow's client writes files of these names.
    """
    prefix = keys.run_prefix(outcome.pipeline, outcome.run_id)
    documents_of_run = (key for key in store.keys_under(prefix) if key.endswith(".json"))
    names = [keys.path_below(prefix, key) for key in documents_of_run]
    shown = [name for name in names if not name.startswith("first/")]
    response = read_response(store, outcome.pipeline, outcome.run_id, approvers)
    # What is at the place of a response and was not signed by an approver is not shown.
    readable = [name for name in shown if name != APPROVAL or response is not None]
    documents = {name: store.get(prefix + name) for name in readable}
    record = RunRecord(outcome, store.bucket, documents, {}, response)
    if (version := record.version) is None:
        return record
    return replace(record, version_files=_version_files(store, outcome.pipeline, version))


def read_document(
    store: ObjectStore, pipeline: str, run_id: str, kind: type[DocumentT]
) -> DocumentT | None:
    """Return a document of a run as it is in the bucket; None if the run has none."""
    key = keys.run_file(pipeline, run_id, kind.NAME)  # type: ignore[attr-defined]  # a run document
    try:
        return parse(kind, store.get(key))
    except ObjectMissingError:
        return None


def rejections(
    store: ObjectStore, pipeline: str, run_id: str, approvers: PublicKeys
) -> tuple[list[GateVerdict], ApprovalResponse | None]:
    """Return the gate verdicts that failed, and the response that rejected the version."""
    gate = read_document(store, pipeline, run_id, GateVerdicts)
    response = read_response(store, pipeline, run_id, approvers)
    rejected = [verdict for verdict in gate.verdicts if not verdict.passed] if gate else []
    return rejected, response if response and not response.approved else None


def was_rejected(store: ObjectStore, pipeline: str, run_id: str, approvers: PublicKeys) -> bool:
    """Return whether a gate rule or a person rejected the version."""
    verdicts, response = rejections(store, pipeline, run_id, approvers)
    return bool(verdicts) or response is not None


def _version_files(store: ObjectStore, pipeline: str, version: str) -> dict[str, bytes]:
    try:
        manifest = store.get(keys.version_file(pipeline, version, keys.MANIFEST))
        shown = [
            name for name in parse_manifest(manifest).files if PurePosixPath(name).suffix in _SHOWN
        ]
        bodies = {name: store.get(keys.version_file(pipeline, version, name)) for name in shown}
    except ObjectMissingError:  # deleted by retention
        return {}
    return {keys.MANIFEST: manifest, **bodies}
