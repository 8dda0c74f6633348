"""Whether a model is in use, in memory that its processes and their keeper share."""

import mmap
import time

_SIZE = 4096
_LAST, _FIRST = 0, 1
# Connections beyond these share a place, which then may say "unused" too soon.
_PLACES = _SIZE // 8 - _FIRST


class Page:
    """One integer for each connection, which only its slot stores to: 1 while it runs a batch."""

    def __init__(self) -> None:
        self._fields = memoryview(mmap.mmap(-1, _SIZE)).cast("q")
        self._fields[_LAST] = time.monotonic_ns()

    def begin(self, number: int) -> None:
        self._fields[_FIRST + number % _PLACES] = 1

    def end(self, number: int) -> None:
        self._fields[_LAST] = time.monotonic_ns()
        self._fields[_FIRST + number % _PLACES] = 0

    def idle_s(self) -> float:
        """For how many seconds no batch has run; 0 while one does."""
        if any(self._fields[_FIRST:].tolist()):
            return 0.0
        return (time.monotonic_ns() - self._fields[_LAST]) / 1e9
