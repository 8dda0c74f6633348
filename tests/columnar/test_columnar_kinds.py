"""Each kind of function that Hydrofoil has operators for, over each kind of input."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyspark
import pytest
from columnar_compare import Comparison
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.tools.parity.engines import use_conf

# Every so many cases of each test, unless HYDROFOIL_PARITY=full: see tests/conftest.py.
ONE_IN = 11

LINE = tuple(map(int, pyspark.__version__.split(".")[:2]))

Source = Callable[[SparkSession, Path], DataFrame]
Kind = Callable[[DataFrame], DataFrame]

ROWS = 5000
SCHEMA = "k int, n long, x double, s string"
COLUMNS = (
    "CAST(id % 7 AS INT) AS k",
    "IF(id % 10 = 3, NULL, id) AS n",
    "IF(id % 11 = 4, NULL, id / 4) AS x",
    "IF(id % 6 = 5, NULL, concat('é', id)) AS s",
)


def plain(spark: SparkSession, partitions: int = 2) -> DataFrame:
    return spark.range(0, ROWS, 1, partitions).selectExpr(*COLUMNS)


def written(name: str, format: str, *by: str, **options: str) -> Source:
    """A source that is a data set of the format, partitioned by columns."""

    def read(spark: SparkSession, files: Path) -> DataFrame:
        path = files / name
        if not path.exists():
            frame = plain(spark)
            frame.write.format(format).partitionBy(*by).options(**options).save(str(path))
        found = spark.read.format(format).options(**options)
        if format in ("csv", "json"):
            found = found.schema(SCHEMA)
        return found.load(str(path))

    return read


def empty_partitions(spark: SparkSession, files: Path) -> DataFrame:
    return plain(spark, 4).where("n < 1000 OR n > 4000").repartition(5, "k").where("k < 2")


SOURCES: dict[str, Source] = {
    "range": lambda spark, files: plain(spark),
    "local": lambda spark, files: spark.createDataFrame(
        [(i % 7, None if i % 10 == 3 else i, i / 4, f"é{i}") for i in range(50)], SCHEMA
    ),
    "parquet": written("parquet", "parquet"),
    "partitioned": written("partitioned", "parquet", "k"),
    "orc": written("orc", "orc"),
    "csv": written("csv", "csv", header="true"),
    "json": written("json", "json"),
    "cached": lambda spark, files: plain(spark).cache(),
    "filtered": lambda spark, files: written("parquet", "parquet")(spark, files).where("n > 99"),
    "filtered-range": lambda spark, files: plain(spark).where("n > 99 AND s IS NOT NULL"),
    "shuffled": lambda spark, files: plain(spark).repartition(3, "k"),
    "sorted": lambda spark, files: plain(spark).sort(F.desc("n")),
    "aggregated": lambda spark, files: (
        plain(spark)
        .groupBy("k")
        .agg(F.max("n").alias("n"), F.max("x").alias("x"), F.max("s").alias("s"))
    ),
    "joined": lambda spark, files: plain(spark).join(
        plain(spark).select("n", F.col("s").alias("t")).where("n % 3 = 0"), "n", "left"
    ),
    "broadcast": lambda spark, files: plain(spark).join(
        F.broadcast(spark.range(3).selectExpr("CAST(id AS INT) AS k")), "k"
    ),
    "limited": lambda spark, files: plain(spark).limit(1234),
    "union": lambda spark, files: plain(spark).union(written("parquet", "parquet")(spark, files)),
    "empty": lambda spark, files: plain(spark).where("k > 10"),
    "empty-parquet": lambda spark, files: written("parquet", "parquet")(spark, files).where(
        "k > 10"
    ),
    "empty-partitions": empty_partitions,
}


def row(frame: DataFrame) -> DataFrame:
    def show(n: Any, x: Any, s: Any) -> str:
        return f"{n!r} {x!r} {s!r}"

    return frame.select("k", "s", F.udf(show, "string", useArrow=True)("n", "x", "s"))


def pandas(frame: DataFrame) -> DataFrame:
    @F.pandas_udf("double")
    def half(n: pd.Series, x: pd.Series) -> pd.Series:
        return n / 2 + x

    return frame.select("k", half("n", "x"), "s", "n")


def pandas_iterator(frame: DataFrame) -> DataFrame:
    @F.pandas_udf("string")
    def upper(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
        for batch in batches:
            yield batch.str.upper()

    return frame.select(upper("s"), "x")


def pandas_struct(frame: DataFrame) -> DataFrame:
    @F.pandas_udf("a long, b string")
    def parts(n: pd.Series, s: pd.Series) -> pd.DataFrame:
        return pd.DataFrame({"a": n.fillna(-1).astype("int64"), "b": s})

    return frame.select(parts("n", "s").alias("parts"), "k").select("parts.*", "k")


def arrow(frame: DataFrame) -> DataFrame:
    @F.arrow_udf("long")
    def plus(n: pa.Array) -> pa.Array:
        return pc.add(n, 1)

    return frame.select(plus("n"), "k", "s")


def arrow_iterator(frame: DataFrame) -> DataFrame:
    @F.arrow_udf("double")
    def plus(batches: Iterator[tuple[pa.Array, pa.Array]]) -> Iterator[pa.Array]:
        for n, x in batches:
            yield pc.add(pc.cast(n, pa.float64()), x)

    return frame.select("k", plus("n", "x"))


def map_arrow(frame: DataFrame) -> DataFrame:
    def twice(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield batch
            yield batch.slice(0, batch.num_rows // 2)

    return frame.mapInArrow(twice, frame.schema)


def map_pandas(frame: DataFrame) -> DataFrame:
    def some(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for found in frames:
            kept = found[["k", "n"]].dropna()
            yield kept.astype(np.int64)

    return frame.mapInPandas(some, "k long, n long")


KINDS: dict[str, Kind] = {
    kind.__name__: kind
    for kind in (row, pandas, pandas_iterator, pandas_struct, map_arrow, map_pandas)
}
if LINE >= (4, 1):
    KINDS |= {kind.__name__: kind for kind in (arrow, arrow_iterator)}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", KINDS)
def test_kind_over_source(compare: Comparison, files: Path, kind: str, source: str) -> None:
    with use_conf(compare.spark, {"spark.hydrofoil.columnar.enabled": "false"}):
        SOURCES[source](compare.spark, files).count()  # Writes what is to be read.
    compare.same(
        lambda spark: KINDS[kind](SOURCES[source](spark, files)),
        # Spark plans nothing over what it knows to be empty.
        ours=None if source.startswith("empty") else True,
        in_order=False,
    )
