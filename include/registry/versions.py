"""What became of every version of a pipeline: whole or not, judged, approved, in force."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from include.contract import keys
from include.contract.approval import Pointer
from include.contract.judgement import GATE, GATE_SIGNATURE, verify_verdicts
from include.contract.manifest import Manifest, describe_file, parse_manifest
from include.errors import ManifestError, ObjectMissingError, SignatureError, VersionRefusedError
from include.registry.approve import pointer_in_force, read_history
from include.registry.follow.believe import (
    MAX_MANIFEST_BYTES,
    MAX_SIGNATURE_BYTES,
    Trust,
    believe_signature,
)
from include.stores.objects import ObjectStore

ANSWER = "approval.json"


@dataclass(frozen=True)
class GateOutcome:
    """What the gate said of a version.

    Attributes
    ----------
    judged : bool
        False when no verdict is kept that a trainer signed: the run never came to the gate.
    rejections : tuple of str
        The sentence of every rule that was not passed.
    passes : tuple of str
        The sentence of every rule that was.
    not_judged : tuple of str
        Of every rule that had no limit, or too little to judge by.
    """

    judged: bool
    rejections: tuple[str, ...] = ()
    passes: tuple[str, ...] = ()
    not_judged: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every rule was passed."""
        return self.judged and not self.rejections

    def __str__(self) -> str:
        if not self.judged:
            return "not judged"
        return f"rejected: {'; '.join(self.rejections)}" if self.rejections else "passed"


@dataclass(frozen=True)
class KeptVersion:
    """One folder of a pipeline's versions.

    Attributes
    ----------
    version : str
    serials : tuple of int
        Of its approvals, oldest first.
    is_in_force : bool
    manifest : Manifest or None
        None when `problem` says why it cannot be believed.
    gate : GateOutcome
    answer : str
        Who rejected it and why, when a person did.
    problem : str
        Empty for a version that is whole and signed by a trainer.
    """

    version: str
    serials: tuple[int, ...]
    is_in_force: bool
    manifest: Manifest | None
    gate: GateOutcome
    answer: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Approvals:
    """Every approval of a pipeline.

    Attributes
    ----------
    in_force : Pointer or None
    by_version : mapping of str to tuple of int
        The serials of each version, oldest first.
    """

    in_force: Pointer | None
    by_version: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def read_approvals(store: ObjectStore, pipeline: str, trust: Trust) -> Approvals:
    """Return every approval of a pipeline, each verified.

    Raises
    ------
    SignatureError, PointerError
        If one must not be believed.
    """
    in_force = pointer_in_force(store, pipeline, trust.approvers)
    return gather_approvals(in_force, read_history(store, pipeline, trust.approvers))


def gather_approvals(in_force: Pointer | None, history: Iterable[Pointer]) -> Approvals:
    """Return the approvals of a pipeline, by version."""
    pointers = {pointer.serial: pointer for pointer in history}
    if in_force is not None:
        pointers[in_force.serial] = in_force  # its history entry may not be written yet
    serials: dict[str, tuple[int, ...]] = {}
    for serial in sorted(pointers):
        version = pointers[serial].version
        serials[version] = (*serials.get(version, ()), serial)
    return Approvals(in_force, serials)


def list_versions(store: ObjectStore, pipeline: str, trust: Trust) -> Iterator[KeptVersion]:
    """Yield every version that is kept, newest first; one that cannot be believed says why."""
    approvals = read_approvals(store, pipeline, trust)
    for version in reversed(version_names(store, pipeline)):
        yield read_version(store, pipeline, version, approvals, trust)


def read_version(
    store: ObjectStore, pipeline: str, version: str, approvals: Approvals, trust: Trust
) -> KeptVersion:
    """Return what became of one version; one that cannot be believed says why."""
    serials = approvals.by_version.get(version, ())
    in_force = approvals.in_force is not None and approvals.in_force.version == version
    try:
        manifest, body = read_signed_manifest(store, pipeline, version, trust)
        gate = read_gate(store, manifest, describe_file(body).sha256, trust)
        answer = _rejection(store, manifest)
    except (ManifestError, SignatureError, VersionRefusedError) as err:
        unknown = GateOutcome(False)
        return KeptVersion(version, serials, in_force, None, unknown, problem=str(err))
    return KeptVersion(version, serials, in_force, manifest, gate, answer)


