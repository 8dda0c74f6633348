"""The per-function table: stacks in, seconds by function out, of several engines side by side."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from hydrofoil.tools.profiling.attribution import EngineProfile
from hydrofoil.tools.profiling.stacks import Frame, Owner, Stack
from hydrofoil.tools.profiling.worker import MARK

# Compiled code that has a name worth a row: of extension modules. The interpreter's, C's and C++'s
# own count for the function that called them.
_EXTENSION = re.compile(r"\.(cpython-|abi3|so$)")
_INTERPRETER = re.compile(
    r"libpython|[/\\]lib(c|m|dl|pthread|stdc\+\+|gcc_s|arrow\w*|parquet)[.-]|[/\\]ld-|^\["
)
# The profiler's own frames; those around the connection stand for it.
_OWN = re.compile(r"[/\\]hydrofoil[/\\]tools[/\\]profiling[/\\]")
_CONNECTION = {"TimedRead.readinto": "read from the JVM", "TimedWrite.write": "write to the JVM"}
_SOCKET, _IMPORTS = "the worker's socket", "modules"
_PLACE = re.compile(r"^.*[/\\](?:site-packages|dist-packages|pyspark\.zip|src|python3\.\d+)[/\\]")
_SUFFIX = re.compile(r"\.(cpython-|abi3).*$")


@dataclass
class FunctionTime:
    """Seconds of CPU time by engine: of the function alone, and with all that it calls."""

    own: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    total: dict[str, float] = field(default_factory=lambda: defaultdict(float))


# Name, place and owner.
Function = tuple[str, str, Owner]


def by_function(profiles: Sequence[EngineProfile]) -> list[tuple[Function, FunctionTime]]:
    """All functions; those with the most time of their own under some engine come first."""
    found: dict[Function, FunctionTime] = defaultdict(FunctionTime)
    for profile in profiles:
        for stack, seconds in profile.stacks.items():
            owner = profile.owner(stack)
            names = [(*named(frame), owner) for frame in shown(stack) if frame.file != MARK]
            if not names:
                continue
            found[names[-1]].own[profile.engine] += seconds
            for name in set(names):
                found[name].total[profile.engine] += seconds
    return sorted(found.items(), key=lambda item: -max(item[1].own.values(), default=0.0))


def shown(stack: Stack) -> Stack:
    """The frames of a stack that people know: what is imported is one frame, without its parts."""
    kept: list[Frame] = []
    for place, frame in enumerate(stack):
        if frame.name == "_find_and_load" and frame.file.startswith("<frozen"):
            kept.append(_import(stack[place:]))
            break
        if frame.name in _CONNECTION and _OWN.search(frame.file):
            kept.append(Frame(_CONNECTION[frame.name], _SOCKET, 0))
            break
        if not _is_hidden(frame):
            kept.append(frame)
    return tuple(kept)


def named(frame: Frame) -> tuple[str, str]:
    """A frame's function and its file, as short as they can be understood."""
    name = frame.name.replace(".<locals>", "")
    return name, _SUFFIX.sub("", short(frame.file))


def short(file: str) -> str:
    """A file's path from its package on; the file alone where it is in none."""
    cut = _PLACE.sub("", file)
    if cut != file:
        return cut.removeprefix("lib-dynload/")
    return re.split(r"[/\\]", file)[-1]


def _is_hidden(frame: Frame) -> bool:
    if frame.file.startswith("<frozen") or _INTERPRETER.search(frame.file):
        return True
    if _OWN.search(frame.file):
        return True
    if frame.file.endswith((".c", ".h", ".cpp", ".cc", ".pyx")):
        return True
    return bool(_EXTENSION.search(frame.file)) and frame.name.startswith(("__Pyx", "__pyx_tp"))


def _import(stack: Stack) -> Frame:
    """One frame for an import, named after the package that is imported."""
    for frame in stack:
        if frame.file.startswith("<frozen") or _INTERPRETER.search(frame.file):
            continue
        package = re.split(r"[/\\.]", short(frame.file))[0]
        return Frame(f"import {package}", _IMPORTS, 0)
    return Frame("import", _IMPORTS, 0)
