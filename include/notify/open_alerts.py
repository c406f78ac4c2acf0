"""What is wrong for as long as it is: told when it begins, again while it lasts, and when it ends.

Which states stand is one object in the bucket for each who looks; one run at a time writes it.
"""

import json
import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from include.contract import keys
from include.errors import ObjectMissingError
from include.notify.alert import Alert, alert_of
from include.notify.delivery_queue import give
from include.notify.kinds import Cause
from include.notify.receivers import Receiver
from include.stores.objects import ObjectStore

AGAIN_AFTER = timedelta(days=1)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenAlerts:
    """Something that is wrong.

    Attributes
    ----------
    since, sent_at : str
        ISO 8601 in UTC.
    last : Alert
        As it was told last.
    """

    since: str
    sent_at: str
    last: Alert


def read_open_alerts(store: ObjectStore, key: str = keys.open_alerts()) -> dict[str, OpenAlerts]:
    """Return everything that was wrong at the last look, by kind and what it is about."""
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
    """Return what is wrong now, once everybody was told of what changed.

    Parameters
    ----------
    store : ObjectStore
    receivers : sequence of Receiver
    causes : iterable of Cause
        All that is wrong.
    runbook_url : str
    now : datetime
        Aware, UTC.
    unseen : collection of str
        Names of states that nobody could look at: they stand as they stood.
    key : str
        Of the object that says what stands, of all that this look is about.
    again_after : timedelta
        After how long people are told again of what lasts.
    """
    still_open = read_open_alerts(store, key)
    current = {f"{cause.kind}.{cause.about}": cause for cause in causes}
    for name, cause in current.items():
        alert = alert_of(cause, now.strftime("%Y%m%dT%H%M%SZ"), runbook_url, now)
        before = still_open.get(name)
        if before and now - datetime.fromisoformat(before.sent_at) < again_after:
            _log.info("%s still: %s", name, cause.sentence)
            continue
        give(store, receivers, alert)
        still_open[name] = OpenAlerts(before.since if before else alert.at, alert.at, alert)
        _write(store, key, still_open)
    for name in still_open.keys() - current.keys() - set(unseen):
        give(store, receivers, _ended(still_open.pop(name), now))
        _write(store, key, still_open)
    return still_open


def _ended(before: OpenAlerts, now: datetime) -> Alert:
    return replace(
        before.last,
        id=f"{before.last.id}.ended",
        title=f"{before.last.title}: over",
        sentence=f"Since {before.since}, and no longer: {before.last.sentence}",
        at=now.isoformat(timespec="seconds"),
    )


def _write(store: ObjectStore, key: str, still_open: dict[str, OpenAlerts]) -> None:
    document = {name: asdict(each) for name, each in still_open.items()}
    body = json.dumps(document, indent=1, sort_keys=True).encode()
    store.put(key, body, "application/json")
