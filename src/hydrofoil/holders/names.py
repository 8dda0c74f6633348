"""By what an application's workers find their keeper, and it knows how long to stay."""

import hashlib
import os
from dataclasses import dataclass

from hydrofoil.holders.linux import command_line, parent, start_time

# In front of the names of sockets, which are in no file system.
PREFIX = "hydrofoil-models-"

# As executors of a cluster have it, in the command lines of their JVMs.
_APPLICATION = "--app-id"
_UP = 6


@dataclass(frozen=True)
class Place:
    """Where a worker is.

    Attributes
    ----------
    name : str
        Of the keeper's socket: the same for all workers of the application's on this host.
    daemon : tuple of int and str
        The process that has forked this one, and when it started. While one of those runs, so does
        the application.
    alone : bool
        Whether no further daemon can come to find the keeper.
    """

    name: str
    daemon: tuple[int, str]
    alone: bool


def here() -> Place:
    """The place of this process."""
    process = os.getppid()
    daemon = (process, start_time(process) or "")
    application, alone = _application(), False
    if not application:
        # A local master: its one daemon ends with the application, when the JVM may not.
        application, alone = f"{daemon[0]} {daemon[1]}", True
    space = os.readlink("/proc/self/ns/pid")
    text = "\0".join((application, str(os.geteuid()), space))
    return Place(PREFIX + hashlib.sha256(text.encode()).hexdigest()[:32], daemon, alone)


def _application() -> str:
    """The id of the application whose executor is above this process; empty where none is."""
    process = os.getppid()
    for _ in range(_UP):
        words = command_line(process)
        if _APPLICATION in words[:-1]:
            return words[words.index(_APPLICATION) + 1]
        process = parent(process)
        if process <= 1:
            break
    return ""
