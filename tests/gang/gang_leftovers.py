"""What a gang may not leave behind: processes, sockets, files, shared memory, threads."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

WAIT_S = 10.0


class Ranks:
    """The processes of a gang's ranks, which ``here`` notes down in each of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def pids(self) -> list[int]:
        return [int(path.name.rpartition("-")[2]) for path in self.folder.glob("rank-*")]


@contextmanager
def nothing_left(folder: Path) -> Iterator[Ranks]:
    """Fail if, after the block, anything of the gangs that ran in it is still there.

    Ranks write ``rank-<rank>-<pid>`` into ``folder``.
    """
    ranks = Ranks(folder)
    before = sockets(), shared_memory(), threads()
    yield ranks
    until = time.monotonic() + WAIT_S
    while (left := leftovers(ranks, *before)) and time.monotonic() < until:
        time.sleep(0.1)
    assert left == []


def leftovers(ranks: Ranks, listening: set[int], memory: set[str], running: set[str]) -> list[str]:
    left = [f"the driver listens on {port}" for port in sockets() - listening]
    left += [f"/dev/shm/{name}" for name in shared_memory() - memory]
    left += [f"thread {name}" for name in threads() - running]
    for pid in ranks.pids():
        left += [f"process {pid}: {what}" for what in of_rank(pid)]
    return left


def sockets() -> set[int]:
    connections = psutil.Process().net_connections(kind="inet")
    return {found.laddr.port for found in connections if found.status == psutil.CONN_LISTEN}


def shared_memory() -> set[str]:
    return set(os.listdir("/dev/shm"))


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if "hydrofoil" in thread.name}


def of_rank(pid: int) -> list[str]:
    """What a process that Spark may have kept for other tasks still has of the gang."""
    try:
        names = [
            Path(f"/proc/{pid}/task/{task}/comm").read_text().strip()
            for task in os.listdir(f"/proc/{pid}/task")
        ]
        files = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        children = psutil.Process(pid).children()
    except (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
        return []  # It has ended, or is just doing so.
    found = [f"{len(names)} threads"] if len(names) > 1 and "hydrofoil" in str(names) else []
    found += [file for file in files if "hydrofoil" in file and "deleted" in file]
    return found + [f"child {child.pid}" for child in children]
