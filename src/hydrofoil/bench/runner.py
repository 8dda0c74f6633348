"""Run a workload on every engine, in turn, in one session."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydrofoil.bench.clock import SparkClock
from hydrofoil.bench.workloads import ARROW, PICKLED, Engine, Kind, Workload
from hydrofoil.replay.player import Player

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Rows on which results are compared and the functions alone are measured.
_SAMPLE = 200_000
# Rows a batch of Spark's Arrow exchange.
_BATCH = 10_000
# Spark ends workers that were idle for a minute; a query this small brings new ones up, untimed.
_TOUCH = 1_000


class UnequalResultsError(RuntimeError):
    """Two engines computed different results, so their times can't be compared."""


@dataclass(frozen=True)
class Sample:
    """One timed run, in seconds: wall clock, CPU of the JVM, CPU of all Python processes."""

    wall: float
    jvm: float
    python: float


@dataclass(frozen=True)
class EngineResult:
    """All runs of one engine on one workload.

    Attributes
    ----------
    engine : str
    samples : list of Sample
    function_ns : float
        CPU ns/row of the user's function in a bare loop, over values or, for vectorized UDFs,
        over batches.
    """

    engine: str
    rows: int
    samples: list[Sample]
    function_ns: float

    @property
    def wall(self) -> float:
        """Median seconds of wall clock."""
        return statistics.median(sample.wall for sample in self.samples)

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.wall

    @property
    def jvm_ns(self) -> float:
        """Median CPU ns/row of the JVM."""
        return statistics.median(sample.jvm for sample in self.samples) / self.rows * 1e9

    @property
    def python_ns(self) -> float:
        """Median CPU ns/row of the daemon and the workers."""
        return statistics.median(sample.python for sample in self.samples) / self.rows * 1e9

    @property
    def exchange_share(self) -> float:
        """The share of the Python side's CPU time that is not the user's function, 0 to 1."""
        return max(0.0, 1.0 - self.function_ns / self.python_ns) if self.python_ns else 0.0


@dataclass(frozen=True)
class WorkloadResult:
    """All engines on one workload; ``bytes_per_row`` is the column's and its result's in Arrow."""

    workload: str
    bytes_per_row: float
    engines: list[EngineResult]

    def speedup(self, result: EngineResult, over: str) -> float | None:
        """How many times the wall clock of ``result`` the engine ``over`` takes, if it ran."""
        for other in self.engines:
            if other.engine == over:
                return other.wall / result.wall
        return None

    def as_json(self) -> dict[str, Any]:
        """The result as JSON has it; times in ns a row, runs in seconds."""
        return {
            "workload": self.workload,
            "bytes_per_row": self.bytes_per_row,
            "engines": [
                {
                    "engine": result.engine,
                    "rows": result.rows,
                    "rows_per_s": result.rows_per_second,
                    "mb_per_s": result.rows_per_second * self.bytes_per_row / 1e6,
                    "jvm_cpu_ns_per_row": result.jvm_ns,
                    "python_cpu_ns_per_row": result.python_ns,
                    "function_cpu_ns_per_row": result.function_ns,
                    "exchange_share": result.exchange_share,
                    "speedup_over_row_arrow": self.speedup(result, ARROW),
                    "speedup_over_row_pickled": self.speedup(result, PICKLED),
                    "runs": [vars(sample) for sample in result.samples],
                }
                for result in self.engines
            ],
        }


class Runner:
    """Runs workloads in one local session; ``step`` is called with a line before each query."""

    def __init__(self, spark: "SparkSession", step: Callable[[str], None]) -> None:
        self._spark = spark
        self._conf: Any = spark.sparkContext._jsc.sc().conf()
        self._step = step
        self._clock = SparkClock(spark)

    @staticmethod
    def steps(engines: Sequence[Engine], repeat: int) -> int:
        """How often `run` calls ``step``."""
        return len(engines) * (2 + repeat)

    def run(
        self, workload: Workload, engines: Sequence[Engine], rows: int, repeat: int
    ) -> WorkloadResult:
        """Compare the engines' results, warm up, then time ``repeat`` alternating rounds.

        Raises
        ------
        UnequalResultsError
            An engine's result on the first rows is not that of the first engine.
        """
        sample = min(rows, _SAMPLE)
        functions = self._measure_functions(workload, sample)
        size = self._check(workload, engines, sample)
        for engine in engines:
            self._step(f"{workload.name}: warm-up, {engine.name}")
            self._time(workload, engine, max(rows // 4, sample))
        samples: dict[str, list[Sample]] = {engine.name: [] for engine in engines}
        for turn in range(repeat):
            for engine in engines:
                self._step(f"{workload.name}: run {turn + 1} of {repeat}, {engine.name}")
                samples[engine.name].append(self._time(workload, engine, rows))
        results = [
            EngineResult(engine.name, rows, samples[engine.name], functions[engine.kind])
            for engine in engines
        ]
        return WorkloadResult(workload.name, size, results)

    def _use(self, engine: Engine) -> None:
        # Spark looks the daemon up for every query, and keeps one pool of workers for each.
        self._conf.set("spark.python.daemon.module", engine.daemon)

    def _time(self, workload: Workload, engine: Engine, rows: int) -> Sample:
        self._use(engine)
        _drain(workload.query(engine, workload.data(self._spark, _TOUCH)))
        query = workload.query(engine, workload.data(self._spark, rows))
        self._clock.restart()
        start = time.perf_counter()
        _drain(query)
        wall = time.perf_counter() - start
        cpu = self._clock.elapsed()
        return Sample(wall, cpu.jvm, cpu.python)

    def _check(self, workload: Workload, engines: Sequence[Engine], rows: int) -> float:
        """Compare results; return the bytes of a row and its result, as Arrow holds them."""
        data = workload.data(self._spark, rows)
        expected = None
        for engine in engines:
            self._step(f"{workload.name}: result, {engine.name}")
            self._use(engine)
            result = workload.query(engine, data).toArrow().column("r")
            expected = result if expected is None else expected
            if not expected.equals(result):
                raise UnequalResultsError(
                    f"workload {workload.name!r}: {engine.name} and {engines[0].name} differ on "
                    f"the first {rows} rows"
                )
        assert expected is not None
        return float(data.toArrow().nbytes + expected.nbytes) / rows

    def _measure_functions(self, workload: Workload, rows: int) -> dict[Kind, float]:
        """CPU ns/row of each form of the function, called in a bare loop."""
        data = workload.data(self._spark, rows)
        batches = data.toArrow().column("c").combine_chunks()
        slices = [batches.slice(start, _BATCH) for start in range(0, rows, _BATCH)]
        arguments: dict[Kind, list[Any]] = {
            "row": [row[0] for row in data.collect()],
            "pandas": [_as_pandas(batch) for batch in slices],
            "arrow": slices,
        }
        with Player({}, engines=()) as player:
            return {
                kind: statistics.median(
                    player.floor(workload.function(kind), [values]) for _ in range(3)
                )
                / rows
                * 1e9
                for kind, values in arguments.items()
            }


def _as_pandas(batch: Any) -> Any:
    """A column as pandas_udf hands it over: a struct is a DataFrame."""
    import pandas as pd
    import pyarrow as pa

    if not pa.types.is_struct(batch.type):
        return batch.to_pandas()
    names = [field.name for field in batch.type]
    return pd.DataFrame(dict(zip(names, (f.to_pandas() for f in batch.flatten()), strict=True)))


def _drain(query: "DataFrame") -> None:
    query.write.format("noop").mode("overwrite").save()
