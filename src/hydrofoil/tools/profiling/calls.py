"""cProfile in a worker: every call of a Python function counted, and stacks made of that.

Its clock is the wall's, because reading a CPU clock at every call takes longer than most calls. So
waiting counts as working, but for the JVM: there the CPU time is known. cProfile knows who called
whom, not by which way: a function's time is shared among its callers by the time that it took for
each. What the counting itself costs is measured before and taken off.
"""

import cProfile
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from hydrofoil.tools.profiling import streams

_CALIBRATION_ROUNDS, _CALIBRATION_CALLS = 10, 2_000
_DEEPEST = 60
# Seconds below which a stack is not followed.
_LEAST = 1e-5

# As py-spy names a frame: function, file, first line.
Frame = tuple[str, str, int]


class Deterministic:
    """A `profiling.sampler.Sampler` that counts calls; its stacks go to one file."""

    def __init__(self, name: str, path: Path, why: str) -> None:
        self.name = name
        self.why = why
        self.sync: tuple[float, float] | None = None
        self.cpu = 0.0
        self._path = path
        self._inside, self._outside = calibrate()

    def around(self, call: Callable[..., Any], mark: str) -> Callable[..., Any]:
        def profiled(*args: Any) -> Any:
            profile = cProfile.Profile(builtins=False)
            before = dict(streams.CPU)
            try:
                return profile.runcall(call, *args)
            finally:
                known = {name: cpu - before[name] for name, cpu in streams.CPU.items()}
                self._write(profile, mark, known)

        return profiled

    def _write(self, profile: cProfile.Profile, mark: str, known: dict[str, float]) -> None:
        before = time.process_time()
        stacks, counting = stacks_of(profile.getstats(), self._inside, self._outside, known)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"mark": mark, "stacks": stacks, "counting": counting}) + "\n")
        self.cpu += counting + time.process_time() - before


def calibrate() -> tuple[float, float]:
    """Seconds that counting one call adds to the callee's own time and to its caller's.

    The least of several rounds: others may have the core meanwhile.
    """

    def nothing() -> None:
        pass

    def calls() -> None:
        for _ in range(_CALIBRATION_CALLS):
            nothing()

    bare, callee, caller = [], [], []
    for _ in range(_CALIBRATION_ROUNDS):
        start = time.perf_counter()
        calls()
        bare.append(time.perf_counter() - start)
        profile = cProfile.Profile(builtins=False)
        profile.runcall(calls)
        own = {frame_of(entry.code)[0].rpartition(".")[2]: entry for entry in profile.getstats()}
        callee.append(own["nothing"].inlinetime)
        caller.append(own["calls"].inlinetime)
    outside = max(min(caller) - min(bare), 0.0)
    return min(callee) / _CALIBRATION_CALLS, outside / _CALIBRATION_CALLS


def stacks_of(
    entries: Iterable[Any], inside: float, outside: float, known: dict[str, float]
) -> tuple[list[tuple[list[Frame], float]], float]:
    """Stacks, from the root, with the seconds at their ends; and the seconds of counting itself.

    ``known`` has the own CPU seconds of functions of the profiler's, by name.
    """
    own: dict[Any, float] = defaultdict(float)
    calls: dict[Any, dict[Any, float]] = defaultdict(dict)
    total: dict[Any, float] = defaultdict(float)
    counting = 0.0
    called: set[Any] = set()
    order = []
    for entry in entries:
        order.append(entry.code)
        taken = entry.callcount * inside
        for call in entry.calls or ():
            taken += call.callcount * outside
            if call.code is entry.code:
                continue
            calls[entry.code][call.code] = call.totaltime
            total[call.code] += call.totaltime
            called.add(call.code)
        own[entry.code] += known.get(frame_of(entry.code)[0], max(entry.inlinetime - taken, 0.0))
        counting += min(taken, entry.inlinetime)
    stacks: list[tuple[list[Frame], float]] = []

    def follow(code: Any, path: list[Any], share: float) -> None:
        path = [*path, code]
        if own[code] * share >= _LEAST:
            stacks.append(([frame_of(one) for one in path], own[code] * share))
        if len(path) == _DEEPEST:
            return
        for callee, seconds in calls[code].items():
            if _is_import(callee):
                # Imports call each other; what the first of them took is all of it.
                stacks.append(([frame_of(one) for one in (*path, callee)], seconds * share))
            elif callee not in path and total[callee] > 0 and seconds * share >= _LEAST:
                follow(callee, path, share * seconds / total[callee])

    for code in order:
        if code not in called:
            follow(code, [], 1.0)
    return stacks, counting


def _is_import(code: Any) -> bool:
    name, file, _ = frame_of(code)
    return name == "_find_and_load" and file.startswith("<frozen importlib")


def frame_of(code: Any) -> Frame:
    """A code object, or the name that cProfile gives to a compiled function."""
    if isinstance(code, str):
        return code.strip("<>"), "", 0
    # Python 3.10 has no qualified names in its code objects.
    name = getattr(code, "co_qualname", code.co_name)
    return name, code.co_filename, code.co_firstlineno
