"""A request for an approval, and whether it may be granted."""

from dataclasses import dataclass

from include.contract import keys
from include.contract.manifest import describe_file
from include.contract.pointer import GATE, WATCHER, Pointer, pointer_sha256
from include.errors import (
    ApprovalHeldError,
    ObjectMissingError,
    PromotionConflictError,
    VersionRefusedError,
)
from include.stores.objects import Fetched, ObjectStore


@dataclass(frozen=True)
class Request:
    """A request for an approval.

    Attributes
    ----------
    pipeline, version : str
    approved_by, approved_at, reason : str
        `approved_at` is ISO 8601 in UTC.
    run_id : str
        Idempotency key: a request of the same id is approved once, however often it is sent.
    expected_serial : int or None
        Serial in production when the version was evaluated, 0 for none; None to follow any serial.
    manifest_sha256 : str or None
        Of the version that was evaluated; None to approve whatever the version holds.
    never_older : bool
        Refuse the version if it is of an older run than the one in production.
    countersign : bool
        Carry another approver's proposal also where one approver suffices.
    """

    pipeline: str
    version: str
    approved_by: str
    approved_at: str
    reason: str
    run_id: str
    expected_serial: int | None = None
    manifest_sha256: str | None = None
    never_older: bool = False
    countersign: bool = False


def check_requested(request: Request, in_production: Pointer | None) -> None:
    """Return when a request may follow what is in production.

    Raises
    ------
    PromotionConflictError
        If another approval came first, or was of a later run.
    ApprovalHeldError
        If the gate approves, and the last release was taken back.
    """
    serial = in_production.serial if in_production else 0
    if in_production and request.never_older and is_of_older_run(request.version, in_production):
        raise PromotionConflictError(
            f"{request.pipeline}: {request.version} is of an older run than "
            f"{in_production.version}, which is in production with serial {serial}"
        )
    if in_production and request.approved_by == GATE and is_held(in_production):
        raise ApprovalHeldError(
            f"{request.pipeline}: serial {serial} took a release back, and no person has approved "
            f"a version since: {request.version} needs a person's approval"
        )
    if request.expected_serial not in (None, serial):
        raise PromotionConflictError(
            f"{request.pipeline}: {request.version} was compared with serial "
            f"{request.expected_serial}, but serial {serial} is in production now"
        )


def is_held(in_production: Pointer) -> bool:
    """Return whether approvals need a person, as the last one took a release back by itself."""
    return in_production.approved_by == WATCHER


def is_of_older_run(version: str, in_production: Pointer) -> bool:
    """Return whether a version's run was due before that of the version in production."""
    return keys.version_time(version) < keys.version_time(in_production.version)


def requested_approval(
    store: ObjectStore, request: Request, current: tuple[Pointer, Fetched] | None
) -> Pointer:
    """Return the approval that would follow the one in production, as it was read.

    Raises
    ------
    VersionRefusedError
        If the version is not completely published, or is not the one that was evaluated.
    """
    return Pointer(
        pipeline=request.pipeline,
        version=request.version,
        serial=current[0].serial + 1 if current else 1,
        manifest_sha256=_manifest_of_complete_version(store, request),
        approved_by=request.approved_by,
        approved_at=request.approved_at,
        reason=request.reason,
        run_id=request.run_id,
        previous_sha256=pointer_sha256(current[1].body) if current else "",
    )


def _manifest_of_complete_version(store: ObjectStore, request: Request) -> str:
    signature = keys.version_file(request.pipeline, request.version, keys.SIGNATURE)
    try:
        store.get(signature)
        manifest = store.get(keys.version_file(request.pipeline, request.version, keys.MANIFEST))
    except ObjectMissingError as err:
        raise VersionRefusedError(
            f"{request.pipeline}: version {request.version} is not completely published: {err}"
        ) from err
    found = describe_file(manifest).sha256
    if request.manifest_sha256 not in (None, found):
        raise VersionRefusedError(
            f"{request.pipeline}: the manifest of {request.version} is not the one evaluated"
        )
    return found
