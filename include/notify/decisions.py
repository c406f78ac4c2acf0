"""Which approvals and rejections the receiver of events does not know yet.

Approvals are read from the history, whoever approved and by whatever way; a rejection leaves no
history, so whoever learns of it gives it.
"""

import json

from include.contract import keys
from include.contract.pointer import MAX_POINTER_BYTES, Pointer, parse_pointer
from include.contract.run_documents import PackagedVersion
from include.contract.signature import PublicKeys
from include.errors import ObjectMissingError
from include.notify.delivery_queue import give
from include.notify.events import EventReceiver, decision_event, rejection_event
from include.registry.approve import production_pointer
from include.stores.objects import ObjectStore
from include.tracking.record import read_document, refusals


def give_decisions(
    store: ObjectStore, receiver: EventReceiver | None, pipeline: str, trusted: PublicKeys
) -> int:
    """Return how many approvals and rollbacks the receiver was given, each once, in order.

    Parameters
    ----------
    store : ObjectStore
    receiver : EventReceiver or None
        None where there is none: what is decided meanwhile is never told.
    pipeline : str
    trusted : sequence of EllipticCurvePublicKey
        Keys of approvers.

    Raises
    ------
    SignatureError, PointerError
        If an approval must not be verified.
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
            give(store, [receiver], decision_event(store.bucket, pointer, previous))
        _mark(store, pipeline, serial - 1, serial)
        previous = pointer
    return current.serial - sent


def give_rejection(
    store: ObjectStore, receiver: EventReceiver, pipeline: str, run_id: str, time: str
) -> None:
    """Return when the receiver has the rejection of a run's version, or it is noted; if any.

    Parameters
    ----------
    store : ObjectStore
    receiver : EventReceiver
    pipeline, run_id : str
    time : str
        When the run ended, ISO 8601 in UTC.

    Raises
    ------
    StoreUnavailableError
        If what the run left cannot be read.
    """
    verdicts, answer = refusals(store, pipeline, run_id)
    reasons = [verdict.sentence for verdict in verdicts]
    if answer is not None:
        reasons.append(f"{answer.by}: {answer.reason}")
    packaged = read_document(store, pipeline, run_id, PackagedVersion)
    if reasons and packaged:
        event = rejection_event(store.bucket, pipeline, packaged.version, run_id, reasons, time)
        give(store, [receiver], event)


def _at(
    store: ObjectStore, pipeline: str, serial: int, current: Pointer, trusted: PublicKeys
) -> Pointer | None:
    if serial == current.serial:
        return current  # its history entry may not be written yet
    try:
        body = store.get(keys.history(pipeline, serial), MAX_POINTER_BYTES)
    except ObjectMissingError:
        return None
    return parse_pointer(body, trusted, pipeline=pipeline)


def _sent(store: ObjectStore, pipeline: str) -> int:
    try:
        return int(json.loads(store.get(keys.sent_decision(pipeline)))["serial"])
    except ObjectMissingError:
        return 0


def _mark(store: ObjectStore, pipeline: str, sent: int, serial: int) -> None:
    if serial > sent:
        body = json.dumps({"serial": serial}).encode()
        store.put(keys.sent_decision(pipeline), body, "application/json")
