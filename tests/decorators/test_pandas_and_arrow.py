"""`hydrofoil.pandas_udf` and `arrow_udf` on both workers: kinds and types by hints."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import Row, SparkSession

import hydrofoil
from hydrofoil.errors import UsageError
from hydrofoil.tools.parity.engines import HYDROFOIL, Engine, use_engine


@dataclass
class Pair:
    low: int
    high: float


def values(frame: object) -> list[object]:
    return [row[0] for row in frame.collect()]  # type: ignore[attr-defined]


def test_pandas(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.pandas_udf
    def half(x: pd.Series) -> Annotated[pd.Series, float]:
        return x / 2

    @hydrofoil.pandas_udf
    def halves(batches: Iterator[pd.Series]) -> Iterator[Annotated[pd.Series, "double"]]:
        for x in batches:
            yield x / 2

    @hydrofoil.pandas_udf
    def pair(x: pd.Series) -> Annotated[pd.DataFrame, Pair]:
        return pd.DataFrame({"low": x, "high": x + 0.5})

    @hydrofoil.pandas_udf
    def mean(x: pd.Series) -> float:
        return float(x.mean())

    data = spark.range(3)
    assert values(data.select(half("id"))) == [0.0, 0.5, 1.0]
    assert values(data.select(halves("id"))) == [0.0, 0.5, 1.0]
    assert values(data.select(pair("id")))[1] == Row(low=1, high=1.5)
    assert values(data.agg(mean("id"))) == [1.0]


def test_arrow(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.arrow_udf
    def add(x: pa.Array, y: pa.Array) -> Annotated[pa.Array, int]:
        return pc.add(x, y)

    @hydrofoil.arrow_udf
    def each(batches: Iterator[tuple[pa.Array, pa.Array]]) -> Iterator[Annotated[pa.Array, int]]:
        for x, y in batches:
            yield pc.add(x, y)

    @hydrofoil.arrow_udf("bigint")
    def untyped(x):  # type: ignore[no-untyped-def]
        return x

    @hydrofoil.arrow_udf
    def largest(x: pa.Array) -> int:
        return pc.max(x)  # type: ignore[no-any-return]

    data = spark.sql("select id, nullif(id, 1) as n from range(3)")
    assert values(data.select(add("id", "n"))) == [0, None, 4]
    assert values(data.select(each("id", "n"))) == [0, None, 4]
    assert values(data.select(untyped("n"))) == [0, None, 2]
    assert values(data.agg(largest("id"))) == [2]
    spark.udf.register("hydrofoil_add", add)
    assert values(spark.sql("select hydrofoil_add(id, id) from range(2)")) == [0, 2]


def test_local() -> None:
    @hydrofoil.arrow_udf
    def add(x: pa.Array, y: pa.Array) -> Annotated[pa.Array, int]:
        return pc.add(x, y)

    @hydrofoil.pandas_udf
    def each(batches: Iterator[pd.Series]) -> Iterator[Annotated[pd.Series, float]]:
        for x in batches:
            yield x / 2

    assert add.local(pa.table({"x": [1, None], "y": [2, 3]})).to_pylist() == [3, None]
    assert each.local(pd.Series([1, 2])).tolist() == [0.5, 1.0]
    assert each.local(pa.array([1, 2])).type == pa.float64()


def test_explain(spark: SparkSession) -> None:
    @hydrofoil.pandas_udf
    def half(x: pd.Series) -> Annotated[pd.Series, float]:
        return x / 2

    with use_engine(spark, HYDROFOIL):
        text = half.explain()
    assert text.splitlines() == [
        "half(x) -> double",
        "kind: SQL_SCALAR_PANDAS_UDF",
        "arguments: Series",
        "result: Series",
        "path: fast path hydrofoil.evals (pandas)",
    ]


def test_mistakes_are_named_when_decorating() -> None:
    def bare(x: pd.Series) -> pd.Series:
        return x

    def rows(x: int) -> Annotated[pd.Series, int]:
        return pd.Series([x])

    def some(x: pd.Series, y) -> Annotated[pd.Series, int]:  # type: ignore[no-untyped-def]
        return x

    def mixed(x: Iterator[pa.Array]) -> Annotated[pa.Array, int]:
        return next(x)

    def two(x: Iterator[pa.Array], y: Iterator[pa.Array]) -> Iterator[Annotated[pa.Array, int]]:
        return x

    for decorate, function, message in (
        (hydrofoil.pandas_udf, bare, r"bare\(\) has no return type: Series does not say"),
        (hydrofoil.pandas_udf, rows, r"parameter 'x' of rows\(\): the type hint int is no column"),
        (hydrofoil.pandas_udf, some, r"parameter 'y' of some\(\) has no type hint"),
        (hydrofoil.arrow_udf, mixed, "its argument an iterator"),
        (hydrofoil.arrow_udf, two, "should have one parameter, not 2"),
        (hydrofoil.arrow_udf("int"), lambda: np.zeros(1), "takes no parameter"),
    ):
        with pytest.raises(UsageError, match=message):
            decorate(function)
