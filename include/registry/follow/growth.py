"""Whether the history of approvals only grew since an approval was seen."""

from include.contract import keys
from include.contract.pointer import (
    MAX_POINTER_BYTES,
    Pointer,
    check_link,
    parse_pointer,
    pointer_sha256,
)
from include.contract.signature import PublicKeys, any_one, needs_two
from include.errors import ObjectMissingError, PointerError
from include.stores.objects import ObjectStore


def check_growth(
    store: ObjectStore, seen: Pointer, seen_sha256: str, head: Pointer, approvers: PublicKeys
) -> None:
    """Return when `head` is the approval that was seen, or follows it without a gap.

    The approvals in between are read from the history; the next one after `seen` needs none.

    Parameters
    ----------
    store : ObjectStore
    seen : Pointer
    seen_sha256 : str
        Digest of its bytes, as it was signed.
    head : Pointer
        Verified, and not older than `seen`.
    approvers : sequence of EllipticCurvePublicKey

    Raises
    ------
    PointerError
        If one of the approvals names another one before it, is gone, or has one approver after
        others had two, where two are needed.
    SignatureError
        If one of them cannot be verified.
    """
    for serial in range(seen.serial + 1, head.serial):
        pointer, body = read_approval(store, head.pipeline, serial, approvers)
        check_link(seen, seen_sha256, pointer)
        _check_no_fewer(seen, pointer, approvers)
        seen, seen_sha256 = pointer, pointer_sha256(body)
    if head.serial > seen.serial:
        check_link(seen, seen_sha256, head)
        _check_no_fewer(seen, head, approvers)


def _check_no_fewer(seen: Pointer, new: Pointer, approvers: PublicKeys) -> None:
    """Return unless one approver followed two: only approvals before all of two may have one."""
    if needs_two(approvers) and seen.rests_on_two and not new.rests_on_two:
        raise PointerError(
            f"{new.pipeline}: serial {new.serial} has one approver, serial {seen.serial} has two"
        )


def read_approval(
    store: ObjectStore, pipeline: str, serial: int, approvers: PublicKeys
) -> tuple[Pointer, bytes]:
    """Return the approval that the history has for a serial, verified, and its bytes.

    One signature suffices: it may be of a time when no second one was needed.

    Raises
    ------
    PointerError
        If it is gone.
    SignatureError
        If it cannot be verified.
    """
    key = keys.history(pipeline, serial)
    try:
        body = store.get(key, MAX_POINTER_BYTES)
    except ObjectMissingError:
        raise PointerError(f"{key} is gone: the history has a gap") from None
    return parse_pointer(body, any_one(approvers), pipeline=pipeline), body
