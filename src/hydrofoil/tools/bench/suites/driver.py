"""Rows to and from the driver: stock's calls against Hydrofoil's, in turns."""

import datetime
import gc
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import hydrofoil.driver.switch as driver
from hydrofoil.errors import UsageError
from hydrofoil.tools.bench.bench import Bench, in_order
from hydrofoil.tools.bench.clock import SparkClock
from hydrofoil.tools.bench.contest import HYDROFOIL
from hydrofoil.tools.bench.figures import NOISE_NOTE, Factor, Spread, number
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.bench.stopwatch import drain
from hydrofoil.tools.page.charts import Bars
from hydrofoil.tools.parity.engines import STOCK, use_conf, use_engine
from hydrofoil.tools.sheet import Sheet

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession

_ROWS = 300_000
# Runs before those that count, of the same rows, whose number is part of the code that Spark
# generates: the JVM compiles what runs often.
_WARM_UPS = 4
# Each run that counts follows one of the same way that does not: the JVM's collector copies what
# the run before has left.
_UNTIMED = 1
_ARROW = "spark.sql.execution.arrow.pyspark.enabled"
_STOCK, _OURS = "stock", "Hydrofoil"
# The query alone, whose share no way to take rows can save.
_QUERY = "the query alone"

_NOON = datetime.datetime(2024, 5, 6, 12)


def _row(i: int) -> tuple[Any, ...]:
    return i, i * 0.5, f"name {i}"


def _wide_row(i: int) -> tuple[Any, ...]:
    return i, i * 0.5, f"name {i}", (i, "text"), [i, i + 1], _NOON


# Expressions of `id`, and a function that makes such rows of it in Python.
_FRAMES: dict[str, tuple[tuple[str, ...], Callable[[int], tuple[Any, ...]]]] = {
    "long, double, string": (
        ("id AS a", "id * 0.5D AS v", "concat('name ', id) AS s"),
        _row,
    ),
    "long, double, string, struct, array, timestamp": (
        (
            "id AS a",
            "id * 0.5D AS v",
            "concat('name ', id) AS s",
            "named_struct('x', id, 'y', cast(id AS string)) AS st",
            "array(id, id + 1) AS ar",
            "timestamp_seconds(id) AS t",
        ),
        _wide_row,
    ),
}

# Single columns, for the calls of pandas alone: their values are Python objects there.
_COLUMNS: dict[str, tuple[tuple[str, ...], Callable[[int], tuple[Any, ...]]]] = {
    name: ((expression,), _row)
    for name, expression in {
        "strings": "concat('name ', id) AS s",
        "dates": "date_add(date'1990-01-01', cast(id % 20000 AS int)) AS d",
        "decimals": "cast(id * 1.25 AS decimal(18, 2)) AS d",
        "arrays of long": "array(id, id + 1) AS a",
        "arrays of string": "array(cast(id AS string), concat('x', id)) AS a",
    }.items()
}

Calls = dict[str, Callable[[], Any]]

_SOURCE = "a data source of tuples"
_CALLS = (
    "collect()",
    "toLocalIterator()",
    "createDataFrame(tuples, schema)",
    "createDataFrame(dicts)",
    "createDataFrame(pandas)",
    "toPandas()",
    "df.rdd.map(f).count()",
    "df.foreachPartition(f)",
    "rdd.toDF(schema)",
    "createDataFrame(rdd)",
    _SOURCE,
)
# Calls that run the query.
_READ = {"collect()", "toLocalIterator()", "toPandas()", "df.rdd.map(f).count()"}
_READ |= {"df.foreachPartition(f)"}
_OF_PANDAS = {"createDataFrame(pandas)", "toPandas()"}
# Calls that send rows of the driver's.
_SENT = {"createDataFrame(tuples, schema)", "createDataFrame(dicts)"}


