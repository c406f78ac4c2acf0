"""The state of every version of a pipeline: complete or not, gate, approvals, in production."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from include.contract import keys
from include.contract.gate_verdicts import GATE, GATE_SIGNATURE, verify_verdicts
from include.contract.manifest import Manifest, describe_file, parse_manifest
from include.contract.pointer import Pointer
from include.contract.run_documents import GateVerdict, GateVerdicts, parse
from include.errors import (
    ManifestError,
    ObjectMissingError,
    RunDocumentError,
    SignatureError,
    VersionRefusedError,
)
from include.registry.approve import production_pointer, read_history
from include.registry.follow.verify import (
    MAX_MANIFEST_BYTES,
    MAX_SIGNATURE_BYTES,
    TrustedKeys,
    verify_signature,
)
from include.registry.request import is_held
from include.registry.responses import read_response
from include.stores.objects import ObjectStore

DocumentT = TypeVar("DocumentT")


@dataclass(frozen=True)
class GateOutcome:
    """The outcome of the gate for a version.

    Attributes
    ----------
    evaluated : bool
        False when no verdict is kept that a trainer signed: the run never came to the gate.
    rejections : tuple of str
        The sentence of every rule that was not passed.
    passes : tuple of str
        The sentence of every rule that was.
    not_evaluated : tuple of str
        Of every rule that had no limit, or too little to judge by.
    """

    evaluated: bool
    rejections: tuple[str, ...] = ()
    passes: tuple[str, ...] = ()
    not_evaluated: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every rule was passed."""
        return self.evaluated and not self.rejections

    def __str__(self) -> str:
        if not self.evaluated:
            return "not evaluated"
        return f"rejected: {'; '.join(self.rejections)}" if self.rejections else "passed"


@dataclass(frozen=True)
class StoredVersion:
    """One folder of a pipeline's versions.

    Attributes
    ----------
    version : str
    serials : tuple of int
        Of its approvals, oldest first.
    is_in_production : bool
    manifest : Manifest or None
        None when `problem` says why it cannot be verified.
    gate : GateOutcome
    answer : str
        Who rejected it and why, when a person did and the approver signed it.
    problem : str
        Empty for a version that is whole and signed by a trainer.
    """

    version: str
    serials: tuple[int, ...]
    is_in_production: bool
    manifest: Manifest | None
    gate: GateOutcome
    answer: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Approvals:
    """Every approval of a pipeline.

    Attributes
    ----------
    in_production : Pointer or None
    by_version : mapping of str to tuple of int
        The serials of each version, oldest first.
    """

    in_production: Pointer | None
    by_version: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def read_approvals(store: ObjectStore, pipeline: str, trusted_keys: TrustedKeys) -> Approvals:
    """Return every approval of a pipeline, each verified.

    Raises
    ------
    SignatureError, PointerError
        If one must not be verified.
    """
    in_production = production_pointer(store, pipeline, trusted_keys.approvers)
    return gather_approvals(in_production, read_history(store, pipeline, trusted_keys.approvers))


def gather_approvals(in_production: Pointer | None, history: Iterable[Pointer]) -> Approvals:
    """Return the approvals of a pipeline, by version."""
    pointers = {pointer.serial: pointer for pointer in history}
    if in_production is not None:
        pointers[in_production.serial] = in_production  # its history entry may not be written yet
    serials: dict[str, tuple[int, ...]] = {}
    for serial in sorted(pointers):
        version = pointers[serial].version
        serials[version] = (*serials.get(version, ()), serial)
    return Approvals(in_production, serials)


def rollback_target(newest_first: Iterable[Pointer]) -> Pointer | None:
    """Return the latest approval of another version than the first; not one that was taken back.

    Parameters
    ----------
    newest_first : iterable of Pointer
        The approval in production, and those before it.
    """
    current = later = None
    for pointer in newest_first:
        if current is None or later is None:
            current = later = pointer
        if pointer.version != current.version and not is_held(later):
            return pointer
        later = pointer
    return None


def list_versions(
    store: ObjectStore, pipeline: str, trusted_keys: TrustedKeys
) -> Iterator[StoredVersion]:
    """Yield every version that is kept, newest first; one that cannot be verified says why."""
    approvals = read_approvals(store, pipeline, trusted_keys)
    for version in reversed(version_names(store, pipeline)):
        yield read_version(store, pipeline, version, approvals, trusted_keys)


