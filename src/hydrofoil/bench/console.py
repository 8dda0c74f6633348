"""Where tables and progress go."""

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

# Wide enough for every table of ours, where there is no terminal to ask.
_WIDTH = 140


def output() -> Console:
    """Standard output; in a file or a pipe, wide enough that tables stay whole."""
    return Console(width=None if sys.stdout.isatty() else _WIDTH)


def progress_bar() -> Progress:
    """A bar on standard error that goes away when done; nothing where there is no terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
