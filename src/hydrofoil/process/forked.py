"""What a forked process must have of its own: a worker, and what user code forks from a worker."""

import os
import sys
from contextlib import suppress
from typing import Any

from hydrofoil.process import blas

# Where the descriptors of this process are listed.
DESCRIPTORS = "/dev/fd"


class Connection:
    """The worker's connection to the JVM, by what the kernel knows it by."""

    def __init__(self) -> None:
        self._known: tuple[int, int] | None = None

    def use(self, file: Any) -> None:
        """Say that this file is the connection's, at the begin of a task."""
        self._known = None
        with suppress(OSError, ValueError):  # In a test it is no socket's.
            self._known = identity(file.fileno())

    def leave(self) -> None:
        """Put nothing in the place of each of its descriptors: reads end, writes go nowhere.

        A process that user code forks would answer the JVM, too, when the function returns or
        raises there. The worker's next task, of whatever query, would get these answers for its
        own. The descriptors stay taken, so that none of them becomes a file of the function's.
        """
        known, self._known = self._known, None
        if known is None:
            return
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in map(int, os.listdir(DESCRIPTORS)):
            with suppress(OSError):  # That of the list itself is closed.
                if identity(descriptor) == known:
                    os.dup2(nothing, descriptor, inheritable=False)
        os.close(nothing)


connection = Connection()


def identity(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino


def prepare() -> None:
    """Have every worker that this daemon forks call ``in_worker``; its children leave the JVM.

    For all else, processes that user code forks inherit the worker's state, as they do under stock.
    """
    pending = [True]
    setters = blas.give_threads() if "numpy" in sys.modules else []

    def in_child() -> None:
        if pending:
            pending.clear()
            in_worker()
            for set_threads in setters:
                set_threads()
        else:
            connection.leave()

    os.register_at_fork(after_in_child=in_child)


def in_worker() -> None:
    """Undo what is the daemon's alone.

    NumPy's global generator is seeded anew: all workers would draw the same numbers otherwise.
    """
    random = sys.modules.get("numpy.random")
    if random is not None:
        random.seed()
