"""Errors, ends that come early and processes that die: the same errors, and no memory left."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from columnar_compare import Comparison
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.parity.engines import WARM_STOCK, use_conf

RECORDS = {"spark.sql.execution.arrow.maxRecordsPerBatch": "100"}


def rows(spark: SparkSession, count: int = 2000, partitions: int = 2) -> DataFrame:
    return spark.range(0, count, 1, partitions).selectExpr("id", "concat('s', id) AS s")


def raising(value: int) -> Callable[[Any], Any]:
    def function(v: Any) -> Any:
        if v == value:
            raise KeyError(f"no {v}")
        return v

    return function


def dying(value: int) -> Callable[[Any], Any]:
    def function(v: Any) -> Any:
        if v == value:
            os.kill(os.getpid(), signal.SIGKILL)
        return v

    return function


def failing_map(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch
        if batch.column(0)[0].as_py() > 300:
            raise ZeroDivisionError("enough")


def wrong_columns(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.select(["s"])


def wrong_type(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield pa.RecordBatch.from_arrays([batch.column(1), batch.column(1)], ["id", "s"])


def narrower_type(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield pa.RecordBatch.from_arrays(
            [batch.column(0).cast("int32"), batch.column(1)], ["id", "s"]
        )


def swapped(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.select(["s", "id"])


def nulls(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        empty = pa.nulls(batch.num_rows, pa.int64())
        yield pa.RecordBatch.from_arrays([empty, batch.column(1)], ["id", "s"])


def not_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[Any]:
    for batch in batches:
        yield batch.to_pydict()


def udf(function: Callable[[Any], Any], type: str = "long") -> Callable[..., Any]:
    return F.udf(function, type, useArrow=True)


BROKEN: dict[str, Callable[[SparkSession], DataFrame]] = {
    "first row": lambda spark: rows(spark).select(udf(raising(0))("id"), "s"),
    "later batch": lambda spark: rows(spark).select(udf(raising(950))("id"), "s"),
    "last row": lambda spark: rows(spark).select(udf(raising(1999))("id"), "s"),
    "second function": lambda spark: rows(spark).select(
        udf(lambda v: v)("id"), udf(raising(700))("id"), "s"
    ),
    "inner function": lambda spark: rows(spark).select(udf(lambda v: v)(udf(raising(7))("id"))),
    "wrong result": lambda spark: rows(spark).select(udf(lambda v: "x", "long")("id"), "s"),
    "series of another length": lambda spark: rows(spark).select(
        F.pandas_udf(lambda s: s[1:], "long")("id"), "s"
    ),
    "no series": lambda spark: rows(spark).select(F.pandas_udf(lambda s: 1, "long")("id"), "s"),
    # Its error names the first value, so there is one partition.
    "series of another type": lambda spark: rows(spark, partitions=1).select(
        F.pandas_udf(lambda s: s.astype(str) + "x", "long")("id"), "s"
    ),
    "map": lambda spark: rows(spark).mapInArrow(failing_map, "id long, s string"),
    "map: type": lambda spark: rows(spark).mapInArrow(wrong_type, "id long, s string"),
    "map: narrower": lambda spark: rows(spark).mapInArrow(narrower_type, "id long, s string"),
    "map: order": lambda spark: rows(spark).mapInArrow(swapped, "id long, s string"),
    "map: nulls": lambda spark: rows(spark).mapInArrow(nulls, "id long not null, s string"),
    "map: no batches": lambda spark: rows(spark).mapInArrow(not_batches, "id long, s string"),
    "in the JVM above": lambda spark: (
        rows(spark)
        .select(udf(lambda v: v)("id").alias("v"), "s")
        .selectExpr("IF(v = 1500, raise_error('above'), v)", "s")
    ),
    "in the JVM below": lambda spark: (
        rows(spark)
        .selectExpr("IF(id = 1500, CAST(raise_error('below') AS BIGINT), id) AS id", "s")
        .select(udf(lambda v: v)("id"), "s")
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_errors(compare: Comparison, case: str) -> None:
    assert compare.same(BROKEN[case], conf=RECORDS, in_order=False).error


def test_results_that_lack_a_column(compare: Comparison) -> None:
    """Spark looks for it beyond the end of an array; that need not be the error's text."""

    def build(spark: SparkSession) -> DataFrame:
        return rows(spark).mapInArrow(wrong_columns, "id long, s string")

    with use_conf(compare.spark, RECORDS):
        assert all(compare.run(build, ours, WARM_STOCK).error for ours in (False, True))


def test_a_worker_that_is_killed(compare: Comparison) -> None:
    def build(spark: SparkSession) -> DataFrame:
        return rows(spark).select(udf(dying(700))("id"), "s")

    assert compare.same(build, conf=RECORDS).error


def test_a_limit_that_is_reached_while_the_function_runs(compare: Comparison) -> None:
    def build(spark: SparkSession) -> DataFrame:
        return rows(spark, 200_000).select(udf(lambda v: v + 1)("id"), "s").limit(150)

    compare.same(build, conf=RECORDS)


def test_a_map_that_stops_reading(compare: Comparison) -> None:
    def build(spark: SparkSession) -> DataFrame:
        def first(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            yield next(batches)

        return rows(spark, 200_000).mapInArrow(first, "id long, s string")

    compare.same(build, conf=RECORDS)


@pytest.mark.parametrize("kind", ["udf", "mapInPandas"])
def test_a_cancelled_query(compare: Comparison, kind: str) -> None:
    """Its tasks are killed in mid-batch, some while they wait for Python."""
    spark = compare.spark
    before = compare.held()

    def slow(v: Any) -> Any:
        time.sleep(0.001)
        return v

    def slow_frames(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            time.sleep(0.05)
            yield frame

    frame = rows(spark, 500_000)
    if kind == "udf":
        frame = frame.select(udf(slow)("id"), "s")
    else:
        frame = frame.mapInPandas(slow_frames, frame.schema)
    with use_conf(spark, {ENABLED_KEY: "true", **RECORDS}):
        timer = threading.Timer(2, spark.sparkContext.cancelAllJobs)
        timer.start()
        with pytest.raises(Exception, match="cancelled"):
            frame.collect()
        timer.join()
    assert compare.held(before) == before
    compare.same(lambda spark: rows(spark).select(udf(raising(-1))("id")))


def test_a_function_that_fails_below_a_join(compare: Comparison) -> None:
    def build(spark: SparkSession) -> DataFrame:
        small = rows(spark, 100).select(udf(raising(50))("id").alias("id"))
        return rows(spark).join(F.broadcast(small), "id")

    assert compare.same(build, conf=RECORDS).error
