"""What a finished run left in the bucket, read once and kept as it is."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, TypeVar

from include.contract import keys
from include.contract.manifest import parse_manifest
from include.contract.run_documents import ApprovalResponse, GateVerdict, GateVerdicts, parse
from include.errors import ObjectMissingError
from include.stores.objects import ObjectStore
from include.tracking.run_outcome import Ending

DocumentT = TypeVar("DocumentT")
_SHOWN = {".html", ".json", ".md", ".png", ".svg"}


@dataclass(frozen=True)
class RunRecord:
    """Everything that is sent to MLflow of one run.

    Attributes
    ----------
    ending : Ending
    bucket : str
    documents : mapping of str to object
        JSON documents under the run by name, such as ``candidates/RandomForest.json``.
    version_files : mapping of str to bytes
        Of the version the run published: what a person can read, never the model itself.
    """

    ending: Ending
    bucket: str
    documents: Mapping[str, Any]
    version_files: Mapping[str, bytes]

    @property
    def version(self) -> str | None:
        """The version that the run published, approved or not."""
        published: str | None = self.documents.get("version.json", {}).get("version")
        return published

    @property
    def content_sha256(self) -> str:
        """Digest of the run's outcome and files: equal when the same run is sent twice."""
        ending = self.ending
        facts = [ending.outcome, ending.failed_tasks, ending.order, ending.code_commit]
        digest = hashlib.sha256(_canonical([facts, self.documents]))
        for name, body in sorted(self.version_files.items()):
            digest.update(name.encode() + b"\0" + hashlib.sha256(body).digest())
        return digest.hexdigest()


def read_record(store: ObjectStore, ending: Ending) -> RunRecord:
    """Return what the run left in the bucket; what is not there any more is left out.

    Raises
    ------
    ManifestError
        If the key of a document is not a safe path: MLflow's client writes files of these names.
    """
    prefix = keys.run_prefix(ending.pipeline, ending.run_id)
    documents_of_run = (key for key in store.keys_under(prefix) if key.endswith(".json"))
    names = [keys.path_below(prefix, key) for key in documents_of_run]
    shown = [name for name in names if not name.startswith("first/")]
    documents = {name: json.loads(store.get(prefix + name)) for name in shown}
    published = documents.get("version.json", {}).get("version")
    files = _version_files(store, ending.pipeline, published) if published else {}
    return RunRecord(ending, store.bucket, documents, files)


def read_document(
    store: ObjectStore, pipeline: str, run_id: str, kind: type[DocumentT]
) -> DocumentT | None:
    """Return a document of a run, for people; None when the run left none."""
    key = keys.run_file(pipeline, run_id, kind.NAME)  # type: ignore[attr-defined]  # a run document
    try:
        return parse(kind, store.get(key))
    except ObjectMissingError:
        return None


def refusals(
    store: ObjectStore, pipeline: str, run_id: str
) -> tuple[list[GateVerdict], ApprovalResponse | None]:
    """Return the gate verdicts that a run did not pass, and the response of who rejected it."""
    gate = read_document(store, pipeline, run_id, GateVerdicts)
    response = read_document(store, pipeline, run_id, ApprovalResponse)
    rejected = [verdict for verdict in gate.verdicts if not verdict.passed] if gate else []
    return rejected, response if response and not response.approved else None


def was_refused(store: ObjectStore, pipeline: str, run_id: str) -> bool:
    """Return whether a gate rule or a person rejected the version."""
    rejected, answer = refusals(store, pipeline, run_id)
    return bool(rejected) or answer is not None


def _version_files(store: ObjectStore, pipeline: str, version: str) -> dict[str, bytes]:
    try:
        manifest = store.get(keys.version_file(pipeline, version, keys.MANIFEST))
        shown = [
            name for name in parse_manifest(manifest).files if PurePosixPath(name).suffix in _SHOWN
        ]
        bodies = {name: store.get(keys.version_file(pipeline, version, name)) for name in shown}
    except ObjectMissingError:  # retention was faster
        return {}
    return {keys.MANIFEST: manifest, **bodies}


def _canonical(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
