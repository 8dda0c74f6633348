"""`collect` and `toLocalIterator`: the rows of record batches are those of pickles."""

import gc
import os
import time
import weakref
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import udf
from pyspark.sql.types import StructType

import hydrofoil
from driver.columns import COLUMNS, query
from driver.conftest import Compare
from driver.schemas import EXAMPLES, tables
from hydrofoil.tools.parity.engines import use_conf, use_core_conf

# `make parity` runs them all.
ONE_IN = 3

WAYS: dict[str, Callable[[DataFrame], Any]] = {
    "collect": lambda df: df.collect(),
    "toLocalIterator": lambda df: list(df.toLocalIterator()),
    "toLocalIterator, prefetch": lambda df: list(df.toLocalIterator(prefetchPartitions=True)),
}


@pytest.fixture(scope="module", params=["UTC", "America/New_York"])
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """Python's zone, which is what stock's rows are in, whatever the session's is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.mark.parametrize("name", COLUMNS)
def test_types(spark: SparkSession, compare: Compare, zone: str, name: str) -> None:
    df = spark.sql(query(name))
    compare(lambda: df.collect())
    compare(lambda: list(df.toLocalIterator()))


def test_record_batches_that_spark_writes(spark: SparkSession) -> None:
    compare = Compare(spark, writer=False)
    values = [f"array({sql})[0] as `{name}`" for name, sql in COLUMNS.items() if "year" not in name]
    df = spark.range(0, 30, 1, 3).selectExpr("id", *values)
    for way in WAYS.values():
        compare(lambda: way(df))  # noqa: B023  # called at once
    # A DataFrame's RDD is always the same object.
    compare(lambda: df.select("*").rdd.map(str).collect())


@pytest.mark.parametrize("codegen", ["true", "false"])
def test_plans_that_end_in_each_way(spark: SparkSession, compare: Compare, codegen: str) -> None:
    """Generated code, a shuffle, a scan of columns, a cache, the results of a function, a limit."""
    rows = spark.range(0, 3000, 1, 3).selectExpr("id", "concat('row ', id % 7) s", "id % 5 k")
    cached = rows.cache()
    try:
        with use_conf(spark, {"spark.sql.codegen.wholeStage": codegen}):
            for df in (
                rows.selectExpr("id + 1", "s", "array(k)"),
                rows.repartition(2, "id").selectExpr("id"),
                rows.groupBy("s").count().orderBy("s"),
                cached,
                rows.selectExpr("id", "s").mapInArrow(lambda batches: batches, "id long, s string"),
                rows.select("k", udf(lambda k: k * 2, "long")("k")),
                rows.limit(1500),
                rows.where("id < 0"),
                rows.join(rows.selectExpr("id * 2 as id", "k as j"), "id").orderBy("id"),
            ):
                compare(lambda: df.collect(), fast=None)  # noqa: B023  # called at once
                compare(lambda: sorted(df.toLocalIterator()))  # noqa: B023
                compare(lambda: sorted(df.select("*").rdd.map(tuple).collect()))  # noqa: B023
    finally:
        cached.unpersist()


def test_a_map_with_a_null_key(spark: SparkSession, compare: Compare) -> None:
    # Only of such types Spark can keep one.
    rows = [({None: 5, Decimal("1.5"): 1, Decimal("-2"): 2},)]
    for each in ("map<decimal(10,2),int>", "map<decimal(30,2),int>"):
        for schema, data in ((f"m {each}", rows), (f"m array<{each}>", [([rows[0][0]],)])):
            df = spark.createDataFrame(data, schema, verifySchema=False)
            assert "None: 5" in str(compare(lambda: df.collect()))  # noqa: B023  # called at once
    for way in WAYS.values():
        assert "None: 5" in str(compare(lambda: way(df)))  # noqa: B023
    # A DataFrame's RDD is always the same object.
    made = compare(lambda: df.select("*").rdd.map(str).collect())
    assert "None: 5" in str(made)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(table=tables())
def test_any_schema(
    spark: SparkSession, compare: Compare, table: tuple[StructType, list[Any]]
) -> None:
    schema, rows = table
    df = spark.createDataFrame(rows, schema)
    compare(lambda: df.collect(), fast=None)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "sql",
    [
        "select * from range(0)",
        "select id from range(0, 7, 1, 4) where id > 5",
        "select 1 a, 2 a, 3 ``, 'x' as `a b` from range(3)",
        "select sum(id), count(*) from range(10)",
        "select id % 3 k, collect_list(id) v from range(30) group by 1 order by 1",
        "select * from range(25000)",
    ],
)
def test_queries(spark: SparkSession, compare: Compare, way: str, sql: str) -> None:
    df = spark.sql(sql)
    compare(lambda: WAYS[way](df), fast=None)


@pytest.mark.parametrize("way", WAYS)
def test_no_columns(spark: SparkSession, compare: Compare, way: str) -> None:
    compare(lambda: WAYS[way](spark.range(5).select()))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "sql",
    [
        "select named_struct('a', 1, 'a', id) from range(3)",
        "select interval '1-2' year to month from range(2)",
        "select make_interval(1, 2, 3) from range(2)",
    ],
)
def test_what_is_left_to_stock(spark: SparkSession, compare: Compare, way: str, sql: str) -> None:
    df = spark.sql(sql)
    compare(lambda: WAYS[way](df), fast=False)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "sql",
    [
        "select raise_error(concat('no ', id)) from range(0, 3, 1, 1)",
        "select cast('x' as int) from range(1)",
        "select id / 0 from range(0, 2, 1, 1)",
    ],
)
def test_errors_of_queries(spark: SparkSession, compare: Compare, way: str, sql: str) -> None:
    df = spark.sql(sql)
    with use_conf(spark, {"spark.sql.ansi.enabled": "true"}):
        compare(lambda: WAYS[way](df), fast=None)


def test_few_rows(spark: SparkSession, compare: Compare) -> None:
    df = spark.range(100).selectExpr("id", "cast(id as string) s").orderBy("id")
    compare(lambda: (df.take(3), df.head(), df.head(2), df.first(), df.tail(2)), fast=None)
    compare(lambda: df.limit(3).collect(), fast=False)


def test_a_users_type(spark: SparkSession, compare: Compare) -> None:
    from pyspark.ml.linalg import Vectors

    rows = [(1, Vectors.dense([1.0, 2.0])), (2, Vectors.sparse(3, {1: 5.0})), (3, None)]
    df = spark.createDataFrame(rows, ["i", "v"])
    compare(lambda: [(row.i, str(row.v), type(row.v)) for row in df.collect()])


@pytest.mark.parametrize(
    "conf",
    [
        {"spark.sql.execution.arrow.maxRecordsPerBatch": "3"},
        {"spark.sql.execution.arrow.useLargeVarTypes": "true"},
        {"spark.sql.execution.arrow.compression.codec": "zstd"},
        {"spark.sql.execution.pyspark.binaryAsBytes": "false"},
        {"spark.sql.session.timeZone": "Asia/Kolkata"},
    ],
    ids=lambda conf: next(iter(conf)).rpartition(".")[2],
)
def test_settings(spark: SparkSession, compare: Compare, conf: dict[str, str]) -> None:
    df = spark.sql(
        "select id, cast(id as string) s, cast(cast(id as string) as binary) b,"
        " timestamp_seconds(id * 100000) t, array(cast(id as string)) a from range(0, 20, 1, 3)"
    )
    with use_conf(spark, conf):
        for way in WAYS.values():
            compare(lambda: way(df))  # noqa: B023  # called at once


def test_jobs_are_shown_with_the_programs_line(spark: SparkSession) -> None:
    hydrofoil.enable(spark)
    try:
        spark.range(3).collect()
    finally:
        hydrofoil.disable(spark)
    store = spark.sparkContext._jsc.sc().statusStore()
    names = [store.jobsList(None).apply(i).name() for i in range(1)]
    assert names[0].startswith("collect at ") and "test_collecting.py" in names[0]


def left_over(spark: SparkSession) -> tuple[int, int]:
    """Running jobs, and threads of the JVM that serve an iterator."""
    tracker = spark.sparkContext.statusTracker()
    jvm: Any = spark._jvm
    threads = jvm.Thread.getAllStackTraces().keySet().toString()
    return len(tracker.getActiveJobsIds()), threads.count("serve toLocalIterator")


@pytest.mark.parametrize("prefetch", [False, True])
def test_an_iteration_that_ends_early(spark: SparkSession, prefetch: bool) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    before = left_over(spark)
    df = spark.range(0, 100_000, 1, 10)
    with hydrofoil.iterate(df, prefetch=prefetch) as rows:
        assert [next(rows)[0] for _ in range(3)] == [0, 1, 2]
    assert next(rows, None) is None
    rows = hydrofoil.iterate(df, prefetch=prefetch)
    next(rows)
    del rows
    deadline = time.monotonic() + 30
    while left_over(spark) != before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left_over(spark) == before
    # py4j may have opened or closed connections of its own.
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 2


def test_progress(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    told: list[tuple[int, int, int]] = []
    rows = hydrofoil.iterate(
        spark.range(0, 10, 1, 3), progress=lambda *numbers: told.append(numbers)
    )
    assert [row.id for row in rows] == list(range(10))
    assert told == [(3, 1, 3), (6, 2, 3), (10, 3, 3)]
    assert len(list(hydrofoil.iterate(spark.range(0, 10, 1, 2), progress=True))) == 10
    assert capsys.readouterr().err.endswith(
        "\r5 rows, 1 of 2 partitions\r10 rows, 2 of 2 partitions\n"
    )


def test_the_garbage_collector_knows_rows_with_containers_alone(
    spark: SparkSession, compare: Compare
) -> None:
    rows = hydrofoil.collect(
        spark.sql("select id, cast(id as string) s, struct(id x) t from range(3)")
    )
    assert not any(gc.is_tracked(row) or gc.is_tracked(vars(row)) for row in rows)
    for row in hydrofoil.collect(
        spark.sql("select array(id) a, struct(array(id)) t from range(3)")
    ):
        assert gc.is_tracked(row) and gc.is_tracked(row.t)
        # A cycle is found and freed.
        row.a.append(row)
        found = weakref.ref(Thing(row))
        row.a.append(found())
    del row
    gc.collect()
    assert found() is None
    assert gc.isenabled()


class Thing:
    """Something that a weak reference can be made to."""

    def __init__(self, held: object) -> None:
        self.held = held


def test_a_result_that_is_too_large_for_record_batches(
    spark: SparkSession, compare: Compare
) -> None:
    # Rows are compressed on their way to the driver, record batches are not.
    df = spark.range(0, 20_000, 1, 1).selectExpr("repeat('x', 500) s")
    with use_core_conf(spark, {"spark.driver.maxResultSize": "2m"}):
        compare(lambda: len(df.collect()), fast=False)
