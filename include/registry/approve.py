"""Bring a version into production by one compare-and-swap of `approved.json`.

Order of writes: the history entry of the pointer in production, the new pointer, its history entry.
A kill in between leaves at most the newest history entry unwritten, and the next
approval (or the same one, run again) writes it first: history has neither gaps nor duplicates.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys
from include.contract.pointer import (
    MAX_POINTER_BYTES,
    Pointer,
    claimed_run_id,
    parse_pointer,
)
from include.contract.proposal import Proposal
from include.contract.signature import PublicKeys, any_one
from include.errors import (
    ObjectMissingError,
    PointerError,
    PreconditionError,
    PromotionConflictError,
    SignatureError,
    VersionRefusedError,
)
from include.registry.countersign import signed_approval, write_proposal
from include.registry.request import Request, check_requested, requested_approval
from include.registry.swap import append, swap, was_put_back
from include.stores.objects import Fetched, ObjectStore

_log = logging.getLogger(__name__)


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
        Approvers whose earlier pointers are verified; `Approvers` may need two signatures.

    Raises
    ------
    PromotionConflictError
        If another approval came first, or was of a later run; nothing was changed.
    PointerError
        If an older approval than the newest one was put back; or two approvers are needed, and
        there is no proposal of another one.
    ApprovalHeldError
        If the gate approves, and the last release was taken back.
    VersionRefusedError
        If the version is not completely published, or is not the one that was evaluated.
    """
    current = _fetch(store, request.pipeline, trusted)
    earlier = _already_done(store, request, current, trusted)
    if earlier is not None:
        return earlier
    check_requested(request, current and current[0])
    serial = current[0].serial if current else 0
    _refuse_put_back(store, request.pipeline, serial, current and current[1])
    if current:
        append(store, keys.history(request.pipeline, serial), current[1].body)
    with _announced(store, request):
        requested = requested_approval(store, request, current)
        pointer, body = signed_approval(
            store, requested, key, trusted, countersign=request.countersign
        )
        _swap(store, pointer, body, current and current[1])
    _log.info(
        "%s: version %s is in production, serial %d",
        pointer.pipeline,
        pointer.version,
        pointer.serial,
    )
    return pointer


def propose(
    store: ObjectStore,
    request: Request,
    key: ec.EllipticCurvePrivateKey,
    trusted: PublicKeys,
) -> Proposal:
    """Return the signed proposal of the requested version, which another approver may approve.

    It is of the approval that follows the one in production now, and of no other.

    Parameters are those of `approve`; `key` is the first approver's.

    Raises
    ------
    PromotionConflictError, PointerError, VersionRefusedError
        As `approve` does; nothing was changed.
    """
    current = _fetch(store, request.pipeline, trusted)
    check_requested(request, current and current[0])
    serial = current[0].serial if current else 0
    _refuse_put_back(store, request.pipeline, serial, current and current[1])
    return write_proposal(store, requested_approval(store, request, current), key)


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


def read_history(store: ObjectStore, pipeline: str, trusted: PublicKeys) -> Iterator[Pointer]:
    """Yield every approval and rollback of a pipeline, verified, oldest first."""
    for key in store.keys_under(keys.history_prefix(pipeline)):
        body = store.get(key, MAX_POINTER_BYTES)
        try:
            pointer = parse_pointer(body, any_one(trusted), pipeline=pipeline)
        except (PointerError, SignatureError) as err:
            raise type(err)(f"{key}: {err}") from err
        yield pointer


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
            earlier = parse_pointer(body, any_one(trusted), pipeline=request.pipeline)
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
