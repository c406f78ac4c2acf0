"""Replace a signed object by compare-and-swap; each state of it is an entry of its history."""

import logging

from include.errors import ObjectMissingError, PreconditionError
from include.stores.objects import MAX_OBJECT_BYTES, Fetched, ObjectStore

_log = logging.getLogger(__name__)


def swap(
    store: ObjectStore, key: str, history_key: str, body: bytes, replaced: Fetched | None
) -> None:
    """Replace the object that was read, and append the new state to its history.

    Parameters
    ----------
    store : ObjectStore
    key : str
    history_key : str
        Of the new state.
    body : bytes
        The new state, signed.
    replaced : Fetched or None
        The object as it was read; None if there was none.

    Raises
    ------
    PreconditionError
        If somebody else changed it since; nothing was written.
    """
    try:
        if replaced is None:
            store.put_if_absent(key, body, "application/json")
        else:
            store.replace(key, body, replaced.etag)
    except (PreconditionError, ObjectMissingError) as err:
        if not _was_written(store, (key, history_key), body):
            raise PreconditionError(f"{key}: somebody else wrote it first") from err
    append(store, history_key, body)


def was_put_back(store: ObjectStore, key: str, next_history_key: str, read: Fetched | None) -> bool:
    """Return whether the history goes on behind the state that was read: an older one is there.

    Parameters
    ----------
    store : ObjectStore
    key : str
    next_history_key : str
        Of the state that would follow.
    read : Fetched or None
        The object as it was read; None if there was none.
    """
    if not store.exists(next_history_key):
        return False
    try:
        now: Fetched | None = store.fetch(key, MAX_OBJECT_BYTES)
    except ObjectMissingError:
        now = None
    return now == read  # otherwise somebody has just replaced it, and the swap will say so


def append(store: ObjectStore, history_key: str, body: bytes) -> None:
    """Write an entry of a history unless it is there: an entry is never changed."""
    try:
        store.put_if_absent(history_key, body, "application/json")
    except PreconditionError:
        _log.debug("%s is already written", history_key)


def _was_written(store: ObjectStore, keys: tuple[str, str], body: bytes) -> bool:
    """Return whether a write whose answer was lost, and which was sent again, had succeeded.

    Whoever replaced it meanwhile has left it in the history.
    """
    return any(store.exists(key) and store.get(key) == body for key in keys)
