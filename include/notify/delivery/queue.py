"""Messages that could not be sent: queued in the bucket, sent when the receiver is back."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from include.contract import keys
from include.errors import MessageRefusedError, ReceiverUnavailableError, StoreUnavailableError
from include.notify.delivery.receivers import M, Message, Receiver
from include.stores.objects import ObjectStore

# After a longer outage, only what is wrong by then is of interest.
KEPT_FOR = timedelta(days=7)
_log = logging.getLogger(__name__)


def send_or_queue(store: ObjectStore, receivers: Iterable[Receiver[M]], message: M) -> None:
    """Send the message to each receiver, or queue it.

    Nothing is raised: reporting a fault must not cause another one.
    """
    for receiver in receivers:
        try:
            receiver.send(message)
        except (ReceiverUnavailableError, MessageRefusedError) as err:
            _log.error("%s did not receive %s, which is queued: %s", receiver.name, message.id, err)
            _note(store, receiver, message)


def send_queued(store: ObjectStore, receiver: Receiver[M], now: datetime) -> int:
    """Send the queued messages of a receiver, and return how many were sent.

    Parameters
    ----------
    store : ObjectStore
    receiver : Receiver
    now : datetime
        Aware; messages queued more than `KEPT_FOR` ago are dropped.

    Raises
    ------
    StoreUnavailableError
        If the queue cannot be read.
    """
    given = 0
    noted = sorted(
        store.entries_under(keys.unsent_prefix(receiver.name)), key=lambda entry: entry.modified_at
    )
    for entry in noted:
        if now - entry.modified_at > KEPT_FOR:
            _log.error("%s never received %s, which is dropped", receiver.name, entry.key)
            store.delete(entry.key)
            continue
        try:
            receiver.send(receiver.parse(store.get(entry.key)))
        except MessageRefusedError as err:
            _log.error("%s refuses %s: %s", receiver.name, entry.key, err)
        except ReceiverUnavailableError as err:
            _log.error(
                "%s is unavailable, %d messages wait: %s", receiver.name, len(noted) - given, err
            )
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
