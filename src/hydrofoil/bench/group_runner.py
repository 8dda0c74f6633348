"""Run a workload of many small groups on stock's workers and on Hydrofoil's, in turn."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydrofoil.bench.groups import GROUP_ENGINES, GROUP_SIZE, GroupWorkload
from hydrofoil.bench.runner import UnequalResultsError
from hydrofoil.bench.stopwatch import Sample, Stopwatch

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Rows on which results are compared; also the least for a warm-up.
_SAMPLE = 10_000


@dataclass(frozen=True)
class GroupResult:
    """All runs of a workload: for each engine, its samples in order."""

    workload: str
    target: float | None
    rows: int
    samples: dict[str, list[Sample]]

    @property
    def groups(self) -> int:
        return max(self.rows // GROUP_SIZE, 1)

    def wall(self, engine: str) -> float:
        """Median seconds of wall clock."""
        return statistics.median(sample.wall for sample in self.samples[engine])

    def jvm_us(self, engine: str) -> float:
        """Median CPU µs/group of the JVM."""
        return statistics.median(s.jvm for s in self.samples[engine]) / self.groups * 1e6

    def python_us(self, engine: str) -> float:
        """Median CPU µs/group of the daemon and the workers."""
        return statistics.median(s.python for s in self.samples[engine]) / self.groups * 1e6

    @property
    def speedup(self) -> float:
        """How many times Hydrofoil's wall clock stock takes."""
        return self.wall("stock") / self.wall("Hydrofoil")

    def as_json(self) -> dict[str, Any]:
        """The result as JSON has it; runs in seconds."""
        return {
            "workload": self.workload,
            "rows": self.rows,
            "groups": self.groups,
            "speedup": self.speedup,
            "target": self.target,
            "engines": [
                {
                    "engine": engine,
                    "wall_s": self.wall(engine),
                    "jvm_cpu_us_per_group": self.jvm_us(engine),
                    "python_cpu_us_per_group": self.python_us(engine),
                    "runs": [vars(sample) for sample in samples],
                }
                for engine, samples in self.samples.items()
            ],
        }


class GroupRunner:
    """Runs workloads in one local session; ``step`` is called with a line before each query."""

    def __init__(self, spark: "SparkSession", step: Callable[[str], None]) -> None:
        self._spark = spark
        self._step = step
        self._stopwatch = Stopwatch(spark)
        # One task a core: few groups would otherwise meet in one task, and one core run it.
        spark.conf.set("spark.sql.shuffle.partitions", spark.sparkContext.defaultParallelism)
        spark.conf.set("spark.sql.adaptive.coalescePartitions.enabled", "false")

    @staticmethod
    def steps(repeat: int) -> int:
        """How often `run` calls ``step``."""
        return len(GROUP_ENGINES) * (2 + repeat)

    def run(self, workload: GroupWorkload, rows: int, repeat: int) -> GroupResult:
        """Compare the engines' results, warm up, then time ``repeat`` alternating rounds.

        Raises
        ------
        UnequalResultsError
            Hydrofoil's result on the first rows is not stock's.
        """
        self._check(workload, min(rows, _SAMPLE))
        for engine in GROUP_ENGINES:
            self._step(f"{workload.name}: warm-up, {engine}")
            self._time(workload, engine, max(rows // 4, min(rows, _SAMPLE)))
        samples: dict[str, list[Sample]] = {engine: [] for engine in GROUP_ENGINES}
        for turn in range(repeat):
            for engine in GROUP_ENGINES:
                self._step(f"{workload.name}: run {turn + 1} of {repeat}, {engine}")
                samples[engine].append(self._time(workload, engine, rows))
        return GroupResult(workload.name, workload.target, rows, samples)

    def _time(self, workload: GroupWorkload, engine: str, rows: int) -> Sample:
        return self._stopwatch.time(
            GROUP_ENGINES[engine],
            lambda count: workload.query(workload.data(self._spark, count)),
            rows,
        )

    def _check(self, workload: GroupWorkload, rows: int) -> None:
        query = workload.query(workload.data(self._spark, rows))
        expected = None
        for engine, daemon in GROUP_ENGINES.items():
            self._step(f"{workload.name}: result, {engine}")
            self._stopwatch.use(daemon)
            # In the order of its values: a shuffle gives rows in the order of their arrival.
            table = query.toArrow()
            table = table.sort_by([(name, "ascending") for name in table.column_names])
            expected = table if expected is None else expected
            if not expected.equals(table):
                raise UnequalResultsError(
                    f"workload {workload.name!r}: stock and {engine} differ on the first "
                    f"{rows} rows"
                )
