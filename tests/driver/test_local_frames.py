"""Data frames of pandas and of Arrow whose rows the JVM has as record batches: all is as with rows.

Batches end elsewhere than partitions, and are cut there at rows that are no multiples of anything.
"""

import datetime
import decimal
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark import TaskContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf
from pyspark.sql.functions import pandas_udf
from pyspark.sql.types import LongType, StructType
from pyspark.sql.window import Window

import hydrofoil
from driver.conftest import Compare
from driver.exactly import exactly
from driver.forms import Point, PointType
from hydrofoil.driver import paths
from hydrofoil.settings import jvm_operators
from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.settings.user_conf import spark_version
from hydrofoil.spark.versions import installed_version
from hydrofoil.tools.parity.engines import use_conf

# See tests/conftest.py.
ONE_IN = 2

VERSION = installed_version()
assert VERSION is not None
HAS_OPERATORS = jvm_operators.why_not(spark_version()) is None
takes_tables = pytest.mark.skipif(not VERSION.frames_of_arrow, reason="PySpark takes no tables")
has_operators = pytest.mark.skipif(not HAS_OPERATORS, reason="the jar has no operators for it")

ROWS = 10_500
CONF = {
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.pyspark.fallback.enabled": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "4000",
    "spark.sql.leafNodeDefaultParallelism": "5",
    "spark.sql.session.timeZone": "America/New_York",
    "spark.sql.adaptive.enabled": "true",
}


@pytest.fixture(autouse=True)
def conf(spark: SparkSession) -> Iterator[None]:
    with use_conf(spark, CONF):
        yield
    spark.catalog.clearCache()


def some(i: int, value: Any) -> Any:
    return None if i % 11 == 5 else value


def place(_: int) -> int:
    context = TaskContext.get()
    assert context is not None
    return context.partitionId()


def size(values: pd.Series) -> pd.Series:
    return pd.Series([len(values)] * len(values))


