"""Why a worker died, in one line, of what its daemon knows when it has ended."""

import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path

from hydrofoil.deaths.memory import size
from hydrofoil.deaths.page import IDLE, Place

# By this they are found in logs, and in messages.
MARK = "hydrofoil: worker "

# Spark's own variable: the folder of the files that a JVM reads when a worker has died.
FAULTHANDLER = "PYTHON_FAULTHANDLER_DIR"

# What kills a process for what it does itself.
_FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT)
_FRAME = re.compile(r'^  File "(.*)", line (\d+) in (.*)$', re.MULTILINE)
_FATAL = re.compile(r"^Fatal Python error: (.*)$", re.MULTILINE)
# Python's fault handler shows no more frames.
_MOST_FRAMES = 100


@dataclass(frozen=True)
class End:
    """How a worker has ended.

    Attributes
    ----------
    process : int
    status : int
        As ``os.wait`` has it.
    peak : int
        The most memory that it had, in bytes, with what it shared.
    place : Place
    awaited : bool
        Whether the JVM had not closed its connection.
    memory : str
        Where the kernel has killed it for memory; empty if it has not.
    over : str
        The limit that its daemon has killed it for; empty if it has not.
    fault : str
        What Python's fault handler wrote.
    """

    process: int
    status: int
    peak: int
    place: Place
    awaited: bool = False
    memory: str = ""
    over: str = ""
    fault: str = ""


def verdict(end: End) -> str:
    """The line; empty for an end that is none's fault."""
    why = _why(end)
    if not why:
        return ""
    where = str(end.place)
    if end.place.state == IDLE:
        # A task that has ended without its answer is over for the worker.
        lost = os.WIFEXITED(end.status)
        where = f"last {end.place.where}" if lost else "while it had no task"
    return f"{MARK}{end.process} died: {why}, {where}"


def _why(end: End) -> str:
    if os.WIFEXITED(end.status):
        code = os.WEXITSTATUS(end.status)
        if end.place.state != IDLE:
            return f"code of the task ended it with exit status {code} (os._exit)"
        # Where the JVM wants no more answers, it ends.
        lost = (
            f"it ended with exit status {code}, for its connection to the JVM was closed or failed"
        )
        return lost if end.awaited else ""
    number = os.WTERMSIG(end.status)
    if end.over:
        return end.over
    if number in _FAULTS:
        return _fault(number, end.fault, end.place.libraries)
    return by_signal(number, end.peak, end.memory)


def by_signal(number: int, peak: int, memory: str) -> str:
    """Why a process has ended by this signal.

    Parameters
    ----------
    number : int
    peak : int
        The most memory that it had, in bytes.
    memory : str
        Where the kernel has killed it for memory; empty if it has not.
    """
    reached = f"its memory had reached {size(peak)}"
    if memory:
        return f"killed for memory {memory} ({reached})"
    if number == signal.SIGKILL:
        return (
            f"killed by SIGKILL from outside, not for memory as far as the kernel says ({reached})"
        )
    if number == signal.SIGTERM:
        return f"ended by SIGTERM, by Spark's idle timeout or from outside ({reached})"
    return f"ended by {_named(number)}"


def _fault(number: int, text: str, libraries: tuple[str, str]) -> str:
    why, (library, caller) = _named(number), libraries
    if library:
        why += f" in {library}"
    if caller:
        why += f", called from {caller}"
    fatal = _FATAL.search(text)
    if fatal and fatal[1] not in ("Segmentation fault", "Aborted", "Bus error"):
        why = f"{why}, {fatal[1]}"
    # Of the thread that failed, which comes first; most recent calls come first, too.
    frames = _FRAME.findall(text.partition("Current thread")[2].partition("\nThread ")[0])
    if len(frames) >= _MOST_FRAMES:
        why += f" after {_MOST_FRAMES} calls or more within each other"
    if frames:
        file, line, name = frames[0]
        why += f" at {file}:{line} in {name}"
    return why


def _named(number: int) -> str:
    described = signal.strsignal(number) or "signal"
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = str(number)
    # But "CPU time limit exceeded".
    if described[1:2].islower():
        described = described[0].lower() + described[1:]
    return f"{described} ({name})"


def fault_file(process: int) -> Path | None:
    """The file of a worker that the JVM reads when it has died; None where it reads none."""
    folder = os.environ.get(FAULTHANDLER)
    return Path(folder, str(process)) if folder else None
