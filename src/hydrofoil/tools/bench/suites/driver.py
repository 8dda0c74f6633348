"""Data to and from the driver: what it costs today. Hydrofoil changes nothing of it."""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from hydrofoil.tools.bench.bench import Bench
from hydrofoil.tools.bench.clock import SparkClock
from hydrofoil.tools.bench.figures import Spread, number
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.page.charts import Bars
from hydrofoil.tools.sheet import Sheet

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_SCHEMA = "a long, s string, v double"
_ROWS = 200_000
# These take 10 µs a row, the others 1.
_SLOW = 0.25
_ARROW = "spark.sql.execution.arrow.pyspark.enabled"


def _frame(spark: "SparkSession", rows: int) -> "DataFrame":
    return spark.range(rows).selectExpr("id AS a", "concat('name ', id) AS s", "id * 0.5D AS v")


_CALLS = (
    "createDataFrame(list)",
    "createDataFrame(pandas)",
    "createDataFrame(pyarrow)",
    "collect()",
    "toLocalIterator()",
    "toPandas()",
    "toArrow()",
)


def _create(data: Any, spark: "SparkSession") -> int:
    return spark.createDataFrame(data, _SCHEMA).count()


def _create_any(data: Any, spark: "SparkSession") -> int:
    return spark.createDataFrame(data).count()


def _iterate(spark: "SparkSession", rows: int) -> int:
    return sum(1 for _ in _frame(spark, rows).toLocalIterator())


def _calls(spark: "SparkSession", rows: int) -> dict[str, tuple[int, Callable[[], Any]]]:
    """Each call, with its number of rows; what it sends is made before it is timed."""
    few = max(1, int(rows * _SLOW))
    table = _frame(spark, rows).toArrow()
    pandas = table.to_pandas()
    values = [tuple(row.values()) for row in table.slice(0, few).to_pylist()]
    made: tuple[tuple[int, Callable[[], Any]], ...] = (
        (few, partial(_create, values, spark)),
        (rows, partial(_create_any, pandas, spark)),
        (rows, partial(_create_any, table, spark)),
        (few, lambda: _frame(spark, few).collect()),
        (few, partial(_iterate, spark, few)),
        (rows, lambda: _frame(spark, rows).toPandas()),
        (rows, lambda: _frame(spark, rows).toArrow()),
    )
    return dict(zip(_CALLS, made, strict=True))


def workloads() -> list[str]:
    """What --workload can choose."""
    return list(_CALLS)


def run(bench: Bench) -> Result:
    from hydrofoil.tools.parity.engines import use_conf

    spark = bench.session()
    rows = bench.rows(_ROWS)
    calls = _calls(spark, rows)
    names = bench.chosen("driver", workloads())
    bench.expect(len(names) * (bench.options.repeat + 1))
    clock = SparkClock(spark)
    samples: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
    with use_conf(spark, {_ARROW: "true"}):
        for turn in range(bench.options.repeat + 1):
            for name in names:
                bench.step(f"{name}, run {turn}" if turn else f"{name}, warm-up")
                count, call = calls[name]
                clock.restart()
                start, cpu = time.perf_counter(), time.process_time()
                call()
                seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
                if turn:
                    per = 1e9 / count
                    samples[name].append((seconds * per, clock.elapsed().jvm * per, cpu * per))
    result = Result("driver", "")
    spreads = {
        name: [Spread.of(part) for part in zip(*taken, strict=True)]
        for name, taken in samples.items()
    }
    lines = [
        [
            name,
            f"{calls[name][0]:,}",
            number(wall.median),
            wall.percent(),
            number(jvm.median),
            number(python.median),
        ]
        for name, (wall, jvm, python) in spreads.items()
    ]
    columns = ["call", "rows", "ns/row", "spread", "JVM ns/row", "Python ns/row"]
    result.sheets.append(
        Sheet(
            f"Rows of {_SCHEMA}",
            columns,
            lines,
            f"Wall clock and CPU time of the driver's JVM and Python; medians. {_ARROW}=true; "
            "createDataFrame counts the rows, so that they really arrive.",
        )
    )
    result.charts.append(
        Bars(
            "To and from the driver: wall clock a row",
            names,
            {"ns/row": [spreads[name][0].median for name in names]},
            unit="ns/row",
            log=True,
            spread={"ns/row": [(spreads[n][0].low, spreads[n][0].high) for n in names]},
            style="{:,.0f}",
        )
    )
    for name, (wall, jvm, python) in spreads.items():
        result.records.append(
            {
                "suite": "driver",
                "workload": name,
                "engine": "stock",
                "rows": calls[name][0],
                "wall_s": wall.median * calls[name][0] / 1e9,
                "jvm_cpu_ns_per_unit": jvm.median,
                "python_cpu_ns_per_unit": python.median,
                "runs": samples[name],
            }
        )
    slow = max(spreads, key=lambda name: spreads[name][0].median)
    fast = min(spreads, key=lambda name: spreads[name][0].median)
    result.headline = (
        f"A row costs {number(spreads[fast][0].median)} ns by {fast} and "
        f"{number(spreads[slow][0].median)} ns by {slow}."
    )
    return result