def sizes(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for each in frames:
        yield pd.DataFrame({"n": [len(each)]})


NOON = datetime.datetime(2024, 3, 10, 1, 30)
# Types, and values by the numbers of rows.
FLAT: dict[str, Callable[[int], Any]] = {
    "boolean": lambda i: i % 3 == 0,
    "tinyint": lambda i: i % 256 - 128,
    "bigint": lambda i: i * 10**14,
    "double": lambda i: float("inf") if i % 7 == 0 else i / 3,
    "string": lambda i: "é" * (i % 5),
    "binary": lambda i: bytes([i % 256]) * (i % 20),
    "date": lambda i: datetime.date(1900, 1, 1) + datetime.timedelta(i * 7),
    "timestamp": lambda i: NOON + datetime.timedelta(minutes=i),
    "timestamp_ntz": lambda i: NOON + datetime.timedelta(minutes=i),
    "interval day to second": lambda i: datetime.timedelta(seconds=i),
    "decimal(18, 2)": lambda i: decimal.Decimal(i) / 4,
    "decimal(38, 3)": lambda i: decimal.Decimal(10**30 + i),
    "void": lambda _: None,
}
NESTED: dict[str, Callable[[int], Any]] = {
    "array<string>": lambda i: [some(i + k, f"{k}") for k in range(i % 4)],
    "array<array<boolean>>": lambda i: [[i % 2 == 0] * k for k in range(i % 3)],
    "struct<a:int,b:string>": lambda i: {"a": some(i + 1, i), "b": f"b{i}"},
    "map<string,int>": lambda i: {f"k{k}": some(i + k, k) for k in range(i % 3)},
    "array<struct<a:date>>": lambda i: [{"a": NOON.date()}] * (i % 3),
}


def frame(
    spark: SparkSession, kinds: dict[str, Callable[[int], Any]], rows: int = ROWS
) -> DataFrame:
    """A frame of pandas with the number of each row, and a column of each type."""
    data: dict[str, Any] = {"i": np.arange(rows)}
    for n, value in enumerate(kinds.values()):
        data[f"c{n}"] = pd.Series([some(i + n, value(i)) for i in range(rows)], dtype=object)
    types = ["i bigint", *(f"c{n} {kind}" for n, kind in enumerate(kinds))]
    return spark.createDataFrame(pd.DataFrame(data), ", ".join(types))


def few(rows: list[Any]) -> Any:
    """How many rows there are, and those around where batches and partitions end."""
    return len(rows), [row for k in range(0, len(rows), 100) for row in rows[k : k + 3]]


def is_of_batches(df: DataFrame) -> bool:
    rows = df._jdf.queryExecution().analyzed().data()
    return str(rows.getClass().getSimpleName()) == "LocalRows"


@takes_tables
def test_one_partition_where_spark_relies_on_it(spark: SparkSession, compare: Compare) -> None:
    rule = "spark.sql.optimizer.singleTaskExecution"
    kinds = ("enabled", "aggregation", "sort", "window", "limitOffset", "expand")
    one_task = {f"{rule}.{kind}": "true" for kind in kinds}
    one_task[f"{rule}.localTableScan.threshold"] = str(2 * ROWS)

    def call() -> Any:
        df = spark.createDataFrame(pa.table({"i": np.arange(ROWS), "k": np.arange(ROWS) % 3}))
        return df.groupBy("k").agg(sf.sum("i")).orderBy("k").collect()

    with use_conf(spark, one_task):
        compare(call)


@pytest.mark.parametrize("kinds", [FLAT, NESTED], ids=["flat", "nested"])
def test_values(
    spark: SparkSession, compare: Compare, kinds: dict[str, Callable[[int], Any]]
) -> None:
    def call() -> Any:
        df = frame(spark, kinds)
        # By record batches; by rows that tasks get; by rows of the driver's.
        placed = df.select("*", sf.udf(place, "int")("i"), sf.spark_partition_id())
        return (
            df.schema.json(),
            few(placed.collect()),
            few(df.select("*").collect()),
            few(df.where("i % 2 = 0").collect()),
            df.tail(3),
        )

    compare(call, fast=None)


QUERIES: dict[str, Callable[[DataFrame], DataFrame]] = {
    "groups": lambda df: df.groupBy(df.i % 7).agg(sf.count("s"), sf.max("a"), sf.sum("d")),
    "all of them": lambda df: df.distinct(),
    "a merged join": lambda df: df.hint("merge").join(df.select("i", sf.col("s").alias("t")), "i"),
    "a broadcast join": lambda df: df.join(sf.broadcast(df.select("i", df.s.alias("t"))), "i"),
    "part of them": lambda df: df.limit(10_321).select("*", sf.udf(place, "int")("i")),
    "a sample": lambda df: df.sample(fraction=0.1, seed=3),
    "a union": lambda df: df.union(df.select("*")).select("s", sf.udf(place, "int")("i")),
    "a window": lambda df: df.select(
        "i", sf.row_number().over(Window.partitionBy("s").orderBy("i"))
    ),
    "new partitions": lambda df: df.repartition(3, "s").select("*", sf.spark_partition_id()),
    "fewer partitions": lambda df: df.coalesce(2).select("*", sf.udf(place, "int")("i")),
    "numbers": lambda df: df.select("*", sf.monotonically_increasing_id(), sf.rand(5)),
    "elements": lambda df: df.select("i", sf.explode("a")),
    "a function of the frame": lambda df: df.mapInPandas(lambda frames: frames, df.schema),
    "batches": lambda df: df.select("i", pandas_udf(size, "int")("s")),
    "batches of frames": lambda df: df.mapInPandas(sizes, "n int"),
    "none": lambda df: df.where("i < 0"),
}


def narrow(spark: SparkSession, first: int = 0) -> DataFrame:
    def table(i: int) -> tuple[Any, ...]:
        return i, some(i, f"s{i % 50}"), decimal.Decimal(i) / 8, [str(i % 3), None]

    pdf = pd.DataFrame([table(i) for i in range(first, ROWS + first)], columns=["i", "s", "d", "a"])
    return spark.createDataFrame(pdf, "i bigint, s string, d decimal(10, 3), a array<string>")


@pytest.fixture(scope="module")
def both(spark: SparkSession) -> tuple[DataFrame, DataFrame]:
    """The same frame by Spark's rows, and by ours."""
    with use_conf(spark, CONF):
        stock = narrow(spark)
        with use_conf(spark, {ENABLED_KEY: "true"}):
            hydrofoil.enable(spark)
            try:
                ours = narrow(spark)
            finally:
                hydrofoil.disable(spark)
    return stock, ours


@pytest.mark.parametrize("name", QUERIES)
def test_queries(spark: SparkSession, both: tuple[DataFrame, DataFrame], name: str) -> None:
    stock, ours = both
    expected = QUERIES[name](stock).collect()
    with use_conf(spark, {ENABLED_KEY: "true"}):
        got = QUERIES[name](ours).collect()
    assert sorted(map(repr, got)) == sorted(map(repr, expected))


@has_operators
def test_tasks_get_the_batches(spark: SparkSession, both: tuple[DataFrame, DataFrame]) -> None:
    stock, ours = both
    assert (is_of_batches(stock), is_of_batches(ours)) == (False, True)
    with use_conf(spark, {ENABLED_KEY: "true", "spark.sql.adaptive.enabled": "false"}):
        plan = ours.repartition(2)._jdf.queryExecution().executedPlan()
        lines = plan.toString().splitlines()
    assert lines[-2].endswith("BatchesToRows"), lines
    assert "HydrofoilLocalTableScan [i#" in lines[-1], lines


def seen(df: DataFrame) -> Any:
    """What the driver knows of a frame without a job."""
    query = df._jdf.queryExecution()
    plans = f"{query.analyzed()}{query.optimizedPlan()}{query.executedPlan()}"
    return (
        re.sub(r"#\d+L?", "#", plans),
        str(query.optimizedPlan().stats()),
        df.isLocal(),
        df.isEmpty(),
        df.semanticHash(),
        df.take(2),
        df.tail(2),
        df.first(),
        df._jdf.showString(3, 20, False),
    )


def test_what_the_driver_knows(spark: SparkSession, both: tuple[DataFrame, DataFrame]) -> None:
    context = spark.sparkContext
    stock, ours = both
    expected = seen(stock.select("*"))
    context.setJobGroup("local frames", "")
    try:
        with use_conf(spark, {ENABLED_KEY: "true"}):
            assert exactly(seen(ours.select("*"))) == exactly(expected)
        assert list(context.statusTracker().getJobIdsForGroup("local frames")) == []
    finally:
        context.setLocalProperty("spark.jobGroup.id", None)  # type: ignore[arg-type]
    assert ours.sameSemantics(stock) and stock.sameSemantics(ours)


def test_equal_frames_are_cached_once(
    spark: SparkSession, both: tuple[DataFrame, DataFrame]
) -> None:
    stock, ours = both
    with use_conf(spark, {ENABLED_KEY: "true"}):
        hydrofoil.enable(spark)
        try:
            again, other = narrow(spark), narrow(spark, 1)
        finally:
            hydrofoil.disable(spark)
        ours.select("*").cache()
        assert exactly(few(again.collect())) == exactly(few(stock.collect()))
        plans = [
            df.select("*")._jdf.queryExecution().withCachedData().toString()
            for df in (again, stock, other)
        ]
    assert ["InMemoryRelation" in plan for plan in plans] == [True, True, False]


def test_written(spark: SparkSession, both: tuple[DataFrame, DataFrame], tmp_path: Path) -> None:
    stock, ours = both
    with use_conf(spark, {ENABLED_KEY: "true"}):
        ours.write.parquet(str(tmp_path / "ours"))
    stock.write.parquet(str(tmp_path / "stock"))

    def read(name: str) -> Any:
        files = sorted((tmp_path / name).glob("*.parquet"))
        return [pq.read_table(file).to_pylist() for file in files]

    assert len(read("ours")) == 5
    assert read("ours") == read("stock")


def test_nothing_is_left(spark: SparkSession, both: tuple[DataFrame, DataFrame]) -> None:
    jvm: Any = spark._jvm
    allocator = jvm.org.apache.spark.sql.util.ArrowUtils.rootAllocator()
    before = allocator.getAllocatedMemory()
    with use_conf(spark, {ENABLED_KEY: "true"}):
        df = both[1].select("*")
        df.write.format("noop").mode("overwrite").save()
        df.repartition(2).limit(3).collect()
        df.where("i % 2 = 0").collect()
    # Tasks of other tests may have ended since.
    assert allocator.getAllocatedMemory() <= before


def table(rows: int = ROWS) -> pa.Table:
    """An Arrow table in chunks, with types that Spark has another of."""
    words = pa.array([some(i, f"w{i % 9}") for i in range(rows)])
    columns = {
        "word": words.dictionary_encode(),
        "large": words.cast(pa.large_string()),
        "view": pa.array([some(i, [f"{i}"] * (i % 3)) for i in range(rows)]),
        "time": pa.array([NOON] * rows, pa.timestamp("ns", "Europe/Berlin")),
        "small": pa.array(range(rows), pa.int16()),
        "struct": pa.array([{"x": i, "y": some(i, "y")} for i in range(rows)]),
    }
    whole = pa.table(columns)
    return pa.concat_tables([whole.slice(7, 100), whole, whole.slice(rows - 3)])


TABLES: dict[str, Callable[[SparkSession], DataFrame]] = {
    "chunks": lambda spark: spark.createDataFrame(table()),
    "one name": lambda spark: spark.createDataFrame(
        pa.table([pa.array(range(ROWS)), pa.array(["x"] * ROWS)], names=["a", "a"])
    ),
    "few rows": lambda spark: spark.createDataFrame(table(9_000)),
    "no rows": lambda spark: spark.createDataFrame(table().slice(0, 0)),
    "no columns": lambda spark: spark.createDataFrame(table().select([])),
}


@takes_tables
@pytest.mark.parametrize("name", TABLES)
def test_tables(spark: SparkSession, compare: Compare, name: str) -> None:
    def call() -> Any:
        df = TABLES[name](spark)
        columns = [f"c{n}" for n in range(len(df.columns))]
        placed = df.toDF(*columns).repartition(1)
        return df.schema.json(), df.count(), few(df.collect()), few(placed.collect())

    compare(call, fast=None)


@takes_tables
def test_decimals_of_too_many_digits(spark: SparkSession, compare: Compare) -> None:
    """Arrow does not check them, and Spark does at once."""
    values = np.array([[i, 0] for i in range(ROWS)], dtype=np.int64)
    values[5000] = 10**5, 0
    buffers = [None, pa.py_buffer(values.tobytes())]
    table = pa.table({"d": pa.Array.from_buffers(pa.decimal128(5, 2), ROWS, buffers)})
    _, message = compare(lambda: spark.createDataFrame(table).columns, fast=None)
    assert "1000.00 cannot be represented as Decimal(5, 2)" in message


def points(spark: SparkSession) -> DataFrame:
    pdf = pd.DataFrame({"i": np.arange(ROWS), "p": [Point(1.0, k / 3) for k in range(ROWS)]})
    return spark.createDataFrame(pdf, StructType().add("i", LongType()).add("p", PointType()))


def numbers(spark: SparkSession, schema: str, null: bool = False) -> DataFrame:
    values = pd.Series([None if null and i == 5000 else i for i in range(ROWS)], dtype="Int64")
    return spark.createDataFrame(pd.DataFrame({"i": values}), schema)


OTHERS: dict[str, tuple[dict[str, str], Callable[[SparkSession], DataFrame]]] = {
    "users' types": ({}, points),
    "not null": ({}, lambda spark: numbers(spark, "i bigint not null")),
    "a null where none may be": ({}, lambda spark: numbers(spark, "i bigint not null", True)),
    "an inferred schema": ({}, lambda spark: spark.createDataFrame(narrow(spark).toPandas())),
    "one batch": ({"spark.sql.execution.arrow.maxRecordsPerBatch": "0"}, narrow),
    "an RDD": ({"spark.sql.execution.arrow.localRelationThreshold": "1000"}, narrow),
    "large offsets": ({"spark.sql.execution.arrow.useLargeVarTypes": "true"}, narrow),
    "no Arrow": ({"spark.sql.execution.arrow.pyspark.enabled": "false"}, narrow),
}


@pytest.mark.parametrize("name", OTHERS)
def test_others(spark: SparkSession, compare: Compare, name: str) -> None:
    settings, make = OTHERS[name]

    def call() -> Any:
        df = make(spark)
        return df.schema.json(), df.sparkSession is spark, few(df.repartition(1).collect())

    with use_conf(spark, settings):
        compare(call, fast=None)


@has_operators
@takes_tables
@pytest.mark.parametrize("threshold, path", [("48MB", paths.FAST), ("1000", paths.STOCK)])
def test_the_path_is_counted(spark: SparkSession, threshold: str, path: str) -> None:
    key = "spark.sql.execution.arrow.localRelationThreshold"
    hydrofoil.enable(spark)
    paths.forget()
    try:
        with use_conf(spark, {ENABLED_KEY: "true", key: threshold}):
            narrow(spark)
    finally:
        hydrofoil.disable(spark)
    [taken] = paths.taken()
    assert (taken["call"], taken["path"]) == ("createDataFrame", path)
    assert taken["rows"] == (ROWS if path == paths.FAST else 0)
