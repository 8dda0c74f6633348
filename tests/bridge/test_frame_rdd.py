"""RDDs of DataFrames' rows: with record batches and without."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from driver.columns import COLUMNS, query
from driver.conftest import Compare
from driver.conftest import compare as compare
from driver.exactly import exactly
from pyspark import StorageLevel
from pyspark.sql import Row, SparkSession

import hydrofoil
from hydrofoil.tools.parity.engines import HYDROFOIL, use_engine

# See tests/conftest.py.
ONE_IN = 2


@pytest.fixture(scope="module", autouse=True)
def workers(spark: SparkSession) -> Iterator[None]:
    """Hydrofoil's workers for all; these tests compare what the driver asks them for."""
    with use_engine(spark, HYDROFOIL):
        yield


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_values_of_each_type(spark: SparkSession, compare: Compare, zone: str) -> None:
    spark.conf.set("spark.sql.session.timeZone", zone)
    try:
        for name in COLUMNS:
            compare(partial(lambda name: values(spark.sql(query(name))), name))
    finally:
        spark.conf.unset("spark.sql.session.timeZone")


def values(data: Any) -> Any:
    """A DataFrame's values, or what the worker raises, without the traceback to it."""
    try:
        return data.rdd.map(exactly).collect()
    except Exception as error:
        return type(error), [line for line in str(error).splitlines() if "Error: " in line]


# What a program does with the RDD of this DataFrame's rows; what it gives must be the same.
def frame(spark: SparkSession) -> Any:
    return spark.range(0, 2500, 1, 3).selectExpr(
        "id", "id / 7 as part", "concat('row ', id) as text", "nullif(id % 5, 0) as rest"
    )


BY_BATCHES: dict[str, Callable[[Any], Any]] = {
    "map": lambda rdd: rdd.map(lambda row: row.text).collect(),
    "names": lambda rdd: rdd.map(lambda row: (type(row).__module__, row.asDict())).take(3),
    "rows again": lambda rdd: (
        rdd.map(lambda row: row).filter(lambda row: row.id % 100 == 1).collect()
    ),
    "flatMap": lambda rdd: rdd.flatMap(lambda row: [row.id] * (row.rest or 0)).sum(),
    "count": lambda rdd: rdd.count(),
    "isEmpty": lambda rdd: rdd.isEmpty(),
    "take": lambda rdd: rdd.take(5),
    "first": lambda rdd: rdd.first(),
    "parts": lambda rdd: rdd.glom().map(len).collect(),
    "pairs": lambda rdd: sorted(
        rdd.map(lambda row: (row.rest, 1)).reduceByKey(lambda a, b: a + b).collect(), key=str
    ),
    "index": lambda rdd: (
        rdd.zipWithIndex().map(lambda pair: pair[1] - pair[0].id).distinct().collect()
    ),
    "sorted": lambda rdd: rdd.sortBy(lambda row: -row.id).map(lambda row: row.id).take(4),
    "stored later": lambda rdd: (rdd.map(lambda row: row.id).cache().sum(), rdd.count()),
    "statistics": lambda rdd: rdd.map(lambda row: row.part).stats().asDict(),
    "aggregate": lambda rdd: rdd.treeAggregate(0, lambda n, row: n + row.id, lambda a, b: a + b),
    "an error": lambda rdd: last_line(lambda: rdd.map(lambda row: row.missing).count()),
    "the end of an iterator": lambda rdd: last_line(lambda: rdd.map(stops).count()),
    "the same in a filter": lambda rdd: last_line(lambda: rdd.filter(stops).count()),
    "the same in flatMap": lambda rdd: last_line(lambda: rdd.flatMap(stops).count()),
    "the same in foreach": lambda rdd: last_line(lambda: rdd.foreach(stops)),
    "keys": lambda rdd: rdd.keyBy(lambda row: row.rest).mapValues(len).take(4),
}


def stops(row: Row) -> Any:
    """Ends by an error that an iterator's end is, too, at some row."""
    return [next(iter([row.id] if row.id < 1000 else []))]


