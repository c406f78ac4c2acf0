"""Send approvals, rollbacks and rejections as events.

Approvals are read from the signed history; a rejection leaves none, so the failed run sends it.
"""

import json

from include.contract import keys
from include.contract.pointer import MAX_POINTER_BYTES, Pointer, parse_pointer
from include.contract.run_documents import PackagedVersion
from include.contract.signature import PublicKeys, any_one
from include.errors import ObjectMissingError
from include.notify.delivery.queue import send_or_queue
from include.notify.events import EventReceiver, decision_event, rejection_event
from include.registry.approve import production_pointer
from include.stores.objects import ObjectStore
from include.tracking.record import read_document, rejections


def send_decisions(
    store: ObjectStore, receiver: EventReceiver | None, pipeline: str, trusted: PublicKeys
) -> int:
    """Send new approvals and rollbacks in order, each once, and return how many.

    Parameters
    ----------
    store : ObjectStore
    receiver : EventReceiver or None
        None if there is none: decisions made meanwhile are never sent.
    pipeline : str
    trusted : sequence of EllipticCurvePublicKey
        Keys of approvers.

    Raises
    ------
    SignatureError, PointerError
        If an approval cannot be verified.
    """
    current = production_pointer(store, pipeline, trusted)
    if current is None:
        return 0
    sent = _sent(store, pipeline)
    if receiver is None:
        _mark(store, pipeline, sent, current.serial)
        return 0
    previous = _at(store, pipeline, sent, current, trusted)
    for serial in range(sent + 1, current.serial + 1):
        pointer = _at(store, pipeline, serial, current, trusted)
        if pointer is not None:
            send_or_queue(store, [receiver], decision_event(store.bucket, pointer, previous))
        _mark(store, pipeline, serial - 1, serial)
        previous = pointer
    return current.serial - sent


def send_rejection(
    store: ObjectStore,
    receiver: EventReceiver,
    pipeline: str,
    run_id: str,
    time: str,
    approvers: PublicKeys,
) -> None:
    """Send the rejection of a run's version, if it was rejected.

    Parameters
    ----------
    store : ObjectStore
    receiver : EventReceiver
    pipeline, run_id : str
    time : str
        When the run ended, ISO 8601 in UTC.
    approvers : sequence of EllipticCurvePublicKey
        Whose signature on a person's response is accepted.

    Raises
    ------
    StoreUnavailableError
        If the run's documents cannot be read.
    """
    verdicts, response = rejections(store, pipeline, run_id, approvers)
    reasons = [verdict.sentence for verdict in verdicts]
    if response is not None:
        reasons.append(f"{response.by}: {response.reason}")
    packaged = read_document(store, pipeline, run_id, PackagedVersion)
    if reasons and packaged:
        event = rejection_event(store.bucket, pipeline, packaged.version, run_id, reasons, time)
        send_or_queue(store, [receiver], event)


def _at(
    store: ObjectStore, pipeline: str, serial: int, current: Pointer, trusted: PublicKeys
) -> Pointer | None:
    if serial == current.serial:
        return current  # its history entry may not be written yet
    try:
        body = store.get(keys.history(pipeline, serial), MAX_POINTER_BYTES)
    except ObjectMissingError:
        return None
    return parse_pointer(body, any_one(trusted), pipeline=pipeline)


def _sent(store: ObjectStore, pipeline: str) -> int:
    try:
        return int(json.loads(store.get(keys.sent_decision(pipeline)))["serial"])
    except ObjectMissingError:
        return 0


def _mark(store: ObjectStore, pipeline: str, sent: int, serial: int) -> None:
    if serial > sent:
        body = json.dumps({"serial": serial}).encode()
        store.put(keys.sent_decision(pipeline), body, "application/json")
