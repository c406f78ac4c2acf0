"""What a person sees of a pipeline's models at a glance: a page of versions and who decided what.

Nothing here raises for one bad object: what cannot be believed is named, and the rest is shown.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from include.contract import keys
from include.contract.approval import MAX_POINTER_BYTES, Pointer, parse_pointer
from include.contract.manifest import check_file
from include.errors import (
    ManifestError,
    ObjectMissingError,
    PointerError,
    SignatureError,
    VersionRefusedError,
)
from include.registry.approve import pointer_in_force
from include.registry.follow.believe import Trust
from include.registry.versions import (
    Approvals,
    KeptVersion,
    gather_approvals,
    read_signed_manifest,
    read_version,
    version_names,
)
from include.stores.objects import ObjectStore

VERSIONS_PER_PAGE = 30
MAX_HISTORY = 500
MAX_REPORT_BYTES = 16 * 1024 * 1024
_READERS = 8
_UNBELIEVABLE = (ManifestError, PointerError, SignatureError, VersionRefusedError)

FoundT = TypeVar("FoundT")


@dataclass(frozen=True)
class Ledger:
    """Who put which version in force.

    Attributes
    ----------
    in_force : Pointer or None
    history : tuple of Pointer
        The newest `MAX_HISTORY` approvals and rollbacks, newest first; each verified.
    problems : tuple of str
        What could not be believed, in a sentence each.
    """

    in_force: Pointer | None
    history: tuple[Pointer, ...]
    problems: tuple[str, ...] = ()

    @property
    def approvals(self) -> Approvals:
        """The approvals by version."""
        return gather_approvals(self.in_force, self.history)

    @property
    def before(self) -> Pointer | None:
        """The latest approval of another version than the one in force: what to roll back to."""
        if self.in_force is None:
            return None
        others = (each for each in self.history if each.version != self.in_force.version)
        return next(others, None)


@dataclass(frozen=True)
class Overview:
    """One page of a pipeline's versions.

    Attributes
    ----------
    pipeline : str
    ledger : Ledger
    versions : tuple of KeptVersion
        Of this page, newest first.
    n_versions : int
        Of all pages.
    page : int
        From 1, the newest.
    """

    pipeline: str
    ledger: Ledger
    versions: tuple[KeptVersion, ...]
    n_versions: int
    page: int

    @property
    def n_pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.n_versions // VERSIONS_PER_PAGE))


def read_overview(store: ObjectStore, pipeline: str, trust: Trust, page: int = 1) -> Overview:
    """Return a page of versions; a page beyond the last is empty.

    Raises
    ------
    StoreUnavailableError, ObjectMissingError
        If the bucket is away or not there.
    """
    ledger = read_ledger(store, pipeline, trust)
    names = version_names(store, pipeline)[::-1]
    start = (page - 1) * VERSIONS_PER_PAGE
    approvals = ledger.approvals

    def read(version: str) -> KeptVersion:
        return read_version(store, pipeline, version, approvals, trust)

    versions = _at_once(read, names[start : start + VERSIONS_PER_PAGE])
    return Overview(pipeline, ledger, tuple(versions), len(names), page)


def read_ledger(store: ObjectStore, pipeline: str, trust: Trust) -> Ledger:
    """Return who put which version in force; errors as in `read_overview`."""
    problems: list[str] = []
    in_force = None
    try:
        in_force = pointer_in_force(store, pipeline, trust.approvers)
    except _UNBELIEVABLE as err:
        problems.append(f"What is in force cannot be believed: {err}")
    recorded = list(store.keys_under(keys.history_prefix(pipeline)))[-MAX_HISTORY:]

    def read(key: str) -> Pointer | str:
        try:
            body = store.get(key, MAX_POINTER_BYTES)
            return parse_pointer(body, trust.approvers, pipeline=pipeline)
        except (ObjectMissingError, *_UNBELIEVABLE) as err:
            return f"{key} is left out: {err}"

    pointers = {} if in_force is None else {in_force.serial: in_force}
    for found in _at_once(read, recorded):
        if isinstance(found, str):
            problems.append(found)
        else:
            pointers[found.serial] = found
    newest_first = tuple(pointers[serial] for serial in sorted(pointers, reverse=True))
    return Ledger(in_force, newest_first, tuple(problems))


def read_one(
    store: ObjectStore, pipeline: str, version: str, trust: Trust
) -> tuple[KeptVersion, Ledger]:
    """Return one version and who put it, or others, in force.

    Raises
    ------
    ManifestError
        If `pipeline` or `version` cannot be names.
    ObjectMissingError
        If there is no such version.
    StoreUnavailableError
    """
    keys.version_prefix(pipeline, version)
    if next(iter(store.keys_under(keys.version_prefix(pipeline, version))), None) is None:
        raise ObjectMissingError(f"{pipeline}: there is no version {version}")
    ledger = read_ledger(store, pipeline, trust)
    return read_version(store, pipeline, version, ledger.approvals, trust), ledger


def read_report(store: ObjectStore, pipeline: str, version: str, trust: Trust) -> bytes:
    """Return a version's report, which is the one that its trainer signed.

    Raises
    ------
    ManifestError, SignatureError, VersionRefusedError
        If version or report are not what was signed.
    ObjectMissingError, StoreUnavailableError
    """
    body = store.get(keys.version_file(pipeline, version, keys.REPORT), MAX_REPORT_BYTES)
    manifest, _ = read_signed_manifest(store, pipeline, version, trust)
    if keys.REPORT not in manifest.files:
        raise ManifestError(f"{pipeline}: the manifest of {version} lists no {keys.REPORT}")
    check_file(keys.REPORT, body, manifest.files[keys.REPORT])
    return body


def _at_once(read: Callable[[str], FoundT], names: Sequence[str]) -> list[FoundT]:
    """Return what is read of each name, in order; S3 answers many questions at a time."""
    with ThreadPoolExecutor(_READERS) as readers:
        return list(readers.map(read, names))