def read_version(
    store: ObjectStore, pipeline: str, version: str, approvals: Approvals, trusted_keys: TrustedKeys
) -> StoredVersion:
    """Return what became of one version; one that cannot be verified says why."""
    serials = approvals.by_version.get(version, ())
    in_production = (
        approvals.in_production is not None and approvals.in_production.version == version
    )
    try:
        manifest, body = read_signed_manifest(store, pipeline, version, trusted_keys)
        gate = read_gate(store, manifest, describe_file(body).sha256, trusted_keys)
        answer = _rejection(store, manifest, trusted_keys)
    except (ManifestError, SignatureError, VersionRefusedError) as err:
        unknown = GateOutcome(False)
        return StoredVersion(version, serials, in_production, None, unknown, problem=str(err))
    return StoredVersion(version, serials, in_production, manifest, gate, answer)


def version_names(store: ObjectStore, pipeline: str) -> list[str]:
    """Return the name of every version of which an object is there, oldest first."""
    prefix = keys.versions_prefix(pipeline)
    # Objects, not folders: some servers go on listing a folder whose objects are gone.
    found = {key.removeprefix(prefix).partition("/")[0] for key in store.keys_under(prefix)}
    return sorted(name for name in found if keys.is_version_name(name))


def read_signed_manifest(
    store: ObjectStore, pipeline: str, version: str, trusted_keys: TrustedKeys
) -> tuple[Manifest, bytes]:
    """Return a version's manifest and its bytes, which a trainer signed.

    Raises
    ------
    VersionRefusedError
        If there is no such version, or it is not completely published.
    SignatureError, ManifestError
        If it must not be verified.
    """
    try:
        body = store.get(keys.version_file(pipeline, version, keys.MANIFEST), MAX_MANIFEST_BYTES)
        bundle = store.get(
            keys.version_file(pipeline, version, keys.SIGNATURE), MAX_SIGNATURE_BYTES
        )
    except ObjectMissingError as err:
        raise VersionRefusedError(_missing(store, pipeline, version)) from err
    manifest = parse_manifest(body)
    verify_signature(bundle, manifest, body, trusted_keys)
    if (manifest.pipeline, manifest.version) != (pipeline, version):
        raise ManifestError(
            f"{pipeline}: the manifest of {version} is of {manifest.pipeline} {manifest.version}"
        )
    return manifest, body


def read_gate(
    store: ObjectStore, manifest: Manifest, manifest_sha256: str, trusted_keys: TrustedKeys
) -> GateOutcome:
    """Return the gate verdicts on a version; not evaluated if no trainer signed them.

    Raises
    ------
    SignatureError
        If what is kept is not what a trainer signed.
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
        verify_verdicts(vouched, body, manifest_sha256, trusted_keys.trainers)
    except SignatureError as err:
        raise SignatureError(f"{manifest.version}: {GATE} of its run: {err}") from err
    verdicts = _parsed(GateVerdicts, body, manifest).verdicts
    outcomes = [(_outcome(verdict), verdict.sentence) for verdict in verdicts]

    def of(wanted: str) -> tuple[str, ...]:
        return tuple(sentence for outcome, sentence in outcomes if outcome == wanted)

    return GateOutcome(True, of("rejected"), of("passed"), of("not evaluated"))


def _outcome(verdict: GateVerdict) -> str:
    if not verdict.passed:
        return "rejected"
    return "passed" if verdict.evaluated else "not evaluated"


def _rejection(store: ObjectStore, manifest: Manifest, trusted_keys: TrustedKeys) -> str:
    if not (run_id := _run_id(manifest)):
        return ""
    response = read_response(store, manifest.pipeline, run_id, trusted_keys.approvers)
    if response is None or response.approved or response.version != manifest.version:
        return ""
    return f"rejected by {response.by} at {response.at}: {response.reason}"


def _get_of_run(store: ObjectStore, manifest: Manifest, name: str) -> bytes | None:
    """Return an object of the run that made the version; None when it is not kept."""
    if not (run_id := _run_id(manifest)):
        return None
    try:
        return store.get(keys.run_file(manifest.pipeline, run_id, name), MAX_MANIFEST_BYTES)
    except ObjectMissingError:
        return None


def _run_id(manifest: Manifest) -> str:
    return str(manifest.model.get("run_id", ""))


def _parsed(kind: type[DocumentT], body: bytes, manifest: Manifest) -> DocumentT:
    try:
        return parse(kind, body)
    except RunDocumentError as err:
        raise ManifestError(f"{manifest.version}: its run left a malformed {err}") from err


def _missing(store: ObjectStore, pipeline: str, version: str) -> str:
    if version in version_names(store, pipeline):
        return f"{pipeline}: version {version} is not completely published"
    return f"{pipeline}: there is no version {version}"
