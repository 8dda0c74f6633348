"""Compiled functions wherever a query may have them, and values that few columns have."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from pyspark import cloudpickle
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.functions import pandas_udf
from pyspark.sql.types import StringType

from compiled import functions
from compiled.conftest import Both
from compiled.functions import (
    add,
    bad_text,
    big,
    checked,
    inverse,
    is_long,
    key,
    length,
    name_of,
    no_number,
    plain_put,
    plain_rest,
    same,
    texts,
    twice,
    upper,
)
from compiled.test_drawn import exactly, goes_through_pandas, last_line, plan_of

# HYDROFOIL_PARITY=full runs all.
ONE_IN = 4
cloudpickle.register_pickle_by_value(functions)
FEW = (
    "(1, 'a', 1.5D), (2, NULL, 2.5D), (3, 'ccc', NULL), (4, 'dd', -0D), (9007199254740993, '', 0D)"
)


def data(spark: SparkSession) -> DataFrame:
    return spark.sql(f"SELECT * FROM VALUES {FEW} AS t(x, s, d)").coalesce(1)


Make = Callable[[Any, str], Any]
SHAPES: dict[str, Callable[[DataFrame, Make], DataFrame]] = {
    "select": lambda df, udf: df.select("s", udf(name_of, "string")("s"), "d"),
    "a filter": lambda df, udf: df.where(udf(is_long, "boolean")("s")),
    "both": lambda df, udf: df.where(udf(is_long, "boolean")("s")).select(
        udf(key, "string")("s", "x")
    ),
    "a key": lambda df, udf: (
        df.groupBy(udf(key, "string")("s", "x").alias("k")).agg(F.sum("x")).orderBy("k")
    ),
    "an aggregate's": lambda df, udf: df.agg(F.max(udf(twice, "double")("d"))),
    "of an aggregate": lambda df, udf: (
        df.groupBy("s").agg(udf(twice, "bigint")(F.sum("x"))).orderBy("s")
    ),
    "one of another": lambda df, udf: df.select(
        udf(twice, "double")(udf(twice, "double")("d")), udf(twice, "bigint")("x")
    ),
    "one with defaults of another": lambda df, udf: df.select(
        udf(add, "bigint")(udf(twice, "bigint")("x")),
        udf(add, "bigint")(by=udf(twice, "bigint")("x"), x="x"),
    ),
    "a partial of another": lambda df, udf: df.select(
        udf(partial(add, 3, by=2), "bigint")(udf(twice, "bigint")("x")),
        udf(partial(add, by=7), "bigint")("x"),
    ),
    "one that is given too much": lambda df, udf: df.select(udf(twice, "bigint")("x", "x")),
    "one that is given too little": lambda df, udf: df.select(udf(key, "string")("s")),
    "one of another that is given too little": lambda df, udf: df.select(
        udf(key, "string")(udf(name_of, "string")("s"))
    ),
    "of expressions": lambda df, udf: df.select(udf(add, "bigint")(F.col("x") + 1, F.lit(3))),
    "by name": lambda df, udf: df.select(udf(add, "bigint")("x", by=F.lit(2))),
    "by names in another order": lambda df, udf: df.select(udf(add, "bigint")(y="x", x=F.lit(5))),
    "of one column twice": lambda df, udf: df.select(udf(add, "bigint")("x", "x")),
    "a join": lambda df, udf: df.join(
        df.select(F.col("x").alias("z")), udf(twice, "bigint")("x") == F.col("z")
    ),
    "a limit": lambda df, udf: df.select(udf(name_of, "string")("s")).limit(2),
    "an order": lambda df, udf: df.orderBy(udf(key, "string")("s", "x"), "x"),
    "no rows": lambda df, udf: df.where("x < 0").select(udf(name_of, "string")("s")),
    "beyond 64 bits": lambda df, udf: df.where("x < 5").select(udf(big, "bigint")("x")),
    "text that is none": lambda df, udf: df.select(udf(bad_text, "string")("s")),
    "division by zero": lambda df, udf: df.select(udf(inverse, "double")("x")),
    "raise": lambda df, udf: df.where("x < 4").select(udf(checked, "bigint")("x")),
    "assert": lambda df, udf: df.where("x > 3").select(udf(checked, "bigint")("x")),
    "None where it raises": lambda df, udf: df.select(udf(length, "bigint")("s")),
    "bytes that are no UTF-8": lambda df, udf: df.select(
        udf(length, "bigint")(F.expr("CAST(X'61FF62' AS STRING)"))
    ),
    "bytes of a surrogate": lambda df, udf: df.select(
        udf(upper, "string")(F.expr("CAST(X'61EDA08062' AS STRING)"))
    ),
    "such bytes as they are": lambda df, udf: df.select(
        udf(same, "string")(F.expr("CAST(X'61FF' AS STRING)"))
    ),
    "of a cache": lambda df, udf: df.cache().select(udf(key, "string")("s", "x")),
    "of a union": lambda df, udf: df.union(df).select(udf(twice, "double")("d")),
    "in a union of shuffled rows": lambda df, udf: (
        one := df.repartition(3, "x").select("x", udf(twice, "bigint")("x"))
    ).union(one),
    "of a window": lambda df, udf: df.selectExpr("x", "lag(x) OVER (ORDER BY x) AS p").select(
        udf(twice, "bigint")("p")
    ),
    "in a subquery": lambda df, udf: df.where(
        F.col("x").isin([1, 2, 3]) & (udf(twice, "bigint")("x") > 2)
    ),
    "whether parts are ASCII": lambda df, udf: df.select(
        udf(plain_rest, "boolean")("s"), udf(plain_put, "boolean")("s")
    ),
    "below one that is left to Spark": lambda df, udf: df.select(
        pandas_udf(texts, StringType("UTF8_LCASE"))(udf(twice, "bigint")("x"))
    ),
    "of a constant": lambda df, udf: df.select(udf(twice, "bigint")(F.lit(21))),
}


# Left to Python: calls with a wrong number of arguments, and text that UTF-8 has no bytes for.
LEFT = (
    "one that is given too much",
    "one that is given too little",
    "one of another that is given too little",
    "text that is none",
)


@pytest.mark.parametrize("arrow", [False, True], ids=["pickled", "arrow"])
@pytest.mark.parametrize("name", SHAPES)
def test_as_stock(name: str, arrow: bool, both: Both) -> None:
    def outcome() -> Any:
        def make(function: Any, declared: str) -> Any:
            return F.udf(function, declared, useArrow=arrow)

        frame = SHAPES[name](data(both.spark), make)
        try:
            came: Any = [tuple(map(exactly, row)) for row in frame.collect()]
        except Exception as error:
            came = type(error).__name__, last_line(str(error))
        return came, "CompiledUdf" in plan_of(frame)

    with both.stock():
        expected = outcome()
    both.spark.catalog.clearCache()
    with both.compiled():
        found = outcome()
    both.spark.catalog.clearCache()
    assert found[0] == expected[0]
    assert not expected[1]
    if not (arrow and goes_through_pandas()):
        assert found[1] == (name not in LEFT)


@pytest.mark.parametrize("written", ["true", "True"])
def test_the_legacy_conversion_however_it_is_written(written: str, both: Both) -> None:
    legacy = {"spark.sql.legacy.execution.pythonUDF.pandas.conversion.enabled": written}

    def answers() -> list[Any]:
        is_none = F.udf(no_number, "boolean", useArrow=True)
        return [
            row[0] for row in data(both.spark).select(is_none(F.expr("nullif(x, 2)"))).collect()
        ]

    with both.stock(**legacy):
        expected = answers()
    with both.compiled(**legacy):
        assert answers() == expected