def last_line(call: Callable[[], Any]) -> list[str]:
    """What a call raises, without the way to it."""
    with pytest.raises(Exception) as raised:
        call()
    return [line for line in str(raised.value).splitlines() if "Error: " in line][:1]


BY_PICKLED_ROWS: dict[str, Callable[[Any], Any]] = {
    "collect": lambda rdd: rdd.collect(),
    "stored": lambda rdd: rdd.persist(StorageLevel.MEMORY_ONLY).map(lambda row: row.id).sum(),
    "stored twice": lambda rdd: [rdd.cache().count(), rdd.map(len).sum(), rdd.unpersist() is rdd][
        :2
    ],
    "union": lambda rdd: rdd.union(rdd).map(lambda row: row.id).sum(),
    "zip": lambda rdd: rdd.zip(rdd.map(lambda row: row.id)).map(lambda p: p[0].id - p[1]).sum(),
    "cartesian": lambda rdd: rdd.filter(lambda r: r.id < 3).cartesian(rdd).count(),
    "checkpoint": lambda rdd: [
        rdd.localCheckpoint(),
        rdd.map(len).sum(),
        rdd.isLocallyCheckpointed(),
    ],
    "names": lambda rdd: [type(rdd).__name__, type(rdd).__module__, rdd.getNumPartitions()],
    "coalesce": lambda rdd: rdd.coalesce(1).map(lambda row: row.id).take(2),
    "barrier": lambda rdd: (
        rdd.coalesce(1).barrier().mapPartitions(lambda rows: [len(list(rows))]).collect()
    ),
    "a DataFrame again": lambda rdd: [rdd.toDF().schema.simpleString(), rdd.toDF().count()],
    "iterator": lambda rdd: list(rdd.toLocalIterator())[-1],
}


@pytest.mark.parametrize("name", BY_BATCHES)
def test_functions_read_record_batches(spark: SparkSession, compare: Compare, name: str) -> None:
    compare(lambda: BY_BATCHES[name](frame(spark).rdd))


@pytest.mark.parametrize("name", BY_PICKLED_ROWS)
def test_whatever_else_is_done(spark: SparkSession, compare: Compare, name: str) -> None:
    compare(lambda: BY_PICKLED_ROWS[name](frame(spark).rdd), fast=None)


def test_foreach(spark: SparkSession, compare: Compare) -> None:
    context = spark.sparkContext

    def both() -> list[Any]:
        rows, parts = context.accumulator(0), context.accumulator(0)

        def add(part: Iterator[Row]) -> None:
            parts.add(1)
            for row in part:
                rows.add(row["id"])

        frame(spark).foreach(lambda row: rows.add(row.id))
        frame(spark).foreachPartition(add)
        return [rows.value, parts.value]

    assert compare(both)[1] == 3


def test_the_batch_size_is_as_it_was(spark: SparkSession) -> None:
    key = "spark.sql.execution.arrow.maxRecordsPerBatch"
    usual = spark.conf.get(key)
    hydrofoil.enable(spark)
    try:
        assert frame(spark).rdd.map(lambda row: row.id).sum() == sum(range(2500))
        assert spark.conf.get(key) == usual
        spark.conf.set(key, "12345")
        assert frame(spark).rdd.map(lambda row: row.id).sum() == sum(range(2500))
        assert spark.conf.get(key) == "12345"
    finally:
        spark.conf.unset(key)
        hydrofoil.disable(spark)


def test_stays_with_pickled_rows(spark: SparkSession, compare: Compare) -> None:
    for columns in [
        ["make_ym_interval(1, 2) as a"],
        ["named_struct('a', 1, 'a', 2) as s"],
        ["map(array(1), 1, array(2), 2) as m"],
        [],
    ]:
        compare(partial(lambda named: values(spark.range(3).selectExpr(*named)), columns), False)


def test_no_rows(spark: SparkSession, compare: Compare) -> None:
    assert compare(lambda: spark.range(0).rdd.map(exactly).collect()) == []
