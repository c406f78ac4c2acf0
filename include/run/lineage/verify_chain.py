"""A version verified from end to end: manifest, every step of its run, gate, approval."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from include.contract import keys
from include.contract.manifest import Manifest, describe_file
from include.contract.run_documents import GateVerdicts, SnapshotSummary, parse
from include.contract.run_steps import CHAIN, RunChain, parse_chain
from include.errors import (
    ManifestError,
    ObjectMissingError,
    PointerError,
    SignatureError,
    VersionRefusedError,
)
from include.registry.approve import production_pointer, read_history
from include.registry.follow.verify import TrustedKeys
from include.registry.versions import read_signed_manifest
from include.registry.witness import check_history
from include.stores.objects import MAX_OBJECT_BYTES, ObjectStore

# The steps of every run, in order; searches stand between split and choose.
STEPS = (
    "pin_champion",
    "take_snapshot",
    "validate",
    "split",
    "choose",
    "evaluate",
    "measure_drift",
    "package",
    "infra_validate",
    "gate",
)


@dataclass(frozen=True)
class Check:
    """One link of the chain.

    Attributes
    ----------
    name : str
    passed : bool
    detail : str
    """

    name: str
    passed: bool
    detail: str


def verify_chain(
    store: ObjectStore,
    pipeline: str,
    version: str,
    trusted_keys: TrustedKeys,
    witnessed: tuple[int, str] | None = None,
) -> tuple[Check, ...]:
    """Return every check of a version's way from its snapshot to its approval.

    Parameters
    ----------
    store : ObjectStore
    pipeline, version : str
    trusted_keys : TrustedKeys
    witnessed : tuple of (int, str), optional
        Serial and digest of the approval that a scorer serves: it must be in the history.

    Raises
    ------
    VersionRefusedError
        If there is no such version, or its run's chain is not kept.
    SignatureError, ManifestError, PointerError
        If manifest, chain or an approval was not signed by a trusted key.
    """
    manifest, body = read_signed_manifest(store, pipeline, version, trusted_keys)
    sha256 = describe_file(body).sha256
    run_id = str(manifest.model.get("run_id", ""))
    try:
        signed = store.get(keys.run_file(pipeline, run_id, CHAIN))
    except (ObjectMissingError, ManifestError) as err:
        raise VersionRefusedError(
            f"{pipeline}: the chain of {version} is not kept: its run never came to the gate, or "
            "is older than chains"
        ) from err
    chain = parse_chain(signed, trusted_keys.trainers)
    if (chain.pipeline, chain.run_id, chain.version, chain.manifest_sha256) != (
        *(pipeline, run_id, version, sha256),
    ):
        raise SignatureError(f"{pipeline}: the chain kept for {version} is of another version")
    return (
        Check("manifest", True, f"signed by a trainer, SHA-256 {sha256}"),
        *_steps(chain),
        *_files(store, chain),
        *_contents(store, chain, manifest),
        _approval(store, manifest, sha256, trusted_keys),
        _history(store, pipeline, trusted_keys, witnessed),
    )


def _steps(chain: RunChain) -> Iterator[Check]:
    """Yield a check for each step: what it read is what an earlier step wrote."""
    written: dict[str, str] = {}
    for step in chain.steps:
        foreign = [name for name, digest in step.inputs.items() if written.get(name) != digest]
        detail = f"{len(step.inputs)} files read, {len(step.outputs)} written"
        if foreign:
            detail = f"read what no earlier step wrote: {', '.join(sorted(foreign))}"
        yield Check(step.step, not foreign, detail)
        written |= step.outputs
    missing = [name for name in STEPS if name not in {step.step for step in chain.steps}]
    if missing:
        yield Check("steps", False, f"not in the chain: {', '.join(missing)}")


def _files(store: ObjectStore, chain: RunChain) -> Iterator[Check]:
    """Yield whether the files that are still kept are those of the chain."""
    changed, n_kept, n_gone = [], 0, 0
    for name, digest in _outputs(chain).items():
        try:
            key = keys.run_file(chain.pipeline, chain.run_id, name)
            body = store.get(key, MAX_OBJECT_BYTES)
        except ObjectMissingError:
            n_gone += 1
            continue
        n_kept += 1
        if hashlib.sha256(body).hexdigest() != digest:
            changed.append(name)
    detail = f"{n_kept} files are kept, {n_gone} not any more"
    if changed:
        detail = f"changed since: {', '.join(sorted(changed))}"
    yield Check("files", not changed, detail)


def _contents(store: ObjectStore, chain: RunChain, manifest: Manifest) -> Iterator[Check]:
    """Yield whether snapshot and gate of the chain are those of the version."""
    body = _kept(store, chain, SnapshotSummary.NAME)
    if body is None:
        yield Check("snapshot", False, "its document is not kept, or was changed")
    else:
        same = parse(SnapshotSummary, body).digest == manifest.snapshot["digest"]
        yield Check("snapshot", same, f"digest {manifest.snapshot['digest']}")
    body = _kept(store, chain, GateVerdicts.NAME)
    if body is None:
        yield Check("verdicts", False, "they are not kept, or were changed")
    else:
        verdicts = parse(GateVerdicts, body).verdicts
        rejected = [verdict.sentence for verdict in verdicts if not verdict.passed]
        detail = "; ".join(rejected) if rejected else f"{len(verdicts)} rules, none rejected"
        yield Check("verdicts", not rejected, detail)


def _kept(store: ObjectStore, chain: RunChain, name: str) -> bytes | None:
    try:
        body = store.get(keys.run_file(chain.pipeline, chain.run_id, name))
    except ObjectMissingError:
        return None
    return body if hashlib.sha256(body).hexdigest() == _outputs(chain).get(name) else None


def _outputs(chain: RunChain) -> dict[str, str]:
    return {name: digest for step in chain.steps for name, digest in step.outputs.items()}


def _history(
    store: ObjectStore,
    pipeline: str,
    trusted_keys: TrustedKeys,
    witnessed: tuple[int, str] | None,
) -> Check:
    """Return whether no approval was changed or taken away since."""
    try:
        return Check("history", True, check_history(store, pipeline, trusted_keys, witnessed))
    except (PointerError, SignatureError) as err:
        return Check("history", False, str(err))


def _approval(
    store: ObjectStore, manifest: Manifest, sha256: str, trusted_keys: TrustedKeys
) -> Check:
    """Return whether an approver signed an approval of exactly this manifest."""
    approvers = trusted_keys.approvers
    current = production_pointer(store, manifest.pipeline, approvers)
    pointers = {each.serial: each for each in read_history(store, manifest.pipeline, approvers)}
    if current is not None:
        pointers[current.serial] = current
    named = [each for each in pointers.values() if each.version == manifest.version]
    if not named:
        return Check("approval", False, "never approved")
    serials = ", ".join(str(each.serial) for each in named)
    if any(each.manifest_sha256 != sha256 for each in named):
        return Check("approval", False, f"serial {serials} approved another manifest")
    return Check("approval", True, f"serial {serials}, by {named[-1].decided_by}")
