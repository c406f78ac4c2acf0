"""The steps of a long command in one view: what happens, how far it is, how long it will take."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from include.cli.screen import Screen
from include.stack.interrupts import held_interrupts

_REFRESHES_PER_S = 4
_BAR_WIDTH = 24
_OVERDUE_SHARE = 0.1
"""What is left of a step that takes longer than expected, as a share of its expected time."""


@dataclass
class Step:
    """A step of a command.

    Attributes
    ----------
    title : str
    about_s : float
        How long it takes on two cores.
    began_s, took_s : float or None
        On a monotonic clock; None until it began, or ended.
    detail : str
        What happens at the moment, or what came of it.
    """

    title: str
    about_s: float
    began_s: float | None = None
    took_s: float | None = None
    detail: str = field(default="")

    def left_s(self) -> float:
        """Return how long it will still take."""
        if self.took_s is not None:
            return 0.0
        spent_s = 0.0 if self.began_s is None else time.monotonic() - self.began_s
        return max(self.about_s - spent_s, _OVERDUE_SHARE * self.about_s)


class ProgressScreen(Screen):
    """One view of all steps on a terminal; elsewhere a line when a step begins, and each detail.

    Plain attributes carry what the view shows, and its own thread draws it: no lock is taken where
    Ctrl-C may raise.

    Parameters
    ----------
    steps : sequence of Step
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        super().__init__()
        self._steps = list(steps)
        self._current: Step | None = None
        self._live: Live | None = None
        self._spinner = Spinner("dots")

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the view until the block ends, however it does."""
        console = Console(highlight=False)
        if not console.is_terminal:
            yield
            return
        view = Live(console=console, get_renderable=self._view, refresh_per_second=_REFRESHES_PER_S)
        try:
            with held_interrupts():
                view.start()
                self._live = view
            yield
        finally:
            self._live = None
            view.stop()

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        """Measure a step; one that fails stays unfinished."""
        step.began_s, self._current = time.monotonic(), step
        if self._live is None:
            number = self._steps.index(step) + 1
            self.say(f"step {number} of {len(self._steps)}: {step.title}, {self._left()}")
        yield
        step.took_s, self._current = time.monotonic() - step.began_s, None

    def say(self, text: str, *, error: bool = False) -> None:
        """Show what happens now."""
        if self._live is None:
            super().say(text, error=error)
        elif self._current is not None:
            self._current.detail = " ".join(text.split())

    def show(self, text: str = "") -> None:
        """Print a result, above the view."""
        if self._live is None:
            super().show(text)
            return
        with held_interrupts():
            self._live.console.print(text, markup=False, soft_wrap=True)

    def _left(self) -> str:
        return f"{duration(sum(step.left_s() for step in self._steps))} left in all"

    def _view(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for step in self._steps:
            table.add_row(*_cells(step, self._spinner))
        done_s = sum(step.took_s or step.about_s - step.left_s() for step in self._steps)
        left_s = sum(step.left_s() for step in self._steps)
        if left_s:
            bar = ProgressBar(total=done_s + left_s, completed=done_s, width=_BAR_WIDTH)
            table.add_row("", bar, "", Text(self._left(), "bold"))
        return table


def duration(seconds: float) -> str:
    """Return a time for people, rounded."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {5 * round(seconds / 5)} s"
    minutes, rest = divmod(15 * round(seconds / 15), 60)
    return f"about {minutes} min" + (f" {rest} s" if rest else "")


def _cells(step: Step, spinner: Spinner) -> tuple[RenderableType, ...]:
    if step.began_s is None:
        mark: RenderableType = Text("\N{MIDDLE DOT}", "dim")
        return mark, Text(step.title, "dim"), "", Text(duration(step.about_s), "dim")
    if step.took_s is not None:
        mark = Text("\N{CHECK MARK}", "green")
        return mark, step.title, f"{step.took_s:.0f} s", Text(step.detail, "dim")
    spent = f"{time.monotonic() - step.began_s:.0f} s"
    return spinner, Text(step.title, "bold"), spent, Text(step.detail, "dim")
