"""Time one query on one engine, in a session in which engines take turns."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydrofoil.bench.clock import SparkClock

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
    """Runs queries of one local session on the workers of one daemon or another."""

    def __init__(self, spark: "SparkSession") -> None:
        self._conf: Any = spark.sparkContext._jsc.sc().conf()
        self._clock = SparkClock(spark)

    def use(self, daemon: str) -> None:
        """Have the next queries run by this daemon's workers."""
        # Spark looks the daemon up for every query, and keeps one pool of workers for each.
        self._conf.set("spark.python.daemon.module", daemon)

    def time(self, daemon: str, make: "Callable[[int], DataFrame]", rows: int) -> Sample:
        """Time the query over ``rows`` rows, once workers are up; its result is dropped."""
        self.use(daemon)
        _drain(make(min(rows, _TOUCH)))
        query = make(rows)
        self._clock.restart()
        start = time.perf_counter()
        _drain(query)
        wall = time.perf_counter() - start
        cpu = self._clock.elapsed()
        return Sample(wall, cpu.jvm, cpu.python)


def _drain(query: "DataFrame") -> None:
    query.write.format("noop").mode("overwrite").save()
