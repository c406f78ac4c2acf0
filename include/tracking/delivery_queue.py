"""Runs that MLflow does not have yet: queued in the bucket before anything is sent.

Each queued run is an object. Approvals are not queued: the signed pointer is compared with the
serial that was sent last.
"""

import json

from include.contract import keys
from include.contract.pointer import Pointer
from include.errors import ObjectMissingError
from include.stores.objects import ObjectStore
from include.tracking.run_outcome import RunOutcome, parse_outcome


def enqueue(store: ObjectStore, outcome: RunOutcome) -> None:
    """Queue a run until it is sent."""
    store.put(keys.outbox(outcome.pipeline, outcome.run_id), outcome.to_json(), "application/json")


def queued_runs(store: ObjectStore, pipeline: str) -> list[RunOutcome]:
    """Return the queued runs of a pipeline, in the order in which they ended."""
    bodies = [store.get(key) for key in store.keys_under(keys.outbox_prefix(pipeline))]
    return sorted((parse_outcome(body) for body in bodies), key=lambda outcome: outcome.ended_at)


def has_unsent(store: ObjectStore, pipeline: str, pointer: Pointer | None) -> bool:
    """Return whether a run, or the production version (None: there is none), was not sent."""
    return bool(queued_runs(store, pipeline)) or not is_reported(store, pointer)


def dequeue(store: ObjectStore, outcome: RunOutcome) -> None:
    """Delete a run from the queue, unless it was queued again with another outcome."""
    key = keys.outbox(outcome.pipeline, outcome.run_id)
    if store.get(key) == outcome.to_json():
        store.delete(key)


def is_reported(store: ObjectStore, pointer: Pointer | None) -> bool:
    """Return whether the production version was sent."""
    if pointer is None:
        return True
    try:
        sent = json.loads(store.get(keys.reported_champion(pointer.pipeline)))
    except ObjectMissingError:
        return False
    return bool(sent["serial"] == pointer.serial)


def mark_reported(store: ObjectStore, pointer: Pointer) -> None:
    """Record that this pointer was sent."""
    sent = {"serial": pointer.serial, "version": pointer.version}
    body = json.dumps(sent, sort_keys=True).encode()
    store.put(keys.reported_champion(pointer.pipeline), body, "application/json")
