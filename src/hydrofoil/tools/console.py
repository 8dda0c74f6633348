"""Where tables and progress go."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

# Wide enough for every table of ours, where neither a terminal nor COLUMNS says how wide it may be.
_WIDTH = 140


def output() -> Console:
    """Standard output; in a file or a pipe, wide enough that tables stay whole."""
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if known else _WIDTH)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on standard error that goes away when done; nothing where there is no terminal."""
    # A stream of its own: the bar stays where it is while standard error goes into a file.
    with os.fdopen(os.dup(2), "w") as file:
        console = Console(file=file)
        bar = Progress(
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
