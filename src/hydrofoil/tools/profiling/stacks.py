"""Bytes in: the files that a profiled worker's sampler left. Out: stacks and their CPU seconds.

And THE rule of whose time a stack is: see `owner`.
"""

import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Literal, NamedTuple

from hydrofoil.tools.profiling import sampler, worker
from hydrofoil.tools.profiling.worker import MARK

# Where a worker's main is profiled: what stands below it belongs to a task.
WORKER = worker.__file__

Owner = Literal["user code", "exchange", "start-up"]


class Frame(NamedTuple):
    """One function of a stack; ``line`` is its first, 0 for compiled ones."""

    name: str
    file: str
    line: int


# From the root to the leaf.
Stack = tuple[Frame, ...]

# Where a UDF's code begins -> the UDF's name.
Codes = Mapping[tuple[str, str, int], str]

_PACKAGE = Path(__file__).parents[2]
# By name, as a user's own project may be in a folder called hydrofoil too.
_MODULES = "|".join(sorted(module.name for module in iter_modules([str(_PACKAGE)])))

# What PySpark's worker does for a task. The rest of pyspark is a library, whoever calls it: a Row
# of the user's, a type that converts a value.
_EXCHANGE = re.compile(
    r"[/\\]pyspark[/\\](worker\w*|daemon|serializers|util|shuffle|accumulators|messages[/\\].*"
    r"|sql[/\\](pandas[/\\].*|conversion|worker[/\\].*))\.py$"
    rf"|[/\\]hydrofoil[/\\](__init__|{_MODULES})([/\\]|\.py$)"
)
_LIBRARY = re.compile(
    r"[/\\](site|dist)-packages[/\\]|[/\\]lib(64)?[/\\]python3|^<(frozen|string|__array_function)"
    r"|[/\\]pyspark[/\\]|\.so(\.[\d.]+)?$|\.(c|cc|cpp|h|hpp|pyx|pxd)$|^\[|^$"
)
_IMPORT = ("<frozen importlib._bootstrap>", "_find_and_load")
_NAMELESS = re.compile(r"^0x[0-9a-f]+$")


def owner(stack: Stack, codes: Codes) -> Owner:
    """Whose time it is: that of the innermost frame that is the user's or the exchange's.

    Libraries (pandas, pyarrow, Python's own, most of PySpark) work for whoever calls them. A frame
    is the user's if it is a UDF's own, wherever that is defined, or in a file that is no
    installed library; and the exchange's if it is of Hydrofoil's or of PySpark's worker. What the
    exchange imports is start-up, whenever it does so. Before its data phase a task is start-up, and
    so is what comes before the first task.
    """
    importing = False
    for frame in reversed(stack):
        if _is_users(frame, codes):
            return "user code"
        if frame.file == MARK or _EXCHANGE.search(frame.file):
            break
        importing = importing or (frame.file, frame.name) == _IMPORT
    if importing or (mark_of(stack) is None and in_main(stack)):
        return "start-up"
    return "exchange"


def in_main(stack: Stack) -> bool:
    """Whether the stack is below a worker's main, and not between two tasks."""
    return any(frame.file == WORKER for frame in stack)


def udf_of(stack: Stack, codes: Codes) -> str | None:
    """The UDF whose code stands in a stack, the innermost one; None where there is none."""
    for frame in reversed(stack):
        if (name := codes.get(_code(frame))) is not None:
            return name
    return None


def mark_of(stack: Stack) -> str | None:
    """The name of the frame that marks a task's data phase, if the stack has one."""
    return next((frame.name for frame in stack if frame.file == MARK), None)


def _is_users(frame: Frame, codes: Codes) -> bool:
    if _code(frame) in codes:
        return True
    known = frame.file == MARK or _EXCHANGE.search(frame.file) or _LIBRARY.search(frame.file)
    return not known


def _code(frame: Frame) -> tuple[str, str, int]:
    return frame.file, frame.name.rpartition(".")[2], frame.line


