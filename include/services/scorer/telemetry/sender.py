"""The thread that brings what waits in the outbox to S3, ever more rarely while S3 is away."""

import logging
import threading
from time import monotonic

from include.errors import NightCatchError
from include.services.scorer.telemetry.delivery_queue import DeliveryQueue, Sent
from include.services.scorer.telemetry.metrics import Metrics
from include.stores.objects import ObjectStore

_log = logging.getLogger(__name__)
_SLOWEST_FACTOR = 6
_LAST_TRY_S = 0.1


class Sender:
    """Empties the outbox into a bucket, from its first moment on: earlier processes filled it too.

    Parameters
    ----------
    outbox : DeliveryQueue
    store : ObjectStore
    metrics : Metrics
    interval_s : float
        Between two looks.
    """

    def __init__(
        self, outbox: DeliveryQueue, store: ObjectStore, metrics: Metrics, interval_s: float
    ) -> None:
        self._outbox = outbox
        self._store = store
        self._metrics = metrics
        self._interval_s = interval_s
        self._is_failing = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        """Start sending, in a thread of its own."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Return when the outbox is empty, S3 failed once more, or after `timeout_s`.

        What is left waits on disk for the next process.
        """
        self._stopped.set()
        self._thread.join(timeout_s)
        deadline_s = monotonic() + timeout_s
        last = threading.Thread(target=self._send_rest, args=(deadline_s,), daemon=True)
        last.start()
        last.join(timeout_s)

    def send(self) -> bool:
        """Return whether S3 took what waits, or another worker sends it."""
        failure: Exception | None = None
        try:
            sent = self._outbox.send(self._store)
        except (NightCatchError, OSError) as err:
            sent, failure = Sent(0), err
        failure = failure or sent.refusal
        if sent.refused_rows:
            self._metrics.count_traffic("refused", sent.refused_rows)
            _log.error("S3 refused %d rows of traffic: they are set aside", sent.refused_rows)
        if sent.rows:
            self._metrics.count_traffic("sent", sent.rows)
        if failure:
            self._metrics.count_send_failure(type(failure).__name__)
            if not self._is_failing:
                kind = type(failure).__name__
                _log.warning("traffic and feedback wait on disk: %s: %s", kind, failure)
            self._is_failing = True
        elif sent.rows and self._is_failing:
            _log.info("traffic and feedback are sent again")
            self._is_failing = False
        return failure is None

    def _run(self) -> None:
        failures = 0
        while True:
            failures = 0 if self.send() else failures + 1
            pause_s = self._interval_s * min(2**failures, _SLOWEST_FACTOR)
            if self._stopped.wait(pause_s):
                return

    def _send_rest(self, deadline_s: float) -> None:
        pause = threading.Event()
        while self.send() and self._outbox.waiting() and monotonic() < deadline_s:
            pause.wait(_LAST_TRY_S)  # another worker is sending
