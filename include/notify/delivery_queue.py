"""What a receiver could not be told yet: noted in the bucket, sent when the receiver is back."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from include.contract import keys
from include.errors import MessageRefusedError, ReceiverUnavailableError, StoreUnavailableError
from include.notify.receivers import M, Message, Receiver
from include.stores.objects import ObjectStore

# Who was away for longer is told what is wrong then, and not what was wrong once.
KEPT_FOR = timedelta(days=7)
_log = logging.getLogger(__name__)


def give(store: ObjectStore, receivers: Iterable[Receiver[M]], message: M) -> None:
    """Return when each receiver has the message, or it is noted for later.

    Nothing is raised: who tells of a fault must not make another one of it.
    """
    for receiver in receivers:
        try:
            receiver.send(message)
        except (ReceiverUnavailableError, MessageRefusedError) as err:
            _log.error("%s was not told of %s: %s", receiver.name, message.id, err)
            _note(store, receiver, message)


def give_unsent(store: ObjectStore, receiver: Receiver[M], now: datetime) -> int:
    """Return how many messages the receiver was given that had been noted; the others wait on.

    Parameters
    ----------
    store : ObjectStore
    receiver : Receiver
    now : datetime
        Aware; what was noted more than `KEPT_FOR` ago is struck out unsent.

    Raises
    ------
    StoreUnavailableError
        If the notes cannot be read.
    """
    given = 0
    noted = sorted(
        store.entries_under(keys.unsent_prefix(receiver.name)), key=lambda entry: entry.modified_at
    )
    for entry in noted:
        if now - entry.modified_at > KEPT_FOR:
            _log.error("%s was never told of %s", receiver.name, entry.key)
            store.delete(entry.key)
            continue
        try:
            receiver.send(receiver.parse(store.get(entry.key)))
        except MessageRefusedError as err:
            _log.error("%s does not take %s: %s", receiver.name, entry.key, err)
        except ReceiverUnavailableError as err:
            _log.error("%s is away, %d wait: %s", receiver.name, len(noted) - given, err)
            break
        else:
            store.delete(entry.key)
            given += 1
    return given


def _note(store: ObjectStore, receiver: Receiver[M], message: Message) -> None:
    try:
        store.put(keys.unsent(receiver.name, message.id), message.to_json(), "application/json")
    except StoreUnavailableError as err:
        _log.error("%s is lost for %s: %s", message.id, receiver.name, err)
