"""Alerts that stay open: sent when they begin, again while they last, and when they end.

The open alerts of each watcher are one object in the bucket; one run at a time writes it.
"""

import json
import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from include.contract import keys
from include.errors import ObjectMissingError, StoreUnavailableError
from include.notify.alert import Alert, alert_of
from include.notify.delivery.queue import send_or_queue
from include.notify.delivery.receivers import Receiver
from include.notify.kinds import Cause
from include.stores.objects import ObjectStore

AGAIN_AFTER = timedelta(days=1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenAlerts:
    """An open alert.

    Attributes
    ----------
    since, sent_at : str
        ISO 8601 in UTC.
    last : Alert
        As it was sent last.
    """

    since: str
    sent_at: str
    last: Alert


def read_open_alerts(store: ObjectStore, key: str = keys.open_alerts()) -> dict[str, OpenAlerts]:
    """Return the alerts open after the last check, by kind and subject."""
    try:
        document = json.loads(store.get(key))
    except ObjectMissingError:
        return {}
    return {
        name: OpenAlerts(found["since"], found["sent_at"], Alert(**found["last"]))
        for name, found in document.items()
    }


def notify_changes(
    store: ObjectStore,
    receivers: Sequence[Receiver[Alert]],
    causes: Iterable[Cause],
    *,
    runbook_url: str,
    now: datetime,
    unseen: Collection[str] = (),
    key: str = keys.open_alerts(),
    again_after: timedelta = AGAIN_AFTER,
) -> dict[str, OpenAlerts]:
    """Send what changed, and return the open alerts.

    Parameters
    ----------
    store : ObjectStore
    receivers : sequence of Receiver
    causes : iterable of Cause
        Everything that is wrong now.
    runbook_url : str
    now : datetime
        Aware, UTC.
    unseen : collection of str
        Names of alerts whose state could not be checked: they stay as they were.
    key : str
        Key of the object with the open alerts of this watcher.
    again_after : timedelta
        Interval of reminders.
    """
    still_open = read_open_alerts(store, key)
    current = {f"{cause.kind}.{cause.about}": cause for cause in causes}
    for name, cause in current.items():
        alert = alert_of(cause, now.strftime("%Y%m%dT%H%M%SZ"), runbook_url, now)
        before = still_open.get(name)
        if before and now - datetime.fromisoformat(before.sent_at) < again_after:
            _log.info("%s still: %s", name, cause.sentence)
            continue
        send_or_queue(store, receivers, alert)
        still_open[name] = OpenAlerts(before.since if before else alert.at, alert.at, alert)
        _write(store, key, still_open)
    for name in still_open.keys() - current.keys() - set(unseen):
        send_or_queue(store, receivers, _ended(still_open.pop(name), now))
        _write(store, key, still_open)
    return still_open


def _ended(before: OpenAlerts, now: datetime) -> Alert:
    return replace(
        before.last,
        id=f"{before.last.id}.ended",
        title=f"{before.last.title}: over",
        sentence=f"Open since {before.since}, now over: {before.last.sentence}",
        at=now.isoformat(timespec="seconds"),
    )


def _write(store: ObjectStore, key: str, still_open: dict[str, OpenAlerts]) -> None:
    document = {name: asdict(each) for name, each in still_open.items()}
    body = json.dumps(document, indent=1, sort_keys=True).encode()
    store.put(key, body, "application/json")


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
