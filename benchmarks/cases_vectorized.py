"""Cases of UDFs that get whole batches: scalar pandas and Arrow, mapInPandas and mapInArrow."""

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql.pandas import functions
from pyspark.sql.pandas.functions import pandas_udf

from benchmarks.case import Case, columns

# Batches have spark.sql.execution.arrow.maxRecordsPerBatch rows: 10,000 unless it is set.
_BATCH = 10_000


def _batches(
    name: str,
    data: Callable[[SparkSession, int], DataFrame],
    query: Callable[[DataFrame], DataFrame],
    rows: int,
    target: float | None = None,
) -> Case:
    return Case(name, data, query, rows, "batch of 10,000", _BATCH, target)


def _pandas(function: Callable[..., Any], returns: str) -> Callable[[DataFrame], DataFrame]:
    def query(data: DataFrame) -> DataFrame:
        call: Callable[..., Column] = pandas_udf(function, returns)
        return data.select(call("c"))

    return query


def _arrow(function: Callable[..., Any], returns: str) -> Callable[[DataFrame], DataFrame]:
    def query(data: DataFrame) -> DataFrame:
        call: Callable[..., Column] = functions.arrow_udf(function, returns)
        return data.select(call("c"))

    return query


def _add_one(series: pd.Series) -> pd.Series:
    return series + 1


def _same(series: pd.Series) -> pd.Series:
    return series


def _add_one_each(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    for series in batches:
        yield series + 1


def _add_one_arrow(array: pa.Array) -> pa.Array:
    return pc.add(array, 1)


def _add_one_arrow_each(batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
    for array in batches:
        yield pc.add(array, 1)


_LONGS = columns(c="id")
_DOUBLES = columns(c="id * 0.5D")
_STRINGS = columns(c="concat('name ', id)")
_TABLE = columns(a="id", b="id * 0.5D", c="concat('name ', id)")
_SCHEMA = "a long, b double, c string"

VECTORIZED = (
    _batches("pandas-long", _LONGS, _pandas(_add_one, "long"), 8_000_000, target=2.5),
    _batches("pandas-double", _DOUBLES, _pandas(_add_one, "double"), 8_000_000),
    _batches("pandas-string", _STRINGS, _pandas(_same, "string"), 4_000_000, target=1.3),
    _batches("pandas-iter-long", _LONGS, _pandas(_add_one_each, "long"), 8_000_000),
    _batches("arrow-long", _LONGS, _arrow(_add_one_arrow, "long"), 8_000_000),
    _batches("arrow-iter-long", _LONGS, _arrow(_add_one_arrow_each, "long"), 8_000_000),
    _batches(
        "map-pandas",
        _TABLE,
        lambda data: data.mapInPandas(lambda batches: batches, _SCHEMA),
        1_000_000,
        target=2.0,
    ),
    _batches(
        "map-arrow",
        _TABLE,
        lambda data: data.mapInArrow(lambda batches: batches, _SCHEMA),
        4_000_000,
        target=1.3,
    ),
)
