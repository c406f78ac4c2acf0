"""Bring a version into production by one compare-and-swap of `approved.json`.

Order of writes: the history entry of the pointer in production, the new pointer, its history entry.
A kill in between leaves at most the newest history entry unwritten, and the next
approval (or the same one, run again) writes it first: history has neither gaps nor duplicates.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys
from include.contract.manifest import describe_file
from include.contract.pointer import (
    GATE,
    MAX_POINTER_BYTES,
    WATCHER,
    Pointer,
    claimed_run_id,
    parse_pointer,
    pointer_sha256,
)
from include.contract.signature import PublicKeys
from include.errors import (
    ApprovalHeldError,
    ObjectMissingError,
    PointerError,
    PreconditionError,
    PromotionConflictError,
    SignatureError,
    VersionRefusedError,
)
from include.registry.swap import append, swap, was_put_back
from include.stores.objects import Fetched, ObjectStore

_log = logging.getLogger(__name__)


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


def production_pointer(store: ObjectStore, pipeline: str, trusted: PublicKeys) -> Pointer | None:
    """Return the verified pointer of a pipeline, or None while nothing was ever approved.

    Raises
    ------
    SignatureError, PointerError
        If there is a pointer that must not be verified.
    """
    found = _fetch(store, pipeline, trusted)
    return found and found[0]


def approve(
    store: ObjectStore,
    request: Request,
    key: ec.EllipticCurvePrivateKey,
    trusted: PublicKeys,
) -> Pointer:
    """Return the pointer with which the requested version came into production, exactly once.

    Parameters
    ----------
    store : ObjectStore
    request : Request
    key : EllipticCurvePrivateKey
        The approver's.
    trusted : sequence of EllipticCurvePublicKey
        Approvers whose earlier pointers are verified.

    Raises
    ------
    PromotionConflictError
        If another approval came first, or was of a later run; nothing was changed.
    PointerError
        If an older approval than the newest one was put back.
    ApprovalHeldError
        If the gate approves, and the last release was taken back.
    VersionRefusedError
        If the version is not completely published, or is not the one that was evaluated.
    """
    current = _fetch(store, request.pipeline, trusted)
    earlier = _already_done(store, request, current, trusted)
    if earlier is not None:
        return earlier
    serial = current[0].serial if current else 0
    if current and request.never_older and is_of_older_run(request.version, current[0]):
        raise PromotionConflictError(
            f"{request.pipeline}: {request.version} is of an older run than "
            f"{current[0].version}, which is in production with serial {serial}"
        )
    if current and request.approved_by == GATE and is_held(current[0]):
        raise ApprovalHeldError(
            f"{request.pipeline}: serial {serial} took a release back, and no person has approved "
            f"a version since: {request.version} needs a person's approval"
        )
    if request.expected_serial not in (None, serial):
        raise PromotionConflictError(
            f"{request.pipeline}: {request.version} was compared with serial "
            f"{request.expected_serial}, but serial {serial} is in production now"
        )
    _refuse_put_back(store, request.pipeline, serial, current and current[1])
    if current:
        append(store, keys.history(request.pipeline, serial), current[1].body)
    with _announced(store, request):
        manifest_sha256 = _manifest_of_complete_version(store, request)
        previous = pointer_sha256(current[1].body) if current else ""
        pointer = _pointer(request, serial + 1, manifest_sha256, previous)
        _swap(store, pointer, pointer.to_json(key), current and current[1])
    _log.info(
        "%s: version %s is in production, serial %d",
        pointer.pipeline,
        pointer.version,
        pointer.serial,
    )
    return pointer


def _refuse_put_back(
    store: ObjectStore, pipeline: str, serial: int, current: Fetched | None
) -> None:
    """Refuse to follow an older approval: scorers would take the new one for a replay."""
    key, following = keys.approved(pipeline), keys.history(pipeline, serial + 1)
    if was_put_back(store, key, following, current):
        raise PointerError(
            f"{key} has serial {serial}, but {following} is there: an older approval was put back, "
            "or the newest was deleted; restore the newest entry of the history"
        )


@contextmanager
def _announced(store: ObjectStore, request: Request) -> Iterator[None]:
    """Keep retention from deleting the version meanwhile; refuse one that it deletes already.

    Approval and retention each write their own object and then look for the other's, so at least
    one of them sees the other, whatever the timing: the approval is refused, or the version kept.
    An approval that is killed leaves its object, and with it the version.
    """
    announced = keys.approving(request.pipeline, request.version, request.run_id)
    store.put(announced, b"{}", "application/json")
    try:
        if store.exists(keys.retiring(request.pipeline, request.version)):
            raise VersionRefusedError(
                f"{request.pipeline}: version {request.version} is being deleted by retention"
            )
        yield
    finally:
        store.delete(announced)


def is_held(in_production: Pointer) -> bool:
    """Return whether approvals need a person, as the last one took a release back by itself."""
    return in_production.approved_by == WATCHER


def is_of_older_run(version: str, in_production: Pointer) -> bool:
    """Return whether a version's run was due before that of the version in production."""
    return keys.version_time(version) < keys.version_time(in_production.version)


