"""Queries under Spark's operators and under Hydrofoil's, in one session.

The answer that counts is the one of Spark's own operators with stock PySpark's worker. Hydrofoil's
operators have to give it with either worker, and leave no memory behind.
"""

import gc
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.parity.engines import HYDROFOIL, WARM_STOCK, Engine, use_conf, use_engine
from hydrofoil.tools.parity.harness import normalized, same_frames
from hydrofoil.tools.parity.probes import describe

Build = Callable[[SparkSession], DataFrame]

# Operators that run Python functions, Spark's and Hydrofoil's.
SPARKS = re.compile(r"\b(?:ArrowEvalPython|ColumnarArrowEvalPython|MapIn\w+|PythonMapInArrow)\b")
OURS = re.compile(r"\bHydrofoil\w+")

CRASHED = "Python worker exited unexpectedly"


@dataclass(frozen=True)
class Outcome:
    """What a query came to: its schema and rows, or its error's class, essence and condition."""

    schema: str = ""
    rows: tuple[str, ...] = ()
    error: tuple[str, str, str | None] | None = None


class Comparison:
    """Runs queries in one session; ``plan`` is the last one's, after it ran."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark
        self.plan = ""

    def same(
        self,
        build: Build,
        *,
        ours: bool | None = True,
        in_order: bool = True,
        conf: Mapping[str, str] | None = None,
        engines: Sequence[Engine] = (WARM_STOCK, HYDROFOIL),
    ) -> Outcome:
        """Compare the outcomes of a query, and return stock's.

        Parameters
        ----------
        ours : bool, optional
            Whether all its functions of the kinds that Hydrofoil has operators for run in them, or
            none does; None does not look.
        in_order : bool
            Whether the rows' order counts.
        conf : mapping, optional
            SQL configurations of all runs.
        engines : sequence of Engine
            The workers that Hydrofoil's operators are run with.
        """
        with use_conf(self.spark, conf or {}):
            expected = self.run(build, False, WARM_STOCK, in_order)
            assert not OURS.search(self.plan), self.plan
            for engine in engines:
                before = self.held()
                got = self.run(build, True, engine, in_order)
                assert got == expected, f"with {engine.name}'s worker"
                assert self.held(before) == before, f"with {engine.name}'s worker"
                if ours is not None:
                    self._check_plan(ours)
        return expected

    def run(self, build: Build, ours: bool, engine: Engine, in_order: bool = True) -> Outcome:
        """Run a query under one set of operators and one worker."""
        settings = {ENABLED_KEY: str(ours).lower()}
        # Or it would give one run what another has made.
        self.spark.catalog.clearCache()
        with use_conf(self.spark, settings), use_engine(self.spark, engine):
            frame = build(self.spark)
            try:
                rows = [describe(row) for row in frame.collect()]
            except Exception as error:
                # Named so since 4.0.
                condition = getattr(error, "getCondition", lambda: None)()
                return Outcome(error=(type(error).__name__, essence(str(error)), condition))
            finally:
                self.plan = final_plan(frame)
            ordered = rows if in_order else sorted(rows)
            return Outcome(frame.schema.json(), tuple(ordered))

    def held(self, wanted: int | None = None) -> int:
        """Bytes that Arrow's allocators in the JVM hold; waits a while for as many as wanted."""
        allocator = self.spark._jvm.org.apache.spark.sql.util.ArrowUtils.rootAllocator()
        if wanted is None:
            return int(allocator.getAllocatedMemory())
        # Tasks that were cancelled end a moment later than their queries.
        return int(settled(allocator.getAllocatedMemory, wanted))

    def _check_plan(self, ours: bool) -> None:
        sparks, own = SPARKS.findall(self.plan), OURS.findall(self.plan)
        assert bool(own) == ours and bool(sparks) != ours, self.plan


def settled(look: Callable[[], Any], wanted: Any, seconds: float = 10) -> Any:
    """Look until what is seen is what is wanted, or time is up; return what was seen last."""
    end = time.monotonic() + seconds
    while (seen := look()) != wanted and time.monotonic() < end:
        gc.collect()
        time.sleep(0.05)
    return seen


def final_plan(frame: DataFrame) -> str:
    """The plan that ran: where Spark adapts plans while they run, the last one."""
    text = str(frame._jdf.queryExecution().executedPlan().toString())
    # Of a query that failed, it is the current one.
    for heading in ("== Final Plan ==", "== Current Plan =="):
        if heading in text:
            text = text.partition(heading)[2].partition("== Initial Plan ==")[0]
    return text


def essence(message: str) -> str:
    """The error without what is the workers' own: no stages, no stacks of theirs or the JVM's."""
    if CRASHED in message:
        return CRASHED
    text = normalized(re.split(r"\n+\tat |\nDriver stacktrace:", message)[0].strip())
    return same_frames(text, text)[0]
