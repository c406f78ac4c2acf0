"""What `manifest.json` says of a model version, and how it is read back and checked."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from include.contract import keys
from include.contract.schema import InputField
from include.contract.verdicts import Budgets, Thresholds
from include.errors import ManifestError, ManifestSchemaError

SCHEMA_VERSION = 2


@dataclass(frozen=True)
class FileEntry:
    """What a file of a version must be, byte for byte.

    Attributes
    ----------
    sha256 : str
        Lower-case hexadecimal digest.
    size_bytes : int
    """

    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Manifest:
    """Everything known of one model version.

    Attributes
    ----------
    pipeline, version, created_at : str
        `created_at` is ISO 8601 in UTC.
    files : mapping of str to FileEntry
        Every file of the version but the manifest and the signature.
    inputs : tuple of InputField
        In the order in which the model takes them.
    target : str
    labels : mapping of str to str
        Of the target: ``{"1": "Phishing", "0": "Legitimate"}``.
    thresholds : Thresholds
        Probabilities of phishing from which on the verdicts are given.
    budgets : Budgets
        Shares of legitimate rows that `thresholds` were set for.
    metrics : mapping
        ``test``, ``random_split``, ``champion_on_same_rows``, ``slices``, ``candidates``,
        ``calibration`` (how the thresholds were set), ``verdicts`` (what each verdict comes to).
    snapshot : mapping
        ``digest``, ``rows`` by side, ``added`` (made rows by kind), ``simulated``, ``known_on``
        (only what was known then; empty for all), ``origins`` (figures of each source of labels).
    code_commit : str
    libraries : mapping of str to str
        Versions, among them ``python``.
    seed : int
    model : mapping
        ``family``, ``params``: what was chosen; ``order``, ``run_id``: what was asked of which run.
    features : str
        Name of the feature set that makes the model's columns of a text; empty where the model
        takes the inputs themselves.
    reference : mapping
        ``digest`` and ``sources`` of the reference data that the features are made of; empty where
        they need none.
    extra : mapping
        Fields this release does not know; kept when written again.
    """

    pipeline: str
    version: str
    created_at: str
    files: Mapping[str, FileEntry]
    inputs: tuple[InputField, ...]
    target: str
    labels: Mapping[str, str]
    thresholds: Thresholds
    budgets: Budgets
    metrics: Mapping[str, Any]
    snapshot: Mapping[str, Any]
    code_commit: str
    libraries: Mapping[str, str]
    seed: int
    model: Mapping[str, Any]
    features: str = ""
    reference: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """Return the canonical bytes of ``manifest.json``; equal manifests give equal bytes."""
        known = {
            "schema_version": SCHEMA_VERSION,
            "pipeline": self.pipeline,
            "version": self.version,
            "created_at": self.created_at,
            "files": {name: vars(entry) for name, entry in self.files.items()},
            "inputs": [{**vars(f), "allowed": f.allowed and list(f.allowed)} for f in self.inputs],
            "target": self.target,
            "labels": dict(self.labels),
            "thresholds": vars(self.thresholds),
            "budgets": vars(self.budgets),
            "metrics": self.metrics,
            "snapshot": self.snapshot,
            "code_commit": self.code_commit,
            "libraries": self.libraries,
            "seed": self.seed,
            "model": self.model,
            "features": self.features,
            "reference": self.reference,
        }
        merged = {**self.extra, **known}
        return (json.dumps(merged, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def describe_file(body: bytes) -> FileEntry:
    """Return the digest and size of a file's bytes."""
    return FileEntry(sha256=hashlib.sha256(body).hexdigest(), size_bytes=len(body))


def check_file(name: str, body: bytes, expected: FileEntry) -> None:
    """Return when `body` is exactly what the manifest promises.

    Raises
    ------
    ManifestError
        If size or digest differ; the message names the file.
    """
    if len(body) != expected.size_bytes:
        raise ManifestError(f"{name}: {len(body)} bytes, the manifest says {expected.size_bytes}")
    if describe_file(body) != expected:
        raise ManifestError(f"{name}: its SHA-256 is not the one in the manifest")


def parse_manifest(body: bytes) -> Manifest:
    """Return the manifest that `body` writes, with every field checked.

    Parameters
    ----------
    body : bytes
        Content of ``manifest.json``; its origin must be verified by the caller.

    Returns
    -------
    Manifest

    Raises
    ------
    ManifestSchemaError
        If it is of another schema version.
    ManifestError
        If it is no JSON object, or a field is absent or out of range.
    """
    try:
        document = json.loads(body)
        if not isinstance(document, dict):
            raise ManifestError("the manifest is not a JSON object")
        if document.get("schema_version") != SCHEMA_VERSION:
            found = document.get("schema_version")
            raise ManifestSchemaError(
                f"manifest schema version {found!r}, this release reads {SCHEMA_VERSION} only: "
                "train a new version"
            )
        return _from_document(document)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as err:
        raise ManifestError(f"the manifest is malformed: {type(err).__name__} {err}") from err


def _from_document(document: dict[str, Any]) -> Manifest:
    known = {entry.name for entry in fields(Manifest)} | {"schema_version"}
    manifest = Manifest(
        pipeline=keys.pipeline_name(document["pipeline"]),
        version=keys.version_name(document["version"]),
        created_at=str(document["created_at"]),
        files={
            keys.file_name(name): FileEntry(str(entry["sha256"]), int(entry["size_bytes"]))
            for name, entry in document["files"].items()
        },
        inputs=tuple(_input_field(entry) for entry in document["inputs"]),
        target=str(document["target"]),
        labels={"0": str(document["labels"]["0"]), "1": str(document["labels"]["1"])},
        thresholds=Thresholds(**_block_and_review(document["thresholds"])),
        budgets=Budgets(**_block_and_review(document["budgets"])),
        metrics=dict(document["metrics"]),
        snapshot=dict(document["snapshot"]),
        code_commit=str(document["code_commit"]),
        libraries=dict(document["libraries"]),
        seed=int(document["seed"]),
        model=dict(document["model"]),
        features=str(document.get("features", "")),
        reference=dict(document.get("reference", {})),
        extra={name: value for name, value in document.items() if name not in known},
    )
    if not manifest.inputs:
        raise ManifestError("the manifest lists no inputs")
    names = [entry.name for entry in manifest.inputs]
    if len(set(names)) != len(names):
        raise ManifestError("the manifest lists an input twice")
    return manifest


def _block_and_review(document: dict[str, Any]) -> dict[str, float]:
    return {name: float(document[name]) for name in ("block", "review")}


def _input_field(entry: dict[str, Any]) -> InputField:
    allowed = entry.get("allowed")
    return InputField(
        name=str(entry["name"]),
        dtype=str(entry["dtype"]),
        allowed=None if allowed is None else tuple(int(value) for value in allowed),
        description=str(entry.get("description", "")),
        aliases=tuple(str(alias) for alias in entry.get("aliases", ())),
    )
