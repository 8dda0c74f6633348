"""What a daemon looks at while its workers run, where settings ask for it: memory, and slow rows.

Both are done from outside of the workers. A thread in a worker would be in the way of functions
that fork, and could not run while a function holds Python's lock.
"""

import faulthandler
import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from hydrofoil.deaths import page
from hydrofoil.deaths.limits import MEMORY_KEY
from hydrofoil.deaths.memory import anonymous, sizes
from hydrofoil.deaths.verdict import MARK

# Seconds between looks at the memory: a worker that fills it fast is over the limit by what it
# takes in this time.
_MEMORY_S = 0.1
# Seconds between looks at what rows workers are at, at most, and for a stack that was asked for.
_ROWS_S = 1.0
_STACK_S = 0.1
# How often the stack is looked for; a worker that is stopped writes none.
_STACK_LOOKS = 10
# On it a worker writes its stack. Real-time signals are nobody's by default.
_ASKS = getattr(signal, "SIGRTMAX", signal.SIGUSR2 + 6) - 6


class Watched(Protocol):
    """A worker, as far as it is looked at from outside."""

    process: int
    page: page.Page
    over: str
    stacks: int | None


class MemoryLimit:
    """Kills a worker whose memory is over a limit.

    Parameters
    ----------
    most : int
        Bytes.
    """

    def __init__(self, most: int) -> None:
        self._most = most

    def look(self, workers: Iterable[Watched]) -> float:
        """Look at each; return in how many seconds to look again."""
        for worker in workers:
            taken = anonymous(worker.process)
            if taken > self._most and not worker.over:
                worker.over = f"over {MEMORY_KEY}: {sizes(taken, self._most)}"
                with suppress(OSError):
                    os.kill(worker.process, signal.SIGKILL)
        return _MEMORY_S


@dataclass
class _Sight:
    """What a worker was at when it was looked at."""

    key: tuple[int, ...]
    since: float
    told: bool = False
    # Where its stacks ended when one was asked for, and how often it was looked for since.
    end: int = -1
    looks: int = 0


class SlowRows:
    """Says which functions have been at one row, batch or group for long, and their stack, once.

    Parameters
    ----------
    seconds : float
        How long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._sights: dict[int, _Sight] = {}

    def look(self, workers: Iterable[Watched]) -> float:
        """Look at each; return in how many seconds to look again."""
        now, seen = time.monotonic(), {}
        patience = min(self._seconds / 4, _ROWS_S)
        for worker in workers:
            fields = worker.page.fields
            key = tuple(fields[k] for k in (page.STATE, page.TASK, page.ITEM, page.ROW))
            sight = self._sights.get(worker.process)
            if sight is None or sight.key != key:
                sight = _Sight(key, now)
            seen[worker.process] = sight
            if key[0] != page.RUNNING or sight.told or now - sight.since < self._seconds:
                continue
            stack = self._stack(worker, sight)
            if stack is None:
                patience = _STACK_S
                continue
            sight.told = True
            fields[page.SLOW] += 1
            what = f"for {now - sight.since:.0f} s it has been {worker.page.place()}"
            said = f"{MARK}{worker.process} is slow: {what}"
            print(f"{said}; its stack:\n{stack}" if stack else said, file=sys.stderr, flush=True)
        # Those that have ended are let go of.
        self._sights = seen
        return patience

    def _stack(self, worker: Watched, sight: _Sight) -> str | None:
        """The worker's stack; None while it is still to come, empty where it does not."""
        # The signal would end a worker that does not expect it.
        if worker.stacks is None or not worker.page.fields[page.STACKS]:
            return ""
        if sight.end < 0:
            sight.end = os.fstat(worker.stacks).st_size
            with suppress(OSError):
                os.kill(worker.process, _ASKS)
            return None
        sight.looks += 1
        text = os.pread(worker.stacks, 1 << 16, sight.end).decode(errors="replace")
        return text if text or sight.looks >= _STACK_LOOKS else None


def place_for_stacks() -> int | None:
    """A file in memory that a worker writes its stacks to; None where this system has none."""
    if not hasattr(os, "memfd_create"):
        return None
    with suppress(OSError):
        return os.memfd_create("hydrofoil-stacks")
    return None


def write_stacks_to(descriptor: int) -> None:
    """Have this process write the stacks of its threads there when it is asked for them."""
    faulthandler.register(_ASKS, file=descriptor, all_threads=True)
