"""What the command line prints while something takes its time."""

import sys
import time


class Screen:
    """Lines on standard output, each with the seconds since the command began."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()

    def say(self, text: str) -> None:
        """Print one step with the time it came at.

        Parameters
        ----------
        text : str
        """
        elapsed_s = time.monotonic() - self._began_s
        self.show(f"[{elapsed_s:6.1f} s] {text}")

    def show(self, text: str = "") -> None:
        """Print lines that are a result and not a step.

        Parameters
        ----------
        text : str
        """
        print(f"{text}\n", end="", flush=True)  # one write, so that threads do not share a line


def complain(text: str) -> None:
    """Print a sentence on standard error.

    Parameters
    ----------
    text : str
    """
    print(f"nightcatch: {text}", file=sys.stderr, flush=True)
