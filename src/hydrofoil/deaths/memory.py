"""Whether the kernel has killed for memory, and how much of it there was.

Of the groups of processes (cgroups) that a process is in, version 2 or 1, and of the host. A limit
may be a group's that is further up.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_HOST = Path("/proc/vmstat")
# For how long a kill is thought to be that of a process whose end is seen.
_FRESH_S = 10.0
# More than this is what the kernel writes for no limit.
_NO_LIMIT = 1 << 60


@dataclass(frozen=True)
class Group:
    """Where a group of processes says what it is about its memory."""

    kills: Path
    limit: Path
    peak: Path

    def reached(self) -> tuple[int, int] | None:
        """The most that it has used, and its limit, in bytes; None where it has none."""
        limit = _number(self.limit)
        if limit is None or limit > _NO_LIMIT:
            return None
        # Kernels before 5.19 don't say what the most was. At a kill for memory it was the limit.
        peak = _number(self.peak)
        return (limit if peak is None else min(peak, limit)), limit


class Kills:
    """How often the kernel has killed for memory, so that one more kill is noticed."""

    def __init__(self) -> None:
        self._seen: dict[Path, int] = {}
        self._refreshed = 0.0
        self.refresh()

    def refresh(self) -> None:
        """Take what has been killed so far for others' ends. Cheap, and to be called often."""
        now = time.monotonic()
        if now - self._refreshed > _FRESH_S:
            self._refreshed = now
            for group in groups_of("self"):
                self._seen[group.kills] = _kills(group.kills)
            self._seen[_HOST] = _kills(_HOST)

    def one_more(self) -> str:
        """Where, in words, the kernel has killed since it was looked at; empty if it has not."""
        found = ""
        for group in groups_of("self"):
            if self._risen(group.kills) and not found:
                reached = group.reached()
                found = "by its cgroup's limit"
                if reached is not None:
                    found = f"at {sizes(*reached)} of its cgroup"
        if self._risen(_HOST) and not found:
            found = "by the host, which had none left"
        return found

    def _risen(self, file: Path) -> bool:
        now, seen = _kills(file), self._seen.get(file, 0)
        # One kill is one process's end: those of others are still to be seen.
        self._seen[file] = min(now, seen + 1)
        return now > seen


def groups_of(process: str) -> Iterator[Group]:
    """The groups that a process is in, its own first, with memory that is counted."""
    with suppress(OSError):
        for line in Path("/proc", process, "cgroup").read_text(encoding="utf-8").splitlines():
            number, controllers, path = line.split(":", 2)
            if number == "0" and not controllers:
                base = _GROUPS if (_GROUPS / "cgroup.controllers").exists() else _GROUPS / "unified"
                names = ("memory.events", "memory.max", "memory.peak")
            elif "memory" in controllers.split(","):
                base = _GROUPS / "memory"
                names = ("memory.oom_control", "memory.limit_in_bytes", "memory.max_usage_in_bytes")
            else:
                continue
            # In a container the path may be the host's, which is not to be seen here.
            parts = Path(path.lstrip("/")).parts
            for length in range(len(parts), -1, -1):
                folder = base.joinpath(*parts[:length])
                if (folder / names[0]).exists():
                    yield Group(*(folder / name for name in names))


def _kills(file: Path) -> int:
    with suppress(OSError, ValueError):
        for line in file.read_text(encoding="ascii").splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def anonymous(process: int) -> int:
    """Bytes that a process has for itself in memory, and no file is behind; 0 where it is gone."""
    with suppress(OSError, ValueError, IndexError):
        with open(f"/proc/{process}/statm", encoding="ascii") as file:
            words = file.read().split()
        return (int(words[1]) - int(words[2])) * os.sysconf("SC_PAGE_SIZE")
    return 0


def size(count: float) -> str:
    """Bytes in words: ``1.2 GiB``."""
    unit = _unit(count)
    return f"{_in(count, unit)} {_NAMES[unit]}"


def sizes(count: float, limit: float) -> str:
    """Bytes of how many, in words: ``11.8 of 12 GiB``."""
    unit = _unit(limit)
    return f"{_in(count, unit)} of {_in(limit, unit)} {_NAMES[unit]}"


_NAMES = {1 << 20: "MiB", 1 << 30: "GiB"}


def _unit(count: float) -> int:
    return 1 << 30 if count >= 1 << 30 else 1 << 20


def _in(count: float, unit: int) -> str:
    return f"{count / unit:.1f}".removesuffix(".0")
