"""What was scored is written down in the background: a request only leaves a note in a queue."""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from include.inference.prediction_ids import day_of
from include.inference.traffic_record import TrafficRecord, lines_of
from include.services.scorer.settings import Traffic
from include.services.scorer.telemetry.delivery_queue import DeliveryQueue
from include.services.scorer.telemetry.metrics import Metrics

_log = logging.getLogger(__name__)
_MAX_ROWS_WAITING = 20_000
_MAX_CHARS_WAITING = 32 * 1024 * 1024
_BATCH_ROWS = 5_000
_BATCH_CHARS = 4 * 1024 * 1024
_GATHER_S = 0.05
_LINES_AT_A_TIME = 16
_PAUSE_S = 0.0001


@dataclass
class _Batch:
    opened_s: float
    lines: list[str] = field(default_factory=list)
    chars: int = 0

    @property
    def is_full(self) -> bool:
        return len(self.lines) >= _BATCH_ROWS or self.chars >= _BATCH_CHARS


class TrafficLog:
    """Turns notes of answers into batches of lines, and counts their probabilities.

    Parameters
    ----------
    outbox : DeliveryQueue
        Takes the batches.
    metrics : Metrics
    settings : Traffic
        What is written down, and how long a batch is filled unless it is full before.
    """

    def __init__(self, outbox: DeliveryQueue, metrics: Metrics, settings: Traffic) -> None:
        self._outbox = outbox
        self._metrics = metrics
        self._settings = settings
        self._is_redacted = settings.content == "redacted"
        is_hashed = self._is_redacted or settings.content == "hash"
        self._hash_key = settings.hash_key if is_hashed else b""
        self._notes: deque[TrafficRecord] = deque()
        self._rows_waiting = self._chars_waiting = 0
        self._counting = threading.Lock()
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        self._batches: dict[tuple[str, str], _Batch] = {}
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    def note(self, scored: TrafficRecord) -> None:
        """Return at once; the answer is written down later, or not at all if too many wait."""
        n_rows, n_chars = len(scored.probabilities), _chars_of(scored)
        with self._counting:
            if self._rows_waiting and (
                self._rows_waiting + n_rows > _MAX_ROWS_WAITING
                or self._chars_waiting + n_chars > _MAX_CHARS_WAITING
            ):
                self._metrics.count_traffic("dropped", n_rows)
                return
            self._rows_waiting += n_rows
            self._chars_waiting += n_chars
            self._notes.append(scored)
        if not self._wanted.is_set():
            self._wanted.set()

    def start(self) -> None:
        """Start writing, in a thread of its own."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Return when all that was noted is in the outbox, or after `timeout_s`."""
        self._stopped.set()
        self._wanted.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopped.is_set():
            # Without traffic the thread sleeps; with some it wakes at most 20 times a second.
            self._wanted.wait(self._settings.interval_s if self._batches else None)
            self._stopped.wait(_GATHER_S)
            self._wanted.clear()
            self._write_notes()
            self._close_batches(self._settings.interval_s)
        self._write_notes()
        self._close_batches(0.0)

    def _write_notes(self) -> None:
        answered: dict[str, list[float]] = {}
        for scored in self._taken():
            if not scored.is_sample:
                answered.setdefault(scored.pointer.pipeline, []).extend(scored.probabilities)
            if self._settings.content == "off":
                continue
            where = scored.pointer.pipeline, day_of(scored.id)
            for line in lines_of(scored, self._hash_key, is_redacted=self._is_redacted):
                self._add_line(where, line)
        for pipeline, probabilities in answered.items():
            self._metrics.count_probabilities(pipeline, probabilities)

    def _add_line(self, where: tuple[str, str], line: str) -> None:
        batch = self._batches.setdefault(where, _Batch(time.monotonic()))
        batch.lines.append(line)
        batch.chars += len(line)
        if batch.is_full:
            self._close(where)
        elif len(batch.lines) % _LINES_AT_A_TIME == 0 and not self._stopped.is_set():
            time.sleep(_PAUSE_S)  # requests are served between two handfuls of lines

    def _taken(self) -> Iterator[TrafficRecord]:
        while self._notes:
            with self._counting:
                scored = self._notes.popleft()
                self._rows_waiting -= len(scored.probabilities)
                self._chars_waiting -= _chars_of(scored)
            yield scored

    def _close_batches(self, age_s: float) -> None:
        for where, batch in list(self._batches.items()):
            if time.monotonic() - batch.opened_s >= age_s:
                self._close(where)

    def _close(self, where: tuple[str, str]) -> None:
        lines = self._batches.pop(where).lines
        try:
            dropped = self._outbox.add("traffic", *where, lines)
        except OSError as err:
            _log.warning("%s: %d lines of traffic are lost: %s", where[0], len(lines), err)
            dropped = len(lines)
        else:
            self._metrics.count_traffic("written", len(lines))
        if dropped:
            self._metrics.count_traffic("dropped", dropped)


def _chars_of(scored: TrafficRecord) -> int:
    """Return the length of the texts among the items; numbers are bounded by their count."""
    if scored.is_sample or not scored.manifest.features:
        return scored.size_chars
    return sum(map(len, map(str, scored.items)))