def version_names(store: ObjectStore, pipeline: str) -> list[str]:
    """Return the name of every version of which an object is there, oldest first."""
    prefix = keys.versions_prefix(pipeline)
    # Objects, not folders: some servers go on listing a folder whose objects are gone.
    found = {key.removeprefix(prefix).partition("/")[0] for key in store.keys_under(prefix)}
    return sorted(name for name in found if keys.is_version_name(name))


def read_signed_manifest(
    store: ObjectStore, pipeline: str, version: str, trust: Trust
) -> tuple[Manifest, bytes]:
    """Return a version's manifest and its bytes, which a trainer signed.

    Raises
    ------
    VersionRefusedError
        If there is no such version, or it is not completely published.
    SignatureError, ManifestError
        If it must not be believed.
    """
    try:
        body = store.get(keys.version_file(pipeline, version, keys.MANIFEST), MAX_MANIFEST_BYTES)
        bundle = store.get(
            keys.version_file(pipeline, version, keys.SIGNATURE), MAX_SIGNATURE_BYTES
        )
    except ObjectMissingError as err:
        raise VersionRefusedError(_missing(store, pipeline, version)) from err
    manifest = parse_manifest(body)
    believe_signature(bundle, manifest, body, trust)
    if (manifest.pipeline, manifest.version) != (pipeline, version):
        raise ManifestError(
            f"{pipeline}: the manifest of {version} is of {manifest.pipeline} {manifest.version}"
        )
    return manifest, body


def read_gate(
    store: ObjectStore, manifest: Manifest, manifest_sha256: str, trust: Trust
) -> GateOutcome:
    """Return what the gate of the version's run said of it; not judged if no trainer vouches.

    Raises
    ------
    SignatureError
        If what is kept is not what a trainer vouched for.
    ManifestError
        If it cannot be read.
    """
    body = _get_of_run(store, manifest, GATE)
    if body is None:
        return GateOutcome(False)
    vouched = _get_of_run(store, manifest, GATE_SIGNATURE)
    if vouched is None:
        return GateOutcome(False)
    try:
        verify_verdicts(vouched, body, manifest_sha256, trust.trainers)
    except SignatureError as err:
        raise SignatureError(f"{manifest.version}: {GATE} of its run: {err}") from err
    verdicts = _parsed(body, manifest, GATE)
    try:
        said = [(_outcome(verdict), str(verdict["sentence"])) for verdict in verdicts]
    except (AttributeError, KeyError, TypeError) as err:
        raise ManifestError(f"{manifest.version}: {GATE} of its run is malformed") from err

    def of(wanted: str) -> tuple[str, ...]:
        return tuple(sentence for outcome, sentence in said if outcome == wanted)

    return GateOutcome(True, of("rejected"), of("passed"), of("not judged"))


def _outcome(verdict: Mapping[str, Any]) -> str:
    if not verdict["passed"]:
        return "rejected"
    return "passed" if verdict.get("judged", True) else "not judged"


def _rejection(store: ObjectStore, manifest: Manifest) -> str:
    body = _get_of_run(store, manifest, ANSWER)
    if body is None:
        return ""
    answer = _parsed(body, manifest, ANSWER)
    try:
        if answer["approved"]:
            return ""
        return f"rejected by {answer['by']} at {answer['at']}: {answer['reason']}"
    except (KeyError, TypeError) as err:
        raise ManifestError(f"{manifest.version}: {ANSWER} of its run is malformed") from err


def _get_of_run(store: ObjectStore, manifest: Manifest, name: str) -> bytes | None:
    """Return an object of the run that made the version; None when it is not kept."""
    run_id = str(manifest.model.get("run_id", ""))
    if not run_id:
        return None
    try:
        return store.get(keys.run_file(manifest.pipeline, run_id, name), MAX_MANIFEST_BYTES)
    except ObjectMissingError:
        return None


def _parsed(body: bytes, manifest: Manifest, name: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as err:
        raise ManifestError(f"{manifest.version}: {name} of its run is no JSON") from err


def _missing(store: ObjectStore, pipeline: str, version: str) -> str:
    if version in version_names(store, pipeline):
        return f"{pipeline}: version {version} is not completely published"
    return f"{pipeline}: there is no version {version}"
