"""Cases of UDFs that get groups, and of table functions."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql.functions import col, udtf
from pyspark.sql.pandas import functions
from pyspark.sql.pandas.functions import pandas_udf

from benchmarks.case import Case, columns

_SCHEMA = "id long, v double"


def _groups(
    name: str,
    size: int,
    query: Callable[[DataFrame], DataFrame],
    groups: int = 2_000,
    target: float | None = None,
) -> Case:
    """``groups`` groups of ``size`` rows (id long, v double); the key is the column id."""

    def data(spark: SparkSession, rows: int) -> DataFrame:
        # Strided, so that each of the two partitions holds rows of every group.
        keys = max(rows // size, 1)
        return columns(2, id=f"id % {keys}", v="id * 0.5D")(spark, rows)

    return Case(name, data, query, groups * size, f"group of {size:,}", size, target)


def _same(group: Any) -> Any:
    return group


def _centre(d: pd.DataFrame) -> pd.DataFrame:
    return d.assign(v=d.v - d.v.mean())


def _apply_in_pandas(
    function: Callable[[pd.DataFrame], pd.DataFrame],
) -> Callable[[DataFrame], DataFrame]:
    return lambda data: data.groupBy("id").applyInPandas(function, _SCHEMA)


def _apply_in_arrow(
    function: Callable[[pa.Table], pa.Table],
) -> Callable[[DataFrame], DataFrame]:
    return lambda data: data.groupBy("id").applyInArrow(function, _SCHEMA)


def _cogroups(
    name: str, apply: Callable[[Any], DataFrame], groups: int = 1_000, target: float | None = None
) -> Case:
    """Pairs of groups of 10 rows each."""

    def query(data: DataFrame) -> DataFrame:
        other = data.selectExpr("id as k", "v as w")
        return apply(data.groupBy("id").cogroup(other.groupBy("k")))

    grouped = _groups(name, 10, query, groups, target)
    return replace(grouped, unit="groups of 10 + 10", unit_rows=20)


def _left(left: Any, right: Any) -> Any:
    return left


def _mean(v: pd.Series) -> float:
    return v.mean()


def _mean_arrow(v: pa.Array) -> float:
    return pc.mean(v).as_py()


def _pandas_mean() -> Callable[[str], Column]:
    call: Callable[[str], Column] = pandas_udf(_mean, "double")
    return call


def _arrow_mean() -> Callable[[str], Column]:
    call: Callable[[str], Column] = functions.arrow_udf(_mean_arrow, "double")
    return call


def _aggregate(
    aggregate: Callable[[], Callable[[str], Column]],
) -> Callable[[DataFrame], DataFrame]:
    return lambda data: data.groupBy("id").agg(aggregate()("v"))


def _window(
    aggregate: Callable[[], Callable[[str], Column]], bounded: bool
) -> Callable[[DataFrame], DataFrame]:
    def query(data: DataFrame) -> DataFrame:
        window = Window.partitionBy("id")
        if bounded:
            window = window.orderBy("v").rowsBetween(-2, 2)
        return data.select("id", "v", aggregate()("v").over(window))

    return query


class _Three:
    """Three rows for each row."""

    def eval(self, x: int) -> Iterator[tuple[int, float]]:
        yield x, 0.5
        yield x + 1, 1.5
        yield x + 2, 2.5


def _three(data: DataFrame) -> DataFrame:
    function = udtf(_Three, returnType="a long, b double", useArrow=True)
    return data.lateralJoin(function(col("c").outer()))


GROUPED = (
    _groups("apply-pandas-10", 10, _apply_in_pandas(_same), target=20.0),
    _groups("apply-pandas-10-assign", 10, _apply_in_pandas(_centre), 1_000, target=3.5),
    _groups("apply-pandas-1000", 1_000, _apply_in_pandas(_same), 500, target=2.0),
    _groups("apply-pandas-1000-assign", 1_000, _apply_in_pandas(_centre), 500, target=2.0),
    _groups("apply-arrow-10", 10, _apply_in_arrow(_same), 10_000, target=5.0),
    _groups("apply-arrow-1000", 1_000, _apply_in_arrow(_same), 1_000),
    _cogroups("cogroup-pandas-10", lambda both: both.applyInPandas(_left, _SCHEMA), target=20.0),
    _cogroups("cogroup-arrow-10", lambda both: both.applyInArrow(_left, _SCHEMA), 5_000),
    _groups("agg-pandas-10", 10, _aggregate(_pandas_mean), target=5.0),
    _groups("agg-arrow-10", 10, _aggregate(_arrow_mean), 10_000, target=5.0),
    _groups("window-pandas-10", 10, _window(_pandas_mean, bounded=False), target=5.0),
    _groups("window-arrow-10", 10, _window(_arrow_mean, bounded=False), 10_000, target=5.0),
    _groups("window-pandas-10-bounded", 10, _window(_pandas_mean, bounded=True), 1_000),
    _groups("window-arrow-10-bounded", 10, _window(_arrow_mean, bounded=True), 5_000),
    Case("udtf-arrow", columns(c="id"), _three, 10_000, target=3.0),
)
