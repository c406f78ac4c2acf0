"""Whether the history of approvals only grew since an approval was seen."""

from include.contract import keys
from include.contract.pointer import (
    MAX_POINTER_BYTES,
    Pointer,
    check_link,
    parse_pointer,
    pointer_sha256,
)
from include.contract.signature import PublicKeys
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
        If one of the approvals names another one before it, or is gone.
    SignatureError
        If one of them cannot be verified.
    """
    for serial in range(seen.serial + 1, head.serial):
        pointer, body = read_approval(store, head.pipeline, serial, approvers)
        check_link(seen, seen_sha256, pointer)
        seen, seen_sha256 = pointer, pointer_sha256(body)
    if head.serial > seen.serial:
        check_link(seen, seen_sha256, head)


def read_approval(
    store: ObjectStore, pipeline: str, serial: int, approvers: PublicKeys
) -> tuple[Pointer, bytes]:
    """Return the approval that the history has for a serial, verified, and its bytes.

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
    return parse_pointer(body, approvers, pipeline=pipeline), body
