"""CPU time of a local Spark, split into the JVM and the Python processes below it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class CpuTimes:
    """CPU seconds, user and system together."""

    jvm: float
    python: float


class SparkClock:
    """Reads the CPU times of a session's JVM and of its daemons and workers."""

    def __init__(self, spark: "SparkSession") -> None:
        jvm: Any = spark.sparkContext._jvm
        self._jvm = psutil.Process(jvm.java.lang.ProcessHandle.current().pid())
        self._start = _seconds(self._jvm)
        self._python = self._python_times()

    def restart(self) -> None:
        """Count from now on."""
        self._start = _seconds(self._jvm)
        self._python = self._python_times()

    def elapsed(self) -> CpuTimes:
        """CPU time since the last `restart`. A worker that has ended since is not counted."""
        python = sum(
            seconds - self._python.get(process, 0.0)
            for process, seconds in self._python_times().items()
        )
        return CpuTimes(_seconds(self._jvm) - self._start, python)

    def _python_times(self) -> dict[psutil.Process, float]:
        # A psutil.Process is equal to another only if the start time is equal too.
        times = {}
        for process in self._jvm.children(recursive=True):
            try:
                times[process] = _seconds(process)
            except psutil.NoSuchProcess:
                continue
        return times


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
