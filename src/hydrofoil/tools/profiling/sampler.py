"""Stacks of a worker while it runs: by py-spy where it may look, else by cProfile inside.

py-spy reads the stacks from outside of the process, native frames included, a hundred times a
second, and stands in no call's way. It needs the right to trace the worker. cProfile counts every
call and lengthens each: its own time is measured and taken off, but small functions seem larger
than they are. A sampler inside of the process would see nothing but the beginnings of functions,
because Python takes signals and switches threads there, so there is none.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from hydrofoil.tools.profiling import watch

# "py-spy", "cprofile", "none", or by default whichever can be had.
CHOICE = "_HYDROFOIL_PROFILE_SAMPLER"
RATE = "_HYDROFOIL_PROFILE_RATE"
DEFAULT_RATE = "100"

PY_SPY = "py-spy"
CPROFILE = "cprofile"
NONE = "none"

# CPU seconds of a loop that stands in the trace, by which its clock is found.
_SYNC = 0.03

_YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
_PR_SET_PTRACER = 0x59616D61


class Sampler(Protocol):
    """Takes stacks of this process.

    Attributes
    ----------
    name : str
        One of ``PY_SPY``, ``CPROFILE`` and ``NONE``.
    why : str
        Why it is not py-spy.
    sync : tuple of float or None
        Between which times, by the monotonic clock, `busy` ran.
    cpu : float
        Seconds of CPU time that it has used in this process after its start.
    """

    name: str
    why: str
    sync: tuple[float, float] | None
    cpu: float

    def around(self, call: Callable[..., Any], mark: str) -> Callable[..., Any]:
        """The call of a data phase, as it has to be made for its stacks to be seen."""


class Outside:
    """Stacks are taken from outside, or not at all."""

    def __init__(self, name: str, why: str = "", sync: tuple[float, float] | None = None) -> None:
        self.name = name
        self.why = why
        self.sync = sync
        self.cpu = 0.0

    def around(self, call: Callable[..., Any], mark: str) -> Callable[..., Any]:
        return call


def start(stem: Path) -> Sampler:
    """Start taking stacks of this process into files that begin with ``stem``."""
    choice = os.environ.get(CHOICE, "")
    if choice == NONE:
        return Outside(NONE)
    refused = "it was not asked for" if choice == CPROFILE else _start_py_spy(stem)
    if not refused:
        from_time = time.monotonic()
        busy()
        return Outside(PY_SPY, sync=(from_time, time.monotonic()))
    if choice == PY_SPY:
        return Outside(NONE, refused)
    from hydrofoil.tools.profiling.calls import Deterministic

    return Deterministic(CPROFILE, beside(stem, "calls"), refused)


def beside(stem: Path, kind: str) -> Path:
    """The file of one kind that belongs to a process."""
    return stem.with_name(f"{stem.name}.{kind}")


def busy() -> None:
    """Use the CPU for a moment, so that stacks of this function are taken."""
    end = time.process_time() + _SYNC
    while time.process_time() < end:
        pass


def _start_py_spy(stem: Path) -> str:
    """Have this process watched until it ends; returns why that can't be."""
    program = _find_py_spy()
    if program is None:
        return f"py-spy is not installed for {sys.executable}"
    _allow_tracing()
    rate = os.environ.get(RATE, DEFAULT_RATE)
    watcher = [sys.executable, "-I", "-S", watch.__file__, str(os.getpid()), str(stem)]
    with beside(stem, "watch").open("wb") as log:
        process = subprocess.Popen(
            [*watcher, rate, program],
            stdin=subprocess.DEVNULL,
            # It outlives the worker: whoever reads what that prints must not wait for it.
            stdout=log,
            stderr=log,
            # The daemon ends its whole process group; what was seen has to be written after that.
            start_new_session=True,
        )
    ready = beside(stem, "ready")
    while not ready.exists():
        if process.poll() is not None:
            return f"what watches the worker has ended (exit code {process.returncode})"
        time.sleep(0.01)
    return ready.read_text(encoding="utf-8")


def _find_py_spy() -> str | None:
    installed = Path(sys.executable).with_name(PY_SPY)
    return str(installed) if installed.exists() else shutil.which(PY_SPY)


def _allow_tracing() -> None:
    """Let any process of this user trace this one where only its parents may (Yama's scope 1)."""
    try:
        scope = _YAMA.read_text(encoding="utf-8").strip()
    except OSError:
        return
    if scope == "1":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)
