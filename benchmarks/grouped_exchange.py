"""What sending groups together saves: ``python -m benchmarks.grouped_exchange``.

Three ways to run the same queries, in one session and in turn: all stock; stock's operators with
Hydrofoil's worker; Hydrofoil's operators and worker. For each the CPU time of the JVM's tasks
(``executorCpuTime``, all stages of the query, so shuffle and sort are in it) and the wall time, as
medians, and all stock's over it. Answers are compared before times count.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyspark
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.settings import jvm_operators
from hydrofoil.tools.cli.written import Written
from hydrofoil.tools.machine import describe_machine
from hydrofoil.tools.parity.engines import HYDROFOIL, STOCK, Engine, use_engine

ENABLED = "spark.hydrofoil.columnar.grouped.enabled"
WAYS: dict[str, tuple[Engine, bool]] = {
    "stock": (STOCK, False),
    "worker": (HYDROFOIL, False),
    "both": (HYDROFOIL, True),
}
Query = Callable[[DataFrame], DataFrame]


def _pandas(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(v=frame["v"] - frame["v"].iloc[0])


def _same(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


def _arrow(table: pa.Table) -> pa.Table:
    return table


def _left(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    return left


def cases() -> dict[str, Query]:
    """The queries, for data of columns k, v and s."""

    @F.pandas_udf("double")  # type: ignore[call-overload, untyped-decorator]
    def mean(v: pd.Series) -> float:
        return float(v.mean())

    made: dict[str, Query] = {
        "applyInPandas": lambda data: data.groupBy("k").applyInPandas(_pandas, data.schema),
        "applyInPandas, no work": lambda data: data.groupBy("k").applyInPandas(_same, data.schema),
        "applyInArrow": lambda data: data.groupBy("k").applyInArrow(_arrow, data.schema),
        "cogroup": lambda data: (
            data.groupBy("k").cogroup(data.groupBy("k")).applyInPandas(_left, data.schema)
        ),
        "pandas_udf aggregate": lambda data: data.groupBy("k").agg(mean("v").alias("m")),
    }
    if pyspark.__version__ >= "4.1":

        @F.arrow_udf("double")  # type: ignore[attr-defined, untyped-decorator]
        def arrow_mean(v: pa.Array) -> float:
            return pc.mean(v).as_py()  # type: ignore[no-any-return]

        made["arrow_udf aggregate"] = lambda data: data.groupBy("k").agg(arrow_mean("v").alias("m"))
    return made


@contextmanager
def way(spark: SparkSession, name: str) -> Iterator[None]:
    """Plan and run queries one of the three ways."""
    engine, ours = WAYS[name]
    spark.conf.set(ENABLED, str(ours).lower())
    with use_engine(spark, engine):
        yield


def stages_from(spark: SparkSession, first: int) -> list[Any]:
    """What Spark's status store says of the stages from a number on."""
    store = spark.sparkContext._jsc.sc().statusStore()
    found: list[Any] = []
    while True:
        try:
            found.append(store.lastStageAttempt(first + len(found)))
        except Exception:
            return found


def measure(spark: SparkSession, frame: DataFrame) -> tuple[float, float]:
    """Seconds of tasks' CPU in the JVM, and of wall time, for all rows of a query."""
    first = len(stages_from(spark, 0))
    start = time.perf_counter()
    frame.write.format("noop").mode("overwrite").save()
    wall = time.perf_counter() - start
    # The store is told of a stage's end a little later than the query's end is.
    spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
    return sum(stage.executorCpuTime() for stage in stages_from(spark, first)) / 1e9, wall


def answers(frame: DataFrame) -> list[str]:
    return sorted(map(str, frame.collect()))


def run_case(
    spark: SparkSession, query: Query, rows: int, per_group: int, runs: int, strings: bool
) -> dict[str, dict[str, float]]:
    """The case's medians by way."""
    columns = [f"id div {per_group} AS k", "id * 0.5D AS v"]
    columns += ["concat('row ', id) AS s"] * strings
    small = spark.range(0, 20 * per_group).selectExpr(*columns)
    expected: list[str] = []
    for name in WAYS:
        with way(spark, name):
            got = answers(query(small))
        expected = expected or got
        if got != expected:
            raise click.ClickException(f"{name} answers otherwise than stock")
    data = spark.range(0, rows, 1, 1).selectExpr(*columns)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
    for turn in range(runs + 1):
        for name in WAYS:
            with way(spark, name):
                taken = measure(spark, query(data))
            if turn:  # The first warms the JVM up, of which whoever begins would have least.
                times[name].append(taken)
    return {
        name: {
            "cpu": statistics.median([cpu for cpu, _ in measured]),
            "wall": statistics.median([wall for _, wall in measured]),
        }
        for name, measured in times.items()
    }


@click.command()
@click.option("--rows", default=100_000, show_default=True)
@click.option("--per-group", default=10, show_default=True)
@click.option("--runs", default=3, show_default=True)
@click.option("--slots", default=1, show_default=True)
@click.option("--case", "chosen", multiple=True, help="Only these cases.")
@click.option("--strings/--no-strings", default=False, show_default=True, help="A text column too.")
@click.option("--json", "report", type=Written(), help="Where to write the figures.")
def main(
    rows: int,
    per_group: int,
    runs: int,
    slots: int,
    chosen: tuple[str, ...],
    strings: bool,
    report: Path | None,
) -> None:
    """Compare the three ways."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if reason := jvm_operators.why_not(pyspark.__version__):
        raise click.ClickException(f"the operators are off: {reason}")
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": str(slots),
        **jvm_operators.additions({}),
    }
    builder = SparkSession.builder.master(f"local[{slots}]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    found: dict[str, Any] = {}
    for name, query in cases().items():
        if chosen and name not in chosen:
            continue
        found[name] = case = run_case(spark, query, rows, per_group, runs, strings)
        stock, worker, both = (case[each] for each in WAYS)
        click.echo(
            f"{name}: JVM CPU {both['cpu']:.2f} s, stock {stock['cpu'] / both['cpu']:.1f} times, "
            f"with the worker {worker['cpu'] / both['cpu']:.1f} times; wall {both['wall']:.2f} s, "
            f"stock {stock['wall'] / both['wall']:.1f} times, "
            f"with the worker {worker['wall'] / both['wall']:.1f} times"
        )
    spark.stop()
    if report:
        asked = {"rows": rows, "per_group": per_group, "runs": runs, "slots": slots}
        written = {"machine": describe_machine(), **asked, "cases": found}
        report.write_text(json.dumps(written, indent=2) + "\n")


if __name__ == "__main__":
    main()
