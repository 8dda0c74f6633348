"""Where tables go."""

import sys

from rich.console import Console

# Wide enough for every table of ours, where there is no terminal to ask.
_WIDTH = 140


def output() -> Console:
    """Standard output; in a file or a pipe, wide enough that tables stay whole."""
    return Console(width=None if sys.stdout.isatty() else _WIDTH)
