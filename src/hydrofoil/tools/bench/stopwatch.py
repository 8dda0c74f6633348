"""Time one query on the engine in use, in a session in which engines take turns."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hydrofoil.tools.bench.clock import SparkClock

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Spark ends workers that were idle for a minute; a query this small brings new ones up, untimed.
_TOUCH = 1_000


@dataclass(frozen=True)
class Sample:
    """One timed run, in seconds: wall clock, CPU of the JVM, CPU of all Python processes."""

    wall: float
    jvm: float
    python: float


class Stopwatch:
    """Runs queries of one local session."""

    def __init__(self, spark: "SparkSession") -> None:
        self._clock = SparkClock(spark)

    def time(self, make: "Callable[[int], DataFrame]", rows: int) -> Sample:
        """Time the query over ``rows`` rows, once workers are up; its result is dropped."""
        drain(make(min(rows, _TOUCH)))
        query = make(rows)
        self._clock.restart()
        start = time.perf_counter()
        drain(query)
        wall = time.perf_counter() - start
        cpu = self._clock.elapsed()
        return Sample(wall, cpu.jvm, cpu.python)


def drain(query: "DataFrame") -> None:
    """Run a query to its end and drop the result."""
    query.write.format("noop").mode("overwrite").save()
