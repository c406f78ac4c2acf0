"""Alerts of a day of traffic: sent when they begin, weekly while they last, and when they end."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from include.contract import keys
from include.notify.alert import Alert
from include.notify.delivery.receivers import Receiver
from include.notify.kinds import Cause
from include.notify.open_alerts import OpenAlerts, notify_changes
from include.notify.traffic_kinds import QualityBelowBaseline, TrafficDrifted
from include.stores.objects import ObjectStore

# Drift may be permanent, so reminders are rarer than for what must be fixed. Less than seven days:
# a run may begin some minutes earlier in its day than the one that sent the alert.
AGAIN_AFTER = timedelta(days=6, hours=12)


def causes_of_day(found: Mapping[str, Any], link: str) -> tuple[list[Cause], set[str]]:
    """Return the causes of alerts on a day, and the names of alerts that could not be evaluated.

    Parameters
    ----------
    found : mapping
        The day's document: ``pipeline``, ``day``, ``version`` and ``findings``.
    link : str
        Address of the day's page.
    """
    name, day, findings = found["pipeline"], found["day"], found["findings"]
    causes: list[Cause] = []
    unseen = set()
    if findings["moved"]:
        moved, slices, rate = (findings[each] for each in ("moved", "slices", "rate"))
        version = str(found["version"])
        causes.append(TrafficDrifted(name, day, version, moved, slices, rate, link))
    elif not findings["drift_evaluated"]:
        unseen.add(f"{TrafficDrifted.kind}.{name}")
    if findings["broken"]:
        causes.append(QualityBelowBaseline(name, day, findings["broken"], link))
    elif not findings["quality_evaluated"]:
        unseen.add(f"{QualityBelowBaseline.kind}.{name}")
    return causes, unseen


def notify_day(
    store: ObjectStore,
    receivers: Sequence[Receiver[Alert]],
    found: Mapping[str, Any],
    link: str,
    *,
    runbook_url: str,
    now: datetime,
) -> dict[str, OpenAlerts]:
    """Send what changed with the day, and return the pipeline's open traffic alerts.

    Parameters
    ----------
    store : ObjectStore
    receivers : sequence of Receiver
    found, link
        As in `causes_of_day`.
    runbook_url : str
    now : datetime
        Aware, UTC.
    """
    causes, unseen = causes_of_day(found, link)
    return notify_changes(
        store,
        receivers,
        causes,
        runbook_url=runbook_url,
        now=now,
        unseen=unseen,
        key=keys.open_traffic_alerts(found["pipeline"]),
        again_after=AGAIN_AFTER,
    )
