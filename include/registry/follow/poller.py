"""Poll in a thread that stops at once."""

import random
import threading
from collections.abc import Callable

from include.registry.follow.follower import Outcome

JITTER = 0.2
FIRST_APPROVAL_PAUSE_S = 1.0


class Poller:
    """Poll in the background: every `interval_s` with jitter, less often while S3 is unavailable.

    Until the first approval it polls every second, so that all workers score soon after it.

    Parameters
    ----------
    name : str
        Of the thread.
    poll_once : callable
        Returns an `Outcome` and never raises.
    report : callable
        Takes each outcome; called in the polling thread.
    interval_s : float
        Between two polls; +-20 % so that replicas do not poll at the same time.
    max_interval_s : float
        The longest pause that back-off reaches.
    rng : random.Random
        Source of the jitter.
    """

    def __init__(
        self,
        name: str,
        poll_once: Callable[[], Outcome],
        report: Callable[[Outcome], None],
        *,
        interval_s: float,
        max_interval_s: float,
        rng: random.Random,
    ) -> None:
        self._poll_once = poll_once
        self._report = report
        self._interval_s = interval_s
        self._max_interval_s = max(interval_s, max_interval_s)
        self._rng = rng
        self._stopped = threading.Event()
        self._failures_in_a_row = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start polling; the first poll is made at once."""
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Stop polling; a poll under way gets `timeout_s` to end and is then left to itself."""
        self._stopped.set()
        self._thread.join(timeout_s)

    def next_pause_s(self, outcome: Outcome) -> float:
        """Return the seconds to wait after `outcome`."""
        pause_s = self._pause_s(outcome)
        return pause_s * self._rng.uniform(1 - JITTER, 1 + JITTER)

    def _pause_s(self, outcome: Outcome) -> float:
        if outcome.kind == "nothing_approved":
            return min(self._interval_s, FIRST_APPROVAL_PAUSE_S)
        self._failures_in_a_row = self._failures_in_a_row + 1 if outcome.is_unreachable else 0
        doublings = min(self._failures_in_a_row, 16)
        return min(self._interval_s * 2.0**doublings, self._max_interval_s)

    def _run(self) -> None:
        pause_s = 0.0
        while not self._stopped.wait(pause_s):
            outcome = self._poll_once()
            self._report(outcome)
            pause_s = self.next_pause_s(outcome)
