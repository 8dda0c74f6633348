"""A task's report, from its worker to the driver by Spark's accumulators.

Spark adds what a task's worker sends at its end once the task has ended well; of a task that failed
or was killed nothing is added. Where a partition is computed again, the driver is told so by the
report's numbers, and replaces what it has.

The worker's update brings its accumulator along, as in `hydrofoil.counts.sending`, and has the
driver import what takes reports: a program's driver need not know of Hydrofoil.
"""

import socket
import time
from collections import deque
from collections.abc import Callable
from operator import itemgetter
from typing import Any

from hydrofoil.counts.sending import CONNECT, EXECUTION_KEY, TAGS_KEY

# Next to that of counts; those of users count up from 0, and PySpark's own down from -1.
ACCUMULATOR = -0x4859_4453

# What a driver keeps where Hydrofoil is not installed: nothing takes it.
_KEPT = 64

# Runs on the driver, which is not to fail: it would take no more updates of any accumulator.
_IMPORT = """
try:
    import hydrofoil.reports.received
except Exception as error:
    import sys
    print(
        f"hydrofoil: the driver can't take what workers report of failed rows and logs: {error}",
        file=sys.stderr, flush=True,
    )
"""


class _Import:
    def __reduce__(self) -> Any:
        return exec, (_IMPORT, {})


class TaskReport:
    """What one run of a worker has to say to the driver; it is made a dict when it is sent.

    Attributes
    ----------
    context : pyspark.TaskContext
    is_connect : bool
        Whether there is no driver that reports arrive at.
    functions : list of callables
        Each returns what is to be said of a function.
    logs : list of tuple
        Records, as `hydrofoil.reports.logs` makes them.
    logs_left : int
        How many records more there were.
    slow : callable or None
        Returns how many rows were slow, and a function that they were in.
    """

    def __init__(self, context: Any) -> None:
        self.context = context
        self.is_connect = CONNECT in (context.getLocalProperty(TAGS_KEY) or "")
        self.functions: list[Callable[[], dict[str, Any]]] = []
        self.logs: list[tuple[Any, ...]] = []
        self.logs_left = 0
        self.slow: Callable[[], tuple[int, str]] | None = None
        self.accumulator: Any = None

    @property
    def partition(self) -> int:
        """The task's."""
        return int(self.context.partitionId())

    def content(self) -> dict[str, Any]:
        """The report in terms of Python's own types."""
        context = self.context
        return {
            "execution": context.getLocalProperty(EXECUTION_KEY),
            "stage": context.stageId(),
            "partition": context.partitionId(),
            "attempt": context.attemptNumber(),
            "task": context.taskAttemptId(),
            "host": socket.gethostname(),
            "time": time.time(),
            "functions": [describe() for describe in self.functions],
            "slow": (0, "") if self.slow is None else self.slow(),
            "logs": self.logs,
            "logs_left": self.logs_left,
        }

    def __reduce__(self) -> Any:
        # Called once, when the task has ended well: stock's worker pickles its accumulators.
        content = self.content()
        if self.is_connect:
            _say_here(content)
        return itemgetter(0), (([content], self.accumulator, _Import()),)


def report() -> TaskReport | None:
    """The report of the task that runs in this process; None where none does."""
    from pyspark import TaskContext
    from pyspark.accumulators import (
        Accumulator,
        AddingAccumulatorParam,
        _accumulatorRegistry,
    )

    context = TaskContext.get()
    if context is None:
        return None
    registry: dict[Any, Any] = _accumulatorRegistry
    accumulator = registry.get(ACCUMULATOR)
    if accumulator is None:
        zero: deque[Any] = deque(maxlen=_KEPT)
        # It registers itself. Stock's worker forgets what is registered when a task begins.
        accumulator = Accumulator(ACCUMULATOR, zero, AddingAccumulatorParam(zero))
        accumulator._value = made = TaskReport(context)
        made.accumulator = accumulator
    known: TaskReport = accumulator._value
    return known


def _say_here(content: dict[str, Any]) -> None:
    """Say in the executor's log what no driver is told."""
    import sys

    for function in content["functions"]:
        if function["errors"]:
            print(
                f"hydrofoil on {content['host']}: {sum(function['errors'].values()):,} rows of "
                f"{function['rows']:,} failed in {function['name']}, partition "
                f"{content['partition']}, stage {content['stage']}",
                file=sys.stderr,
                flush=True,
            )
