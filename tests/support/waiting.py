"""Wait for a condition of a real server or file."""

import time


def wait_until(condition, timeout_s=600.0, poll_interval_s=0.05):
    """Return what `condition` returns as soon as that is true; fail after the timeout."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{condition} was not true within {timeout_s} s"
        time.sleep(poll_interval_s)
    return found
