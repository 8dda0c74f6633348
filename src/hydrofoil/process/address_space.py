"""How much address space is a worker's own, for the limit of ``spark.executor.pyspark.memory``.

Spark limits the address space of each worker when a task begins. Stock's worker has little then,
and imports under the limit what its task needs. A worker of Hydrofoil's daemon has all imports
behind it, those for other kinds of tasks, too, in pages that it shares with the daemon and the
other workers. They are added to the limit, so that a task has as much as stock's worker has before
its imports.
"""

import os
from math import ceil
from types import ModuleType
from typing import Any

_MIB = 1 << 20

_stock: int | None = None  # What stock's worker has when it starts.
_ahead: int | None = None  # What this worker had beyond that when its first task began.


def size() -> int:
    """Bytes of this process's address space; 0 where the system doesn't say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def remember_stock() -> None:
    """Note what stock's worker has when it starts: call this before importing anything else."""
    global _stock
    _stock = size()


def ahead_mib() -> int:
    """What is to be added to a limit, in MiB. To be asked when a task begins."""
    global _ahead
    if _ahead is None:
        _ahead = 0 if _stock is None else max(0, size() - _stock)
    return ceil(_ahead / _MIB)


class Resource:
    """The standard library's ``resource``, whose limit of address space is so much wider."""

    def __init__(self, resource: ModuleType) -> None:
        self._resource = resource

    def __getattr__(self, name: str) -> Any:
        return getattr(self._resource, name)

    def getrlimit(self, kind: int) -> tuple[int, int]:
        limits: tuple[int, int] = self._resource.getrlimit(kind)
        if kind != self._resource.RLIMIT_AS:
            return limits
        soft, hard = (self._wider(each, -1) for each in limits)
        return soft, hard

    def setrlimit(self, kind: int, limits: tuple[int, int]) -> None:
        if kind == self._resource.RLIMIT_AS:
            limits = self._wider(limits[0], 1), self._wider(limits[1], 1)
        self._resource.setrlimit(kind, limits)

    def _wider(self, limit: int, sign: int) -> int:
        if limit == self._resource.RLIM_INFINITY:
            return limit
        return limit + sign * ahead_mib() * _MIB
