"""What MLflow has not been told of yet, noted in the bucket before anything is sent.

A run waits as an object of its own. An approval needs no note: the signed pointer is compared with
 the serial that MLflow was told last, whoever approved and by whatever way.
"""

import json

from include.contract import keys
from include.contract.pointer import Pointer
from include.errors import ObjectMissingError
from include.stores.objects import ObjectStore
from include.tracking.run_outcome import Ending, parse_ending


def note(store: ObjectStore, ending: Ending) -> None:
    """Return when the run is noted; it waits until it is sent, however long that takes."""
    store.put(keys.outbox(ending.pipeline, ending.run_id), ending.to_json(), "application/json")


def waiting(store: ObjectStore, pipeline: str) -> list[Ending]:
    """Return the runs of a pipeline that wait, those that ended first at the front."""
    noted = [store.get(key) for key in store.keys_under(keys.outbox_prefix(pipeline))]
    return sorted((parse_ending(body) for body in noted), key=lambda ending: ending.ended_at)


def has_news(store: ObjectStore, pipeline: str, pointer: Pointer | None) -> bool:
    """Tell whether MLflow lacks a run, or what is in production (None: nothing)."""
    return bool(waiting(store, pipeline)) or not is_reported(store, pointer)


def strike_out(store: ObjectStore, ending: Ending) -> None:
    """Return when the run waits no more, unless it has ended anew meanwhile."""
    key = keys.outbox(ending.pipeline, ending.run_id)
    if store.get(key) == ending.to_json():
        store.delete(key)


def is_reported(store: ObjectStore, pointer: Pointer | None) -> bool:
    """Tell whether MLflow knows what is in production."""
    if pointer is None:
        return True
    try:
        sent = json.loads(store.get(keys.reported_champion(pointer.pipeline)))
    except ObjectMissingError:
        return False
    return bool(sent["serial"] == pointer.serial)


def mark_reported(store: ObjectStore, pointer: Pointer) -> None:
    """Return when it is kept that MLflow knows this pointer."""
    sent = {"serial": pointer.serial, "version": pointer.version}
    body = json.dumps(sent, sort_keys=True).encode()
    store.put(keys.reported_champion(pointer.pipeline), body, "application/json")
