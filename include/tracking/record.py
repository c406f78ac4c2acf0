"""What a finished run left in the bucket, read once and kept as it is."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from include.contract import keys
from include.contract.gate_verdicts import GATE
from include.contract.manifest import parse_manifest
from include.errors import ObjectMissingError
from include.stores.objects import ObjectStore
from include.tracking.run_outcome import Ending

_SHOWN = {".html", ".json", ".md", ".png", ".svg"}


@dataclass(frozen=True)
class RunRecord:
    """Everything that is told of one run.

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
        """Digest of what the run came to: equal for the same run told twice."""
        ending = self.ending
        said = [ending.outcome, ending.failed_tasks, ending.order, ending.code_commit]
        digest = hashlib.sha256(_canonical([said, self.documents]))
        for name, body in sorted(self.version_files.items()):
            digest.update(name.encode() + b"\0" + hashlib.sha256(body).digest())
        return digest.hexdigest()


def read_record(store: ObjectStore, ending: Ending) -> RunRecord:
    """Return what the run left in the bucket; what is not there any more is left out."""
    prefix = keys.run_prefix(ending.pipeline, ending.run_id)
    names = [key[len(prefix) :] for key in store.keys_under(prefix) if key.endswith(".json")]
    documents = {name: json.loads(store.get(prefix + name)) for name in names}
    published = documents.get("version.json", {}).get("version")
    files = _version_files(store, ending.pipeline, published) if published else {}
    return RunRecord(ending, store.bucket, documents, files)


def read_document(
    store: ObjectStore, pipeline: str, run_id: str, name: str, otherwise: Any = None
) -> Any:
    """Return a JSON document of a run; `otherwise` when it left none of that name."""
    try:
        return json.loads(store.get(keys.run_file(pipeline, run_id, name)))
    except ObjectMissingError:
        return otherwise


def refusals(
    store: ObjectStore, pipeline: str, run_id: str
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Return the gate's verdicts that a run did not pass, and the answer of who said no, if any."""
    verdicts = read_document(store, pipeline, run_id, GATE, [])
    answer = read_document(store, pipeline, run_id, "approval.json", {"approved": True})
    rejected = [verdict for verdict in verdicts if not verdict["passed"]]
    return rejected, None if answer["approved"] else answer


def was_refused(store: ObjectStore, pipeline: str, run_id: str) -> bool:
    """Tell whether a rule of the gate, or the person who was asked, said no."""
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