def read_history(store: ObjectStore, pipeline: str, trusted: PublicKeys) -> Iterator[Pointer]:
    """Yield every approval and rollback of a pipeline, verified, oldest first."""
    for key in store.keys_under(keys.history_prefix(pipeline)):
        body = store.get(key, MAX_POINTER_BYTES)
        try:
            pointer = parse_pointer(body, trusted, pipeline=pipeline)
        except (PointerError, SignatureError) as err:
            raise type(err)(f"{key}: {err}") from err
        yield pointer


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


def _fetch(
    store: ObjectStore, pipeline: str, trusted: PublicKeys
) -> tuple[Pointer, Fetched] | None:
    try:
        fetched = store.fetch(keys.approved(pipeline), MAX_POINTER_BYTES)
    except ObjectMissingError:
        return None
    return parse_pointer(fetched.body, trusted, pipeline=pipeline), fetched


def _already_done(
    store: ObjectStore,
    request: Request,
    current: tuple[Pointer, Fetched] | None,
    trusted: PublicKeys,
) -> Pointer | None:
    """Return the pointer of an earlier attempt of the same request, if one came through."""
    if current is None:
        return None
    pointer, fetched = current
    if pointer.run_id == request.run_id:
        append(store, keys.history(pointer.pipeline, pointer.serial), fetched.body)
        return _same_version(pointer, request)
    for key in _where_it_would_be(store, request, pointer.serial):
        body = store.get(key, MAX_POINTER_BYTES)
        # Most entries are of other runs; one of this run counts only if it is verified.
        if claimed_run_id(body) == request.run_id:
            earlier = parse_pointer(body, trusted, pipeline=request.pipeline)
            return _same_version(earlier, request)
    return None


def _where_it_would_be(store: ObjectStore, request: Request, serial: int) -> Iterable[str]:
    """Name the history entries in which the request, come through earlier, could stand.

    A request that expects serial n comes into production as n + 1 or not at all.
    """
    expected = request.expected_serial
    if expected is None:
        return store.keys_under(keys.history_prefix(request.pipeline))
    return [keys.history(request.pipeline, expected + 1)] if expected + 1 < serial else []


def _same_version(earlier: Pointer, request: Request) -> Pointer:
    if earlier.version != request.version:
        raise PromotionConflictError(
            f"{request.pipeline}: {request.run_id} already approved {earlier.version}, "
            f"not {request.version}"
        )
    return earlier


def _pointer(request: Request, serial: int, manifest_sha256: str, previous: str) -> Pointer:
    return Pointer(
        pipeline=request.pipeline,
        version=request.version,
        serial=serial,
        manifest_sha256=manifest_sha256,
        approved_by=request.approved_by,
        approved_at=request.approved_at,
        reason=request.reason,
        run_id=request.run_id,
        previous_sha256=previous,
    )


def _swap(store: ObjectStore, pointer: Pointer, body: bytes, replaced: Fetched | None) -> None:
    key, history_key = (
        keys.approved(pointer.pipeline),
        keys.history(pointer.pipeline, pointer.serial),
    )
    try:
        swap(store, key, history_key, body, replaced)
    except PreconditionError as err:
        raise PromotionConflictError(
            f"{pointer.pipeline}: another approval took serial {pointer.serial} first"
        ) from err
