"""What the command line prints: steps with their time, results, tables."""

import sys
import time
from collections.abc import Iterable, Sequence


class Screen:
    """Steps, results and tables on standard output; plain text unless it is a terminal."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()

    def say(self, text: str, *, error: bool = False) -> None:
        """Print a step with the seconds since the command began.

        Parameters
        ----------
        text : str
        error : bool
            Print on standard error, beside JSON on standard output.
        """
        elapsed_s = time.monotonic() - self._began_s
        line = f"[{elapsed_s:6.1f} s] {text}\n"
        # One write, so that threads do not share a line.
        print(line, end="", flush=True, file=sys.stderr if error else sys.stdout)

    def show(self, text: str = "") -> None:
        """Print a result.

        Parameters
        ----------
        text : str
        """
        print(f"{text}\n", end="", flush=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table; on a terminal it fits the width, elsewhere a row is one line.

        Parameters
        ----------
        columns : sequence of str
        rows : iterable of sequence of str
        """
        from rich.console import Console  # most commands print no table
        from rich.markup import escape
        from rich.table import Table

        lines = [tuple(columns), *(tuple(row) for row in rows)]
        console = Console(highlight=False)
        if not console.is_terminal:
            widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
            for line in lines:
                cells = (f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
                self.show("  ".join(cells).rstrip())
            return
        table = Table(*columns, box=None, pad_edge=False)
        for row in lines[1:]:
            table.add_row(*map(escape, row))
        console.print(table)


def complain(text: str) -> None:
    """Print an error on standard error.

    Parameters
    ----------
    text : str
    """
    print(f"nightcatch: {text}", file=sys.stderr, flush=True)
