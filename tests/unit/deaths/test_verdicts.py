"""What is said of processes that have really ended so."""

import faulthandler
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hydrofoil.deaths import page
from hydrofoil.deaths.verdict import MARK, End, verdict


def ended(act: Callable[[], Any], fault: Path | None = None) -> str:
    """The verdict on a process that was at row 12 of its second batch of 10 when it acted."""
    shared = page.shared()
    process = os.fork()
    if process == 0:
        # The test's own, on stderr.
        faulthandler.disable()
        if fault is not None:
            faulthandler.enable(fault.open("w"))
        page.adopt(shared)
        assert page.mine() is shared
        # A worker's first task, and a later one, before which all is set up again.
        shared.begin_task()
        shared.begin_functions(("g",), 0)
        shared.begin_functions(("f (x.py:1)", "g (x.py:2)"), 3)
        for field, value in (
            (page.ITEM, 1),
            (page.BEFORE, 10),
            (page.ROWS, 10),
            (page.ROW, 2),
            (page.FUNCTION, 1),
        ):
            shared.fields[field] = value
        act()
        os._exit(0)
    _, status, usage = os.wait4(process, 0)
    text = fault.read_text() if fault is not None else ""
    end = End(process, status, usage.ru_maxrss * 1024, shared.place(), fault=text)
    said = verdict(end)
    assert said.startswith(f"{MARK}{process} died: ")
    return said.partition(" died: ")[2]


WHERE = ", in g (x.py:2), partition 3, near row 12"


def test_exit() -> None:
    why = "code of the task ended it with exit status 3 (os._exit)"
    assert ended(lambda: os._exit(3)) == why + WHERE


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (
            signal.SIGKILL,
            "killed by SIGKILL from outside, not for memory",
        ),
        (signal.SIGTERM, "ended by SIGTERM, by Spark's idle timeout or from outside"),
        (signal.SIGXCPU, "ended by CPU time limit exceeded (SIGXCPU)"),
    ],
)
def test_signals(number: signal.Signals, why: str) -> None:
    assert ended(lambda: os.kill(os.getpid(), number)).startswith(why)


def crash() -> None:
    import ctypes

    ctypes.string_at(0)


def test_a_fault_and_where(tmp_path: Path) -> None:
    said = ended(crash, tmp_path / "log")
    # It reads a text's length at 0, in C's own library.
    assert re.match(r"segmentation fault \(SIGSEGV\) in libc\S*, called from _ctypes\S* at ", said)
    assert said.endswith(f" in string_at{WHERE}")


def test_a_fault_without_a_stack() -> None:
    assert ended(os.abort) == "aborted (SIGABRT)" + WHERE


def test_ends_that_are_nobodys_fault() -> None:
    idle = page.shared()
    assert verdict(End(1, 0, 0, idle.place())) == ""
    # A worker that can't write to a JVM that wants no more.
    assert verdict(End(1, 1 << 8, 0, idle.place())) == ""
    killed = verdict(End(1, signal.SIGKILL, 0, idle.place()))
    assert killed.endswith(", while it had no task")
