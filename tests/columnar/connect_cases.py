"""A query of each kind of function and type, for a classic session and for Spark Connect."""

import contextlib
import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pyspark
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

LINE = tuple(map(int, pyspark.__version__.split(".")[:2]))

# Each type with an expression for a column of it.
TYPES = {
    "long": "id",
    "int": "int(id)",
    "double": "id / 2D",
    "boolean": "id % 2 = 0",
    "string": "IF(id % 3 = 0, NULL, concat('s', id))",
    "binary": "binary(concat('b', id))",
    "date": "date_add(date'2024-01-01', int(id))",
    "timestamp": "timestamp_seconds(id)",
    "timestamp_ntz": "timestamp_ntz'2024-01-01 00:00:00' + make_dt_interval(0, 0, 0, id)",
    "interval day to second": "make_dt_interval(0, id)",
    "decimal(12,2)": "CAST(id AS DECIMAL(12,2))",
    "array<string>": "array(concat('a', id), NULL)",
    "struct<a: long, b: string>": "named_struct('a', id, 'b', concat('f', id))",
    "map<string, string>": "map(concat('k', id), concat('v', id))",
    "array<struct<a: string, b: array<string>>>": "array(named_struct('a', 'x', 'b', array('y')))",
}


def columns(spark: SparkSession) -> DataFrame:
    made = [f"{value} AS c{i}" for i, value in enumerate(TYPES.values())]
    return spark.range(0, 12, 1, 2).selectExpr("id", "id % 3 AS k", *made)


def of_series(function: Callable[..., Any], result: str, hint: Any = pd.Series) -> Any:
    function.__annotations__ = {"x": hint, "return": hint}
    return F.pandas_udf(function, returnType=result)


def of_arrow(function: Callable[..., Any], result: str, hint: Any = pa.Array) -> Any:
    function.__annotations__ = {"x": hint, "return": hint}
    return F.arrow_udf(function, returnType=result)


def same(batches: Iterator[Any]) -> Iterator[Any]:
    yield from batches


def typed(make: Callable[[str], Any]) -> dict[str, Callable[[SparkSession], DataFrame]]:
    """A query for each type: the column as argument, as it passes through, and as the result."""

    def query(i: int, kind: str) -> Callable[[SparkSession], DataFrame]:
        return lambda spark: columns(spark).select(make(kind)(f"c{i}").alias("made"), f"c{i}")

    return {kind: query(i, kind) for i, kind in enumerate(TYPES)}


def kinds() -> dict[str, Callable[[SparkSession], DataFrame]]:
    found: dict[str, Callable[[SparkSession], DataFrame]] = {}
    by_row = typed(lambda kind: F.udf(lambda v: v, kind, useArrow=True))
    found |= {f"udf {kind}": query for kind, query in by_row.items()}
    # pandas_udf takes a struct column as a data frame.
    by_series = typed(lambda kind: of_series(lambda x: x, kind))
    plain = {kind: query for kind, query in by_series.items() if "struct" not in kind}
    found |= {f"pandas_udf {kind}": query for kind, query in plain.items()}
    found |= {
        "pandas_udf of an iterator": lambda spark: columns(spark).select(
            of_series(lambda x: x, "string", Iterator[pd.Series])("c4")
        ),
        "pandas_udf that makes a struct": lambda spark: columns(spark).select(
            F.pandas_udf(_frame, "a string, b string")("c4").alias("made")
        ),
        "mapInPandas": lambda spark: (
            columns(spark).select("c0", "c4").mapInPandas(same, "c0 long, c4 string")
        ),
        "mapInArrow": lambda spark: columns(spark).mapInArrow(same, columns(spark).schema),
        "applyInPandas": lambda spark: (
            columns(spark)
            .select("k", "c4")
            .groupBy("k")
            .applyInPandas(lambda frame: frame, "k long, c4 string")
        ),
        "applyInArrow": lambda spark: (
            columns(spark)
            .select("k", "c4", "c11")
            .groupBy("k")
            .applyInArrow(lambda table: table, "k long, c4 string, c11 array<string>")
        ),
        "cogroup applyInPandas": lambda spark: cogroups(spark).applyInPandas(
            lambda left, right: left, "k long, c4 string"
        ),
        "cogroup applyInArrow": lambda spark: cogroups(spark).applyInArrow(
            lambda left, right: left, "k long, c4 string"
        ),
        "pandas_udf aggregate": lambda spark: (
            columns(spark).groupBy("k").agg(F.pandas_udf(_joined, "string")("c4").alias("all"))
        ),
    }
    if LINE >= (4, 1):
        by_array = typed(lambda kind: of_arrow(lambda x: x, kind))
        found |= {f"arrow_udf {kind}": query for kind, query in by_array.items()}
        found["arrow_udf of an iterator"] = lambda spark: columns(spark).select(
            of_arrow(lambda x: x, "string", Iterator[pa.Array])("c4")
        )
        found["arrow_udf aggregate"] = lambda spark: (
            columns(spark).groupBy("k").agg(F.arrow_udf(_size, "string")("c4").alias("all"))
        )
    return found


def cogroups(spark: SparkSession) -> Any:
    one, other = columns(spark).select("k", "c4"), columns(spark).select("k", "c11")
    return one.groupBy("k").cogroup(other.groupBy("k"))


def _frame(x: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"a": x, "b": x})


def _joined(x: pd.Series) -> str:
    return ",".join(sorted(x.dropna()))


def _size(x: pa.Array) -> str:
    return str(len(x))


def operators(frame: DataFrame) -> list[str]:
    """Hydrofoil's operators in the plan, and why one is none of them."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        frame.explain()
    return re.findall(r"\bHydrofoil\w+|LeftToSpark \(.*?\)", text.getvalue())


# What is run, too: one query of each kind of function.
RUN = re.compile(
    r"(udf|pandas_udf|arrow_udf) string|udf array<string>|.*_udf (of|that|agg).*|map.*|.*ply.*"
)


def outcomes(spark: SparkSession) -> dict[str, list[Any]]:
    """Of each case its operators, and its rows in order, where they are asked for."""
    # An adaptive plan shows what it becomes only when it has run.
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    made: dict[str, list[Any]] = {}
    for name, query in kinds().items():
        frame = query(spark)
        rows = sorted(map(repr, frame.collect())) if RUN.fullmatch(name) else []
        made[name] = [operators(frame), rows]
    return made
