"""How far a run came that should be finished."""

from datetime import datetime, timedelta

from include.contract import keys
from include.errors import StoreUnavailableError
from include.notify.kinds import RunLate
from include.stores.objects import ObjectStore

_MINUTE = timedelta(minutes=1)


def late_run(
    store: ObjectStore,
    pipeline: str,
    dag_id: str,
    run_id: str,
    queued_at: datetime,
    now: datetime,
    link: str,
) -> RunLate:
    """Return what is known of a run that is late.

    Parameters
    ----------
    store : ObjectStore
    pipeline, dag_id, run_id : str
    queued_at, now : datetime
        Aware.
    link : str
    """
    minutes = (now - queued_at) / _MINUTE
    return RunLate(dag_id, run_id, minutes, _last_step(store, pipeline, run_id, now), link)


def _last_step(store: ObjectStore, pipeline: str, run_id: str, now: datetime) -> str:
    prefix = keys.run_prefix(pipeline, run_id)
    try:
        entries = list(store.entries_under(prefix))
    except StoreUnavailableError:
        return "how far it came is unknown, because S3 is away"
    if not entries:
        return "it has written nothing yet"
    last = max(entries, key=lambda entry: entry.modified_at)
    minutes = (now - last.modified_at) / _MINUTE
    return f"it last wrote {last.key.removeprefix(prefix)}, {max(minutes, 0):.0f} minutes ago"
