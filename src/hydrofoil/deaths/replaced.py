"""The daemon that the JVM goes on with when it has told this one to end.

Since Spark 4.0 the JVM takes a daemon for lost where a task is cancelled while it waits for a
worker: it ends the daemon and starts a new one. Stock's daemon takes all its workers along, and the
tasks of other queries fail. Here they may finish what the JVM still waits for.
"""

import os
import sys
import time
from pathlib import Path

_PROCESSES = Path("/proc")
# Where the parent and the start are, among the fields after a process's name.
_PARENT, _START = 1, 19
# What the JVM gives the daemons that replace each other, and no others, in their environment. Those
# of the next session in the same JVM have another one.
_SECRET = b"PYTHON_WORKER_FACTORY_SECRET="
# Seconds by which it may be older than this process's knowledge of its own end.
_BEFORE_S = 2.0
# Seconds by which it may be younger, where there is no secret: on Unix sockets. The JVM starts it
# at once, and the next session's later, as that has its context to make first.
_AFTER_S = 0.5


class Successor:
    """A child of the same JVM, started in the same way as this process, and just now.

    The daemon of a session that follows this one's is not: with a session, its tasks have ended.
    """

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._way = _way(os.getpid())
        self._starts: tuple[float, float] | None = None
        if sys.platform.startswith("linux"):
            latest = float("inf") if self._way[1] else _ticks_since_boot(_AFTER_S)
            self._starts = _ticks_since_boot(-_BEFORE_S), latest
        self._found: int | None = None

    def process(self) -> int | None:
        """Its id; None where it doesn't run, and on systems without Linux's ``/proc``."""
        if self._starts is None:
            return None
        if self._found is None or not self._is_it(self._found):
            names = (name for name in os.listdir(_PROCESSES) if name.isdecimal())
            self._found = next((int(name) for name in names if self._is_it(int(name))), None)
        return self._found

    def _is_it(self, process: int) -> bool:
        assert self._starts is not None, "process() has asked"
        try:
            text = (_PROCESSES / str(process) / "stat").read_bytes()
        except OSError:
            return False  # It has ended.
        fields = text.rpartition(b")")[2].split()
        first, last = self._starts
        in_time = first <= int(fields[_START]) <= last
        return in_time and int(fields[_PARENT]) == self._parent and self._looks_alike(process)

    def _looks_alike(self, process: int) -> bool:
        return process != os.getpid() and _way(process) == self._way


def _ticks_since_boot(later: float) -> float:
    """So many seconds after now, in the unit that the kernel counts a process's start in."""
    seconds = time.clock_gettime(time.CLOCK_BOOTTIME) + later
    return seconds * os.sysconf("SC_CLK_TCK")


def _way(process: int) -> tuple[bytes, list[bytes]]:
    """By which words, and with which secret of the JVM's, if any, a process was started."""
    folder = _PROCESSES / str(process)
    try:
        command = (folder / "cmdline").read_bytes()
        variables = (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        return b"", []
    return command, [each for each in variables if each.startswith(_SECRET)]
