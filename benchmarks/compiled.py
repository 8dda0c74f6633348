"""Plain functions compiled, by a hand and in the worker: ``python -m benchmarks.compiled``.

Over Parquet, in one session, in turn: the expression that a hand would write, the function
compiled, the function on Hydrofoil's worker, and on stock's under Spark's operators. Answers of the
compiled function and of the worker are compared first. Figures are CPU time: of the tasks' threads
in the JVM, and of Python's processes.
"""

import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import hydrofoil
from benchmarks.columnar import TaskClock
from benchmarks.compiled_corpus import CASES, Case
from benchmarks.compiled_corpus.columns import rows as rows_of
from benchmarks.compiled_corpus.columns import schema
from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.bench.clock import SparkClock
from hydrofoil.tools.machine import describe_machine
from hydrofoil.tools.parity.engines import HYDROFOIL, STOCK, use_conf, use_engine

COMPILE_KEY = "spark.hydrofoil.compile.enabled"
# Rows that are drawn; a file has them again and again.
DRAWN = 20_000


@dataclass(frozen=True)
class Variant:
    """Which way a function goes; ``native`` stands for the expression in its place."""

    name: str
    compiled: bool = False
    ours: bool = True
    native: bool = False


VARIANTS = (
    Variant("native", native=True),
    Variant("compiled", compiled=True),
    Variant("worker"),
    Variant("stock", ours=False),
)


