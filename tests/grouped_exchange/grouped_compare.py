"""Grouped functions under Spark's operators and stock's worker, and under Hydrofoil's.

Hydrofoil's operators are run with Hydrofoil's worker, and with stock's in Hydrofoil's daemon, which
is told to keep out of the way: it has to read what the operators send all the same.
"""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.parity.engines import (
    HYDROFOIL,
    WARM_STOCK,
    use_conf,
    use_engine,
    use_environment,
)
from hydrofoil.tools.parity.harness import Outcome, Raised, Rows, difference, outcome_of

Build = Callable[[SparkSession], DataFrame]

GROUPED_KEY = "spark.hydrofoil.columnar.grouped.enabled"
OURS = re.compile(r"Hydrofoil(Grouped|Cogrouped)\w+")


class GroupedComparison:
    """Compares queries in one session; ``plan`` is the last one's."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark
        self.plan = ""

    def same(self, build: Build, *, ours: bool = True, off: bool = False, **conf: Any) -> Outcome:
        """Require one outcome of all, and return stock's.

        Parameters
        ----------
        ours : bool
            Whether the query runs in Hydrofoil's operators, if they are on.
        off : bool
            Compare stock's worker in Hydrofoil's daemon too.
        conf : str
            SQL configurations, with ``__`` for their dots.
        """
        settings = {key.replace("__", "."): str(value) for key, value in conf.items()}
        with use_conf(self.spark, settings):
            with use_conf(self.spark, {ENABLED_KEY: "false"}), use_engine(self.spark, WARM_STOCK):
                expected = self._outcome(build)
                assert not OURS.search(self.plan), self.plan
            for environment in [{}, {"HYDROFOIL": "off"}][: 1 + off]:
                before = self.held()
                actual = self.under_ours(build, environment)
                report = difference(expected, actual)
                assert report is None, f"{environment}: {report}"
                # Spark's own operators keep memory on some lines.
                assert not ours or self._held_again(before) <= before
                assert bool(OURS.search(self.plan)) == ours, self.plan
        return expected

    def same_rows(self, build: Build, **options: Any) -> Rows:
        """As `same`, for a query that has to succeed."""
        outcome = self.same(build, **options)
        assert isinstance(outcome, Rows), f"stock raised:\n{outcome.message}"
        return outcome

    def same_error(self, build: Build, **options: Any) -> Raised:
        """As `same`, for a query that has to fail."""
        outcome = self.same(build, **options)
        assert isinstance(outcome, Raised), f"stock raised nothing but gave {outcome}"
        return outcome

    def under_ours(self, build: Build, environment: Mapping[str, str] | None = None) -> Outcome:
        """The outcome under Hydrofoil's operators."""
        with (
            use_conf(self.spark, {ENABLED_KEY: "true", GROUPED_KEY: "true"}),
            use_engine(self.spark, HYDROFOIL),
            use_environment(self.spark, environment or {}),
        ):
            return self._outcome(build)

    def _outcome(self, build: Build) -> Outcome:
        made: list[DataFrame] = []

        def keep(spark: SparkSession) -> DataFrame:
            made.append(build(spark))
            return made[-1]

        outcome = outcome_of(self.spark, keep)
        self.plan = str(made[-1]._jdf.queryExecution().executedPlan().toString()) if made else ""
        return outcome

    def held(self) -> int:
        """Bytes that Arrow's allocators in the JVM hold."""
        allocator = self.spark._jvm.org.apache.spark.sql.util.ArrowUtils.rootAllocator()
        return int(allocator.getAllocatedMemory())

    def _held_again(self, wanted: int) -> int:
        # Tasks beside one that failed end a moment later than the query.
        end = time.monotonic() + 10
        while (held := self.held()) > wanted and time.monotonic() < end:
            time.sleep(0.05)
        return held
