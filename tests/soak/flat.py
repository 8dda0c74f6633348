"""What an engine's processes hold, sampled over time, and whether that grows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

MB = 1_000_000
# Caches fill and arenas settle: this share of the samples does not count.
WARM_UP = 1 / 3
# Below this number a median of a third says nothing.
LEAST = 12


@dataclass
class Sample:
    """Sums over the daemons and the workers of an engine; objects are those of one worker."""

    pss: int
    descriptors: int
    threads: int
    processes: int
    objects: int


@dataclass(frozen=True)
class Measure:
    """What is sampled, and by how much it may grow: a share of it, and so much more."""

    name: str
    share: float
    more: float
    unit: float = 1


# Memory and objects move a little for ever; a descriptor or a thread too many is one too many.
MEASURES = [
    Measure("pss", 0.03, 4 * MB, MB),
    Measure("objects", 0.01, 300),
    Measure("descriptors", 0, 0),
    Measure("threads", 0, 0),
    Measure("processes", 0, 0),
]


def processes(jvm: int, daemon: str) -> list[psutil.Process]:
    """The daemons of this module below a JVM, and all that they have forked."""
    found = []
    for child in psutil.Process(jvm).children():
        try:
            if daemon in child.cmdline():
                found += [child, *child.children(recursive=True)]
        except psutil.Error:
            continue
    return found


def sample(jvm: int, daemon: str, objects: int) -> Sample:
    found = Sample(0, 0, 0, 0, objects)
    for process in processes(jvm, daemon):
        try:
            pss = sum(
                int(line.split()[1]) * 1024
                for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
                if line.startswith("Pss:")
            )
            descriptors, threads = process.num_fds(), process.num_threads()
        except (OSError, psutil.Error):
            continue  # It has just ended.
        found.pss += pss
        found.descriptors += descriptors
        found.threads += threads
        found.processes += 1
    return found


def growth(values: Sequence[float]) -> tuple[float, float]:
    """The median of the first third after the warm-up, and that of the last third less it."""
    settled = values[int(len(values) * WARM_UP) :]
    third = max(1, len(settled) // 3)
    first = median(settled[:third])
    return first, median(settled[-third:]) - first


def grown(measure: Measure, values: Sequence[float], stock: Sequence[float]) -> str:
    """What is wrong with a series; empty if it is flat, or grows no more than stock's does."""
    first, more = growth(values)
    _, stocks = growth(stock)
    allowed = max(measure.share * first + measure.more, stocks)
    if more <= allowed:
        return ""
    return (
        f"{measure.name} grew by {more / measure.unit:,.1f} from {first / measure.unit:,.1f}; "
        f"stock's grew by {stocks / measure.unit:,.1f}"
    )