def read(stem: Path, sync: tuple[float, float] | None) -> dict[Stack, float]:
    """CPU seconds by stack, of one worker; empty if its stacks were not taken.

    Of seconds that were seen, not of all: the account has the true ones to scale them by.
    """
    trace, clock = sampler.beside(stem, "trace"), sampler.beside(stem, "clock")
    if trace.exists() and clock.exists():
        return _read_trace(_events(trace), json.loads(clock.read_text(encoding="utf-8")), sync)
    calls = sampler.beside(stem, "calls")
    return _read_calls(calls) if calls.exists() else {}


def cpu_at_end(stem: Path) -> float | None:
    """The CPU seconds of one worker as seen from outside when it ended; None if nobody looked."""
    clock = sampler.beside(stem, "clock")
    if not clock.exists():
        return None
    points = json.loads(clock.read_text(encoding="utf-8"))["points"]
    return float(points[-1][1]) if points else None


def _events(trace: Path) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads(trace.read_text(encoding="utf-8"))
    except ValueError:
        return []  # py-spy saw no stack at all.
    return found


def _read_trace(
    events: list[dict[str, Any]], clock: dict[str, Any], sync: tuple[float, float] | None
) -> dict[Stack, float]:
    """Share the CPU time between two changes among the stacks that stood meanwhile."""
    cpu = _Clock(clock["points"])
    offset = _offset(events, clock["began"], sync)
    seconds: dict[Stack, float] = defaultdict(float)
    for start, end, standing in _intervals(events):
        used = cpu.at(end + offset) - cpu.at(start + offset)
        for stack in standing:
            seconds[stack] += used / len(standing)
    return {stack: used for stack, used in seconds.items() if used > 0}


def _offset(events: list[dict[str, Any]], began: float, sync: tuple[float, float] | None) -> float:
    """What to add to a time of py-spy's, which began to count at some moment of its start."""
    if sync is not None:
        named: list[float] = [e["ts"] / 1e6 for e in events if e["name"] == sampler.busy.__name__]
        if named:
            # Both ends were noticed up to one round late.
            return (sync[0] + sync[1] - min(named) - max(named)) / 2
    return began


def _intervals(
    events: list[dict[str, Any]],
) -> Iterator[tuple[float, float, list[Stack]]]:
    """Start, end and the threads' stacks, between each two times at which one changed."""
    threads: dict[int, list[Frame]] = defaultdict(list)
    last = 0.0
    for event in events:
        now = event["ts"] / 1e6
        if now > last:
            standing = [_named(frames) for frames in threads.values() if frames]
            if standing:
                yield last, now, standing
            last = now
        frames = threads[event["tid"]]
        if event["ph"] == "B":
            place = event["args"]
            frames.append(Frame(event["name"], place["filename"], place["line"] or 0))
        elif frames:
            frames.pop()


def _named(frames: list[Frame]) -> Stack:
    return tuple(frame for frame in frames if not _NAMELESS.match(frame.name))


class _Clock:
    """The CPU time of a process at any time, between the points at which it was read."""

    def __init__(self, points: list[list[float]]) -> None:
        self._times: list[float] = [point[0] for point in points]
        self._cpu: list[float] = [point[1] for point in points]

    def at(self, time: float) -> float:
        place = bisect_right(self._times, time)
        if not self._times or place == 0:
            return self._cpu[0] if self._cpu else 0.0
        if place == len(self._times):
            return self._cpu[-1]
        begin, end = self._times[place - 1], self._times[place]
        share = (time - begin) / (end - begin) if end > begin else 1.0
        return self._cpu[place - 1] + share * (self._cpu[place] - self._cpu[place - 1])


def _read_calls(path: Path) -> dict[Stack, float]:
    seconds: dict[Stack, float] = defaultdict(float)
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        mark = Frame(record["mark"], MARK, 0)
        for frames, used in record["stacks"]:
            stack = (mark, *(Frame(*frame) for frame in frames))
            seconds[stack] += used
    return dict(seconds)