class Bench:
    """Runs cases in one session, over files of so many rows."""

    def __init__(self, spark: SparkSession, rows: int, folder: Path) -> None:
        self._spark = spark
        self._rows = rows
        self._folder = folder
        self._clock = SparkClock(spark)
        self._tasks = TaskClock(spark)

    def data(self, case: Case) -> DataFrame:
        path = self._folder / "-".join(case.arguments)
        if not path.exists():
            drawn = self._spark.createDataFrame(
                rows_of(case.arguments, DRAWN), schema(case.arguments)
            )
            times = self._spark.range(0, -(-self._rows // DRAWN), 1, 2)
            times.crossJoin(F.broadcast(drawn)).drop("id").write.parquet(str(path))
        return self._spark.read.parquet(str(path))

    def query(self, case: Case, variant: Variant) -> DataFrame:
        frame = self.data(case)
        columns = [F.col(name) for name in frame.columns]
        if variant.native:
            assert case.native is not None
            return frame.select(case.native(*columns).alias("r"))
        function = F.udf(case.function, case.returns)
        return frame.select(function(*columns).alias("r"))

    def run(self, case: Case, variants: list[Variant], repeat: int) -> dict[str, float]:
        """The median CPU seconds of each variant that there is."""
        known = [v for v in variants if not v.native or case.native is not None]
        samples: dict[str, list[float]] = {v.name: [] for v in known}
        plan = self.with_variant(VARIANTS[1], lambda: _plan(self.query(case, VARIANTS[1])))
        if "CompiledUdf" not in plan:
            return {}
        self._compare(case)
        for turn in range(repeat + 2):
            for variant in known:
                # It takes many times as long as the others: one run is enough to say so.
                if variant.name == "stock" and turn > 2:
                    continue
                seconds = self.with_variant(variant, partial(self._time, case, variant))
                if turn >= 2:
                    samples[variant.name].append(seconds)
        return {name: statistics.median(taken) for name, taken in samples.items()}

    def _compare(self, case: Case) -> None:
        answers = [
            self.with_variant(v, partial(self._answers, case, v))
            for v in (VARIANTS[1], VARIANTS[2])
        ]
        if repr(answers[0]) != repr(answers[1]):
            raise SystemExit(f"{case.name}: the answers differ")

    def _answers(self, case: Case, variant: Variant) -> list[Any]:
        return self.query(case, variant).limit(DRAWN).collect()

    def _time(self, case: Case, variant: Variant) -> float:
        return self.time(self.query(case, variant))

    def time(self, frame: DataFrame) -> float:
        """CPU seconds of a query whose rows go nowhere."""
        self._tasks.restart()
        self._clock.restart()
        frame.write.format("noop").mode("overwrite").save()
        return self._tasks.elapsed() + self._clock.elapsed().python

    def with_variant(self, variant: Variant, action: Callable[[], Any]) -> Any:
        """Do something as a variant has it."""
        settings = {
            COMPILE_KEY: str(variant.compiled).lower(),
            ENABLED_KEY: str(variant.ours).lower(),
        }
        engine = HYDROFOIL if variant.ours else STOCK
        with use_conf(self._spark, settings), use_engine(self._spark, engine):
            return action()


class Tripping:
    """Functions and inputs of which every row trips a guard: what trying costs."""

    CASES = (
        ("id * 4000000000 + 5000000000", "bigint", lambda x: x * x % 1000, "overflow"),
        ("concat('\u00e9', id)", "string", lambda s: s.upper(), "not ASCII"),
        ("id / 7 * 1e-7", "string", lambda x: str(x), "digits of floats"),
    )

    def __init__(self, bench: Bench, spark: SparkSession, rows: int, folder: Path) -> None:
        self._bench = bench
        self._spark = spark
        self._rows = rows
        self._folder = folder

    def run(self, number: int, repeat: int) -> tuple[str, float, float]:
        """What it is, and the median CPU seconds compiled and on the worker."""
        value, returns, function, name = self.CASES[number]
        path = str(self._folder / f"tripping-{number}")
        made = self._spark.range(1, self._rows + 1, 1, 2).selectExpr(f"{value} AS a")
        made.write.mode("overwrite").parquet(path)
        frame = self._spark.read.parquet(path).select(F.udf(function, returns)("a"))
        taken: dict[str, list[float]] = {"compiled": [], "worker": []}
        for turn in range(repeat + 2):
            for variant in VARIANTS[1:3]:
                seconds = self._bench.with_variant(variant, lambda: self._bench.time(frame))
                if turn >= 2:
                    taken[variant.name].append(seconds)
        return name, statistics.median(taken["compiled"]), statistics.median(taken["worker"])


def _plan(frame: DataFrame) -> str:
    return str(frame._jdf.queryExecution().executedPlan().toString())


@click.command()
@click.option("--rows", default=2_000_000, help="Rows of each file.")
@click.option("--repeat", default=3, help="Measured runs of each variant.")
@click.option("--only", default="", help="Cases whose names contain this.")
@click.option("--operations", default=1, help="Only cases of so many operations and more.")
@click.option("--tripping", is_flag=True, help="Only inputs of which every row trips a guard.")
@click.option("--stock/--no-stock", default=True, help="Whether stock's worker runs, too.")
def main(rows: int, repeat: int, only: str, operations: int, tripping: bool, stock: bool) -> None:
    """Print a line for each function, and the medians."""
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.ui.showConsoleProgress", "false")
    builder = builder.config("spark.driver.memory", "2g").config(COMPILE_KEY, "true")
    spark = hydrofoil.configure(builder).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    click.echo(describe_machine())
    click.echo(f"{rows} rows; nanoseconds of CPU a row")
    click.echo(f"{'':24}{'ops':>4}{'native':>9}{'compiled':>9}{'worker':>9}{'stock':>9}")
    measured: list[tuple[Case, dict[str, float]]] = []
    variants = [v for v in VARIANTS if stock or v.name != "stock"]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(spark, rows, Path(folder))
        if tripping:
            for number in range(len(Tripping.CASES)):
                every = Tripping(bench, spark, rows, Path(folder))
                name, compiled, worker = every.run(number, repeat)
                click.echo(f"{name:24} compiled/worker {compiled / worker:.3f}, {worker:.2f} s")
            return
        for case in CASES:
            if only in case.name and case.operations >= operations:
                found = bench.run(case, variants, repeat)
                measured.append((case, found))
                click.echo(_line(case, found, rows))
    spark.stop()
    click.echo(_medians([each for each in measured if each[1]], len(measured)))


def _line(case: Case, found: dict[str, float], rows: int) -> str:
    if not found:
        return f"{case.name:24}{case.operations:4}  not compiled"
    cells = "".join(
        f"{found[v.name] * 1e9 / rows:9.0f}" if v.name in found else f"{'':9}" for v in VARIANTS
    )
    return f"{case.name:24}{case.operations:4}{cells}"


def _medians(measured: list[tuple[Case, dict[str, float]]], cases: int) -> str:
    def median(above: str, below: str, least: int) -> str:
        ratios = [
            found[above] / found[below]
            for case, found in measured
            if above in found and below in found and case.operations >= least
        ]
        if not ratios:
            return f"{above}/{below}: none"
        return (
            f"{above}/{below}, {least} operations and more: {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f}, {len(ratios)} functions)"
        )

    return "\n".join(
        [
            f"{len(measured)} of {cases} compiled",
            median("compiled", "native", 1),
            median("worker", "native", 1),
            median("worker", "compiled", 1),
            median("worker", "compiled", 5),
            median("stock", "compiled", 5),
        ]
    )


if __name__ == "__main__":
    main()
