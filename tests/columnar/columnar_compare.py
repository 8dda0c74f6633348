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
from hydrofoil.tools.parity.harness import normalized

Build = Callable[[SparkSession], DataFrame]

# Operators that run Python functions, Spark's and Hydrofoil's.
SPARKS = re.compile(r"\b(?:ArrowEvalPython|ColumnarArrowEvalPython|MapIn\w+|PythonMapInArrow)\b")
OURS = re.compile(r"\bHydrofoil\w+")

CRASHED = "Python worker exited unexpectedly"


@dataclass(frozen=True)
class Outcome:
    """What a query came to: its schema and rows, or its error's class and essence."""

    schema: str = ""
    rows: tuple[str, ...] = ()
    error: tuple[str, str] | None = None


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
                if expected.error is None and ours is not None:
                    self._check_plan(ours)
        return expected

    def run(self, build: Build, ours: bool, engine: Engine, in_order: bool = True) -> Outcome:
        """Run a query under one set of operators and one worker."""
        settings = {ENABLED_KEY: str(ours).lower()}
        # Or it would give one run what another has made.
        self.spark.catalog.clearCache()
        with use_conf(self.spark, settings), use_engine(self.spark, engine):
            try:
                frame = build(self.spark)
                rows = [repr(row) for row in frame.collect()]
            except Exception as error:
                return Outcome(error=(type(error).__name__, essence(str(error))))
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
    if "== Final Plan ==" in text:
        text = text.partition("== Final Plan ==")[2].partition("== Initial Plan ==")[0]
    return text


def essence(message: str) -> str:
    """The worker's error without its traceback: no stages, no stacks of the JVM's."""
    if CRASHED in message:
        return CRASHED
    lines = re.split(r"\n+\tat |\nDriver stacktrace:", message)[0].splitlines()
    frames = [number for number, line in enumerate(lines) if line.startswith("  ")]
    return normalized("\n".join(lines[frames[-1] + 1 :] if frames else lines).strip())
