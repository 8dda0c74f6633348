"""What a forked worker must have of its own, although it starts as a copy of its daemon."""

import os
import sys

from hydrofoil.process import blas


def prepare() -> None:
    """Have every worker that this daemon forks call ``in_worker``, but not the worker's children.

    Processes that user code forks inherit the worker's state, as they do under stock.
    """
    pending = [True]
    setters = blas.thread_setters() if "numpy" in sys.modules else []

    def in_child() -> None:
        if pending:
            pending.clear()
            in_worker()
            for set_threads in setters:
                set_threads()

    os.register_at_fork(after_in_child=in_child)


def in_worker() -> None:
    """Undo what is the daemon's alone.

    NumPy's global generator is seeded anew: all workers would draw the same numbers otherwise.
    """
    random = sys.modules.get("numpy.random")
    if random is not None:
        random.seed()