def _calls(
    spark: "SparkSession",
    frame: "DataFrame",
    row: Callable[[int], tuple[Any, ...]],
    count: int,
    names: list[str],
) -> Calls:
    """The calls by their names; what they send is made before they are timed, but for RDDs' rows.

    A new data frame's rows are read, too: into the sink that drops them.
    """
    rows = frame.collect() if _SENT & {*names} else []
    tuples = [tuple(row) for row in rows]
    dicts = [dict(zip(frame.columns, row, strict=True)) for row in rows]
    pandas = frame.toPandas() if "createDataFrame(pandas)" in names else None
    rdd = spark.sparkContext.range(count)
    made: tuple[Callable[[], Any], ...] = (
        lambda: frame.collect(),
        lambda: sum(1 for _ in frame.toLocalIterator()),
        lambda: drain(spark.createDataFrame(tuples, frame.schema)),
        lambda: drain(spark.createDataFrame(dicts)),
        lambda: drain(spark.createDataFrame(pandas)),
        lambda: frame.toPandas(),
        # A DataFrame's RDD is always the same object, of the engine that was on at the first call.
        lambda: frame.select("*").rdd.map(lambda row: row[0]).count(),
        lambda: frame.select("*").foreachPartition(_read_all),
        lambda: drain(rdd.map(row).toDF(frame.schema)),
        lambda: drain(spark.createDataFrame(rdd.map(row))),
        _source_of(spark, frame, row, count) if _SOURCE in names else lambda: None,
    )
    return {name: call for name, call in zip(_CALLS, made, strict=True) if name in names}


def _source_of(
    spark: "SparkSession", frame: "DataFrame", row: Callable[[int], tuple[Any, ...]], count: int
) -> Callable[[], Any]:
    from hydrofoil.tools.bench.suites.row_source import NAME, source_of

    columns = ", ".join(f"{f.name} {f.dataType.simpleString()}" for f in frame.schema.fields)
    spark.dataSource.register(source_of(row, columns))
    options = {"rows": str(count), "partitions": str(spark.sparkContext.defaultParallelism)}
    # Planned anew: the engines read it by different operators.
    return lambda: drain(spark.read.format(NAME).options(**options).load())


def _read_all(rows: "Iterator[Row]") -> None:
    for _ in rows:
        pass


def workloads() -> list[str]:
    """What --workload can choose."""
    return list(_CALLS)


def run(bench: Bench) -> Result:
    spark = bench.session()
    rows = bench.rows(_ROWS)
    names = bench.chosen("driver", workloads())
    if not hasattr(spark, "dataSource"):
        # Since Spark 4.0.
        names = [name for name in names if name != _SOURCE]
        if not names:
            raise UsageError(f"Spark {spark.version} has nothing like {_SOURCE}")
    calls = {columns: names for columns in _FRAMES}
    of_pandas = [name for name in names if name in _OF_PANDAS]
    calls |= {columns: of_pandas for columns in _COLUMNS if of_pandas}
    result = Result("driver", "")
    steps = sum(2 * len(each) + 1 for each in calls.values())
    bench.expect(steps * (bench.options.repeat * (1 + _UNTIMED) + _WARM_UPS))
    was_on = driver.is_enabled()
    taken: Measured = {}
    try:
        with use_conf(spark, {_ARROW: "true"}):
            for columns, chosen in calls.items():
                taken = {}
                _measure(bench, columns, rows, chosen, taken)
                _add(result, columns, rows, taken)
                taken = {}
    except KeyboardInterrupt:
        result.is_whole = False
        if len(taken) > 1:
            _add(result, columns, rows, taken)
    finally:
        (driver.enable if was_on else driver.disable)(spark)
    result.headline = _headline(result)
    return result


def _headline(result: Result) -> str:
    factors = [record for record in result.records if record.get("factor") is not None]
    if not factors:
        return "Interrupted before there was a figure."
    least, most = (pick(factors, key=lambda record: record["factor"]) for pick in (min, max))
    return (
        f"Rows to and from the driver take {number(least['factor'])} ({least['workload']}) to "
        f"{number(most['factor'])} ({most['workload']}) times less CPU time than stock's."
    )


Measured = dict[str, dict[str, list[tuple[float, float, float]]]]


