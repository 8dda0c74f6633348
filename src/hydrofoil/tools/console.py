"""Where tables and progress go."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

# Wide enough for every table of ours, where neither a terminal nor COLUMNS says how wide it may be.
_WIDTH = 140
_EVERY_S = 15.0


def output(width: int = _WIDTH) -> Console:
    """Standard output; in a file or a pipe, wide enough that tables stay whole."""
    if isinstance(sys.stdout, TextIOWrapper):
        # As standard error has it: a name that can't be encoded is no reason to lose a report.
        sys.stdout.reconfigure(errors="backslashreplace")
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if known else width)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on standard error that goes away when done; where there is no terminal, some lines."""
    # A stream of its own: the bar stays where it is while standard error goes into a file.
    with os.fdopen(os.dup(2), "w") as file:
        console = Console(file=file)
        bar = _Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        bar.start()
        try:
            yield bar
        finally:
            _stop(bar)


class _Progress(Progress):
    """Says in a file or a pipe, where a bar can't be drawn, how far things are."""

    _said = 0.0

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        self._say(task_id)

    def update(self, task_id: TaskID, **changes: Any) -> None:
        super().update(task_id, **changes)
        self._say(task_id)

    def _say(self, task_id: TaskID) -> None:
        now = time.monotonic()
        if not self.disable or now - self._said < _EVERY_S:
            return
        if self._said:
            task = self._tasks[task_id]
            of = "" if task.total is None else f" of {task.total:.0f}"
            line = f"{task.description} ({task.completed:.0f}{of} steps)"
            self.console.print(line, markup=False, highlight=False)
        self._said = now


@contextmanager
def above(bar: Progress) -> Iterator[None]:
    """Take a bar away while something else is printed, which would share its line."""
    _stop(bar)
    yield
    bar.start()


def _stop(bar: Progress) -> None:
    # A bar that was never shown would print an empty line.
    if not bar.disable:
        bar.stop()
