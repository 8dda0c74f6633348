"""Data frames of pandas by `toPandas` with Arrow: the same with the fast paths and without."""

from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

import hydrofoil
from driver.conftest import Compare
from driver.conftest import compare as compare
from hydrofoil.driver.pandas_frames import mostly_different
from hydrofoil.spark.versions import installed_version
from hydrofoil.tools.parity.engines import use_conf

VERSION = installed_version()
assert VERSION is not None

ARROW = "spark.sql.execution.arrow.pyspark.enabled"
FREE = "spark.sql.execution.arrow.pyspark.selfDestruct.enabled"
STRUCTS = "spark.sql.execution.pandas.structHandlingMode"

FRAMES = {
    "different": ["concat('name ', id) s", "id", "cast(concat('b', id) as binary) b"],
    "few": ["concat('name ', id % 3) s", "id s"],
    "nulls": ["nullif(concat('name ', id), 'name 7') s", "if(id % 2 = 0, null, 'x') t"],
    "nothing": ["cast(null as string) s", "array(cast(null as string)) a"],
    "empty texts": ["'' s", "array() a", "array('') b"],
    "arrays": [
        "array(concat('a', id), null) a",
        "if(id % 5 = 0, null, array(array(concat('b', id)), array())) n",
    ],
    "nested": [
        "named_struct('a', concat('a', id), 'd', date'2024-01-01') s",
        "map(concat('k', id), concat('v', id)) m",
        "array(named_struct('a', concat('a', id))) l",
    ],
    "others": ["date_add(date'2024-01-01', cast(id as int)) d", "cast(id as decimal(10, 2)) e"],
    "no columns": [],
}


def seen(frame: pd.DataFrame) -> Any:
    """What a program sees of it: names, dtypes, values and their classes."""
    values = [[shown(value) for value in column] for _, column in frame.items()]
    return list(frame.columns), list(map(str, frame.dtypes)), str(frame.index), values


def shown(value: Any) -> tuple[str, str]:
    return type(value).__name__, repr(value)


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("conf", [{}, {FREE: "true"}], ids=["", "freed"])
def test_the_same_frame(
    spark: SparkSession, compare: Compare, name: str, conf: dict[str, str]
) -> None:
    with use_conf(spark, {ARROW: "true", STRUCTS: "row", **conf}):
        for rows in (0, 41):
            data = spark.range(0, rows, 1, 2).selectExpr(*FRAMES[name])
            compare(partial(lambda data: seen(data.toPandas()), data), fast=None)


@pytest.mark.skipif(not VERSION.frames_by_a_function, reason="PySpark has it in one piece")
def test_equal_values_are_one_object_where_there_are_many(
    spark: SparkSession, compare: Compare
) -> None:
    """Else a column of few long texts would take the memory of as many as it has rows."""

    def objects() -> list[int]:
        data = spark.range(4000).selectExpr(
            "concat('name ', id % 3) few", "if(id < 2, 'name 0', concat('name ', id)) different"
        )
        frame: Any = data.toPandas()
        return [len(set(map(id, column))) for _, column in frame.items()]

    with use_conf(spark, {ARROW: "true", "spark.sql.execution.arrow.maxRecordsPerBatch": "4000"}):
        hydrofoil.enable(spark)
        few, different = objects()
    assert few < 10
    # Equal ones among them are objects of their own now.
    assert different == 4000


def test_which_columns_are_mostly_different() -> None:
    def column(values: list[Any], kind: pa.DataType) -> pa.ChunkedArray:
        return pa.chunked_array([values[:900], values[900:]], kind)

    different = [f"name {i}" for i in range(1000)]
    assert mostly_different(column(different, pa.string()))
    assert mostly_different(column([one.encode() for one in different], pa.large_binary()))
    assert mostly_different(column([[one, None] for one in different], pa.list_(pa.string())))
    assert not mostly_different(column(["a", "b"] * 500, pa.string()))
    assert not mostly_different(column([None] * 1000, pa.string()))
    assert not mostly_different(column(list(range(1000)), pa.int64()))
    assert not mostly_different(pa.chunked_array([], pa.string()))
