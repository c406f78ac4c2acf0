"""What a person sees of a pipeline's models at a glance: a page of versions and who decided what.

Nothing here raises for one bad object: what cannot be verified is named, and the rest is shown.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from include.contract import keys
from include.contract.manifest import check_file
from include.contract.pointer import MAX_POINTER_BYTES, Pointer, parse_pointer
from include.contract.signature import any_one
from include.errors import (
    ManifestError,
    ObjectMissingError,
    PointerError,
    SignatureError,
    VersionRefusedError,
)
from include.registry.approve import production_pointer
from include.registry.follow.verify import TrustedKeys
from include.registry.versions import (
    Approvals,
    StoredVersion,
    gather_approvals,
    read_signed_manifest,
    read_version,
    rollback_target,
    version_names,
)
from include.stores.objects import ObjectStore

VERSIONS_PER_PAGE = 30
MAX_HISTORY = 500
MAX_REPORT_BYTES = 16 * 1024 * 1024
_READERS = 8
_MALFORMED = (ManifestError, PointerError, SignatureError, VersionRefusedError)

FoundT = TypeVar("FoundT")


@dataclass(frozen=True)
class Ledger:
    """Who put which version in production.

    Attributes
    ----------
    in_production : Pointer or None
    history : tuple of Pointer
        The newest `MAX_HISTORY` approvals and rollbacks, newest first; each verified.
    problems : tuple of str
        What could not be verified, in a sentence each.
    """

    in_production: Pointer | None
    history: tuple[Pointer, ...]
    problems: tuple[str, ...] = ()

    @property
    def approvals(self) -> Approvals:
        """The approvals by version."""
        return gather_approvals(self.in_production, self.history)

    @property
    def before(self) -> Pointer | None:
        """The rollback target: the latest approval of another version, that was not taken back."""
        if self.in_production is None:
            return None
        earlier = (each for each in self.history if each.serial != self.in_production.serial)
        return rollback_target([self.in_production, *earlier])


@dataclass(frozen=True)
class Overview:
    """One page of a pipeline's versions.

    Attributes
    ----------
    pipeline : str
    ledger : Ledger
    versions : tuple of StoredVersion
        Of this page, newest first.
    n_versions : int
        Of all pages.
    page : int
        From 1, the newest.
    """

    pipeline: str
    ledger: Ledger
    versions: tuple[StoredVersion, ...]
    n_versions: int
    page: int

    @property
    def n_pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.n_versions // VERSIONS_PER_PAGE))


def read_overview(
    store: ObjectStore, pipeline: str, trusted_keys: TrustedKeys, page: int = 1
) -> Overview:
    """Return a page of versions; a page beyond the last is empty.

    Raises
    ------
    StoreUnavailableError, ObjectMissingError
        If the bucket is unavailable or missing.
    """
    ledger = read_ledger(store, pipeline, trusted_keys)
    names = version_names(store, pipeline)[::-1]
    start = (page - 1) * VERSIONS_PER_PAGE
    approvals = ledger.approvals

    def read(version: str) -> StoredVersion:
        return read_version(store, pipeline, version, approvals, trusted_keys)

    versions = _at_once(read, names[start : start + VERSIONS_PER_PAGE])
    return Overview(pipeline, ledger, tuple(versions), len(names), page)


def read_ledger(store: ObjectStore, pipeline: str, trusted_keys: TrustedKeys) -> Ledger:
    """Return who put which version in production; errors as in `read_overview`."""
    problems: list[str] = []
    in_production = None
    try:
        in_production = production_pointer(store, pipeline, trusted_keys.approvers)
    except _MALFORMED as err:
        problems.append(f"What is in production cannot be verified: {err}")
    recorded = list(store.keys_under(keys.history_prefix(pipeline)))[-MAX_HISTORY:]

    def read(key: str) -> Pointer | str:
        try:
            body = store.get(key, MAX_POINTER_BYTES)
            return parse_pointer(body, any_one(trusted_keys.approvers), pipeline=pipeline)
        except (ObjectMissingError, *_MALFORMED) as err:
            return f"{key} is left out: {err}"

    pointers = {} if in_production is None else {in_production.serial: in_production}
    for found in _at_once(read, recorded):
        if isinstance(found, str):
            problems.append(found)
        else:
            pointers[found.serial] = found
    newest_first = tuple(pointers[serial] for serial in sorted(pointers, reverse=True))
    return Ledger(in_production, newest_first, tuple(problems))


def read_one(
    store: ObjectStore, pipeline: str, version: str, trusted_keys: TrustedKeys
) -> tuple[StoredVersion, Ledger]:
    """Return one version and who put it, or others, in production.

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
    ledger = read_ledger(store, pipeline, trusted_keys)
    return read_version(store, pipeline, version, ledger.approvals, trusted_keys), ledger


def read_report(
    store: ObjectStore, pipeline: str, version: str, trusted_keys: TrustedKeys
) -> bytes:
    """Return a version's report, which is the one that its trainer signed.

    Raises
    ------
    ManifestError, SignatureError, VersionRefusedError
        If version or report are not what was signed.
    ObjectMissingError, StoreUnavailableError
    """
    body = store.get(keys.version_file(pipeline, version, keys.REPORT), MAX_REPORT_BYTES)
    manifest, _ = read_signed_manifest(store, pipeline, version, trusted_keys)
    if keys.REPORT not in manifest.files:
        raise ManifestError(f"{pipeline}: the manifest of {version} lists no {keys.REPORT}")
    check_file(keys.REPORT, body, manifest.files[keys.REPORT])
    return body


def _at_once(read: Callable[[str], FoundT], names: Sequence[str]) -> list[FoundT]:
    """Return what is read of each name, in order; S3 is read in parallel."""
    with ThreadPoolExecutor(_READERS) as readers:
        return list(readers.map(read, names))
