"""Two applications in one JVM, each with a model that its workers share; the second is killed.

Prints the processes of the models, a line for each application, once it has ended.
"""

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hydrofoil
from hydrofoil.holders.linux import start_time

CONF = {"spark.ui.enabled": "false"}


def processes() -> Any:
    """Of the slots that run this: their own, the holder's and the keeper's."""
    return lambda: [os.getpid(), os.getppid(), parent_of(os.getppid())]


def parent_of(process: int) -> int:
    text = Path("/proc", str(process), "stat").read_text(encoding="utf-8")
    return int(text.rpartition(")")[2].split()[1])


def found() -> set[int]:
    """Run a query by a model, and return the processes that it is kept and run by."""

    @hydrofoil.batch_udf(load=processes, batch_size=4, share="host", return_type="array<int>")
    def here(model: Any, x: NDArray[np.int64]) -> Any:
        return np.array([model()] * len(x))

    rows = session.range(0, 8, 1, 2).select(here("id")).collect()
    return {process for row in rows for process in row[0]}


def wait_for_end(which: set[int]) -> None:
    until = time.monotonic() + 60
    while any(map(start_time, which)):
        assert time.monotonic() < until, "processes are left"
        time.sleep(0.05)


session = hydrofoil.session("local[2]", conf=CONF)
first = found()
session.stop()
wait_for_end(first)
print(*first, flush=True)

session = hydrofoil.session("local[2]", conf=CONF)
second = found()
assert not first & second
context: Any = session.sparkContext
jvm = int(context._jvm.java.lang.ProcessHandle.current().pid())
os.kill(jvm, signal.SIGKILL)
wait_for_end(second)
print(*second, flush=True)
os._exit(0)