def _measure(bench: Bench, columns: str, rows: int, names: list[str], taken: Measured) -> None:
    """Add for each call and engine: seconds of wall clock, the JVM's and Python's CPU, each run's.

    A call is complete before the next one begins, and is told at once.
    """
    spark = bench.session()
    clock = SparkClock(spark)
    expressions, row = (_FRAMES | _COLUMNS)[columns]
    driver.enable(spark)
    calls = _with_query(spark, spark.range(rows).selectExpr(*expressions), row, rows, names)
    # What is there before is not looked at in each collection: of the calls, it would meet some.
    gc.collect()
    gc.freeze()
    for name, call in calls.items():
        ways: dict[str, list[tuple[float, float, float]]]
        ways = {way: [] for way in ([_STOCK] if name == _QUERY else [_STOCK, _OURS])}
        for turn in range(-_WARM_UPS, bench.options.repeat):
            for way in in_order(ways, turn):
                what = "warm-up" if turn < 0 else f"run {turn + 1}"
                with use_engine(spark, HYDROFOIL if way == _OURS else STOCK):
                    (driver.enable if way == _OURS else driver.disable)(spark)
                    for _ in range(1 if turn < 0 else 1 + _UNTIMED):
                        bench.step(f"{columns}: {name}, {way}, {what}")
                        sample = _time(clock, call)
                if turn >= 0:
                    ways[way].append(sample)
        taken[name] = ways
        bench.tell(_line(columns, name, rows, taken))
    gc.unfreeze()


def _with_query(
    spark: "SparkSession",
    frame: "DataFrame",
    row: Callable[[int], tuple[Any, ...]],
    count: int,
    names: list[str],
) -> Calls:
    return {_QUERY: partial(drain, frame), **_calls(spark, frame, row, count, names)}


def _line(columns: str, name: str, rows: int, taken: Measured) -> str:
    """What is known of a call as soon as it is measured."""
    per = 1e9 / rows
    cpu = {
        way: Spread.of([jvm + python for _, jvm, python in runs]).scaled(per)
        for way, runs in taken[name].items()
    }
    shown = ", ".join(f"{way} {number(spread.median)}" for way, spread in cpu.items())
    over = f": {Factor.of(cpu[_OURS], cpu[_STOCK])} times less" if _OURS in cpu else ""
    return f"{columns}: {name}: CPU ns/row {shown}{over}"


def _time(clock: SparkClock, call: Callable[[], Any]) -> tuple[float, float, float]:
    clock.restart()
    start, cpu = time.perf_counter(), time.process_time()
    call()
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    spark = clock.elapsed()
    return seconds, spark.jvm, spark.python + cpu


def _add(result: Result, columns: str, rows: int, measured: Measured) -> None:
    per = 1e9 / rows
    lines, factors = [], {}
    query = Spread.of([jvm + python for _, jvm, python in measured[_QUERY][_STOCK]]).scaled(per)
    for name, ways in measured.items():
        cpu = {
            way: Spread.of([jvm + python for _, jvm, python in taken]).scaled(per)
            for way, taken in ways.items()
        }
        parts = {
            way: [Spread.of(part).scaled(per).median for part in zip(*taken, strict=True)]
            for way, taken in ways.items()
        }
        factor = Factor.of(cpu[_OURS], cpu[_STOCK]) if _OURS in cpu else None
        if factor is not None:
            factors[name] = factor
        for way, spread in cpu.items():
            wall, jvm, python = parts[way]
            ours = factor is not None and way == _OURS
            over = str(factor) if ours else ""
            rows_alone = None
            # What took no longer than the query says nothing of its rows.
            if ours and name in _READ and min(each.median for each in cpu.values()) > query.median:
                rows_alone = (cpu[_STOCK].median - query.median) / (spread.median - query.median)
            lines.append(
                [name, way, *map(number, (spread.median,)), spread.percent(), number(jvm),
                 number(python), number(wall), over, number(rows_alone) if rows_alone else ""]
            )  # fmt: skip
            result.records.append(
                {
                    "suite": "driver",
                    "workload": f"{name} of {columns}",
                    "engine": way,
                    "rows": rows,
                    "wall_s": wall / per,
                    "jvm_cpu_ns_per_unit": jvm,
                    "python_cpu_ns_per_unit": python,
                    "factor": factor.value if factor is not None and ours else None,
                    "factor_of_the_rows_alone": rows_alone,
                    "runs": ways[way],
                }
            )
    result.sheets.append(
        Sheet(
            f"{rows:,} rows of {columns}",
            [
                *("call", "way", "CPU ns/row", "spread", "JVM", "Python", "wall", "times"),
                "rows alone",
            ],
            lines,
            "CPU time of the driver, its JVM and the workers together, the query's own share "
            "included, but for the last column, of medians less the query's; medians. "
            f"{_ARROW}=true. {NOISE_NOTE}",
        )
    )
    result.charts.append(
        Bars(
            f"CPU time of stock over Hydrofoil's: {columns}",
            list(factors),
            {"times": [factor.value for factor in factors.values()]},
            unit="times",
            style="{:.1f}",
        )
    )
