"""Send an alert once per occasion."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from include.contract import keys
from include.errors import StoreUnavailableError
from include.notify.alert import Alert, alert_of
from include.notify.delivery_queue import send_or_queue
from include.notify.kinds import Cause
from include.notify.receivers import Receiver
from include.stores.objects import ObjectStore

_REMEMBERED_FOR = timedelta(days=30)
_log = logging.getLogger(__name__)


def notify_once(
    store: ObjectStore,
    receivers: Sequence[Receiver[Alert]],
    cause: Cause,
    occasion: str,
    *,
    runbook_url: str,
    at: datetime,
) -> None:
    """Send the alert unless it was sent for the same occasion.

    With S3 unavailable it is sent all the same, and perhaps again.
    """
    alert = alert_of(cause, occasion, runbook_url, at)
    key = keys.sent_alert(alert.id)
    if _is_there(store, key):
        _log.info("%s was sent before", alert.id)
        return
    send_or_queue(store, receivers, alert)
    try:
        store.put(key, alert.to_json(), "application/json")
    except StoreUnavailableError as err:
        _log.error("%s may be sent again: %s", alert.id, err)


def forget_old(store: ObjectStore, now: datetime) -> None:
    """Delete the records of alerts sent long ago."""
    for entry in list(store.entries_under(keys.sent_alerts_prefix())):
        if now - entry.modified_at > _REMEMBERED_FOR:
            store.delete(entry.key)


def _is_there(store: ObjectStore, key: str) -> bool:
    try:
        return store.exists(key)
    except StoreUnavailableError:
        return False
