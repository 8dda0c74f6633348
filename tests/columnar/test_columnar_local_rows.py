"""Many rows of the driver's in queries: the same rows in the same partitions, without a job where
Spark runs none."""

from collections.abc import Callable
from typing import Any

import pytest
from columnar_compare import Comparison
from pyspark import TaskContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf

from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.parity.engines import HYDROFOIL, use_conf

ROWS = 12_000
OPERATOR = "HydrofoilLocalTableScan"


def place(_: int) -> int:
    context = TaskContext.get()
    assert context is not None
    return context.partitionId()


QUERIES: dict[str, Callable[[DataFrame], DataFrame]] = {
    # What is not a function of Python's Spark computes when it plans.
    "places": lambda df: df.select("*", sf.udf(place, "int")("i")),
    "filter": lambda df: df.where(sf.udf(lambda i: i % 1000 == 3, "boolean")("i")),
    "groups": lambda df: df.groupBy(df.i % 7).agg(sf.count("s"), sf.max("n.x"), sf.sum("d")),
    "join": lambda df: df.hint("merge").join(df.select("i", sf.col("s").alias("t")), "i"),
    "a function": lambda df: df.select(sf.udf(lambda s: s and len(s), "int")("s")),
    "sorted": lambda df: df.orderBy(sf.desc("s"), "i").limit(20),
}


def local(spark: SparkSession, rows: int) -> DataFrame:
    """A relation of the driver's rows, as one of pandas is with Arrow."""
    text = "if(i % 11 = 0, null, concat('é', i))"
    struct = f"named_struct('x', i, 'y', {text})"
    array = f"array({text}, 'b')"
    made = (
        spark.range(rows)
        .selectExpr("cast(id as int) i")
        .selectExpr(
            "i", f"{text} s", f"{struct} n", f"{array} a", "cast(i / 3 as decimal(20, 5)) d"
        )
    )
    jdf = spark._jsparkSession.createDataFrame(made._jdf.collectAsList(), made._jdf.schema())
    return DataFrame(jdf, spark)


@pytest.fixture(scope="module")
def data(spark: SparkSession) -> DataFrame:
    return local(spark, ROWS)


@pytest.mark.parametrize("name", QUERIES)
def test_the_same_rows(compare: Comparison, data: DataFrame, name: str) -> None:
    def build(_: SparkSession) -> DataFrame:
        # Planned anew, with the operators that are on.
        made: Any = QUERIES[name](data.select("*"))
        return made  # type: ignore[no-any-return]

    in_order = name in ("places", "filter", "sorted")
    compare.same(build, ours=None, in_order=in_order, engines=[HYDROFOIL])
    assert OPERATOR in compare.plan


def test_what_needs_no_task_has_none(compare: Comparison, data: DataFrame) -> None:
    context = data.sparkSession.sparkContext
    tracker = context.statusTracker()
    context.setJobGroup("local rows", "")
    try:
        with use_conf(data.sparkSession, {ENABLED_KEY: "true"}):
            assert len(data.select("*").collect()) == ROWS
            assert len(data.take(3)) == 3
            assert len(data.select("*").tail(3)) == 3
        assert list(tracker.getJobIdsForGroup("local rows")) == []
    finally:
        context.setLocalProperty("spark.jobGroup.id", None)  # type: ignore[arg-type]


def test_few_rows_are_left_to_spark(compare: Comparison, spark: SparkSession) -> None:
    few = local(spark, 9_000)
    compare.same(lambda _: few.orderBy("s", "i"), ours=None, engines=[HYDROFOIL])
    assert OPERATOR not in compare.plan
