"""Little and much: rows, batches, columns, values. Each answer is known beforehand.

The largest need a JVM with more memory than Spark gives it: `make faults FAULTS=long` sees to that.
"""

from collections.abc import Callable, Iterator

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import pandas_udf, udf

from faults.conftest import Alike
from hydrofoil.tools.parity.engines import use_conf

RECORDS = "spark.sql.execution.arrow.maxRecordsPerBatch"
MB = 1 << 20


def of_arrow(frame: DataFrame) -> DataFrame:
    return frame.select(udf(lambda x: x + 1, "long", useArrow=True)("id").alias("n"))


def of_pickled(frame: DataFrame) -> DataFrame:
    return frame.select(udf(lambda x: x + 1, "long", useArrow=False)("id").alias("n"))


def of_pandas(frame: DataFrame) -> DataFrame:
    return frame.select(pandas_udf(lambda series: series + 1, "long")("id").alias("n"))


def of_map(frame: DataFrame) -> DataFrame:
    def function(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            numbers = pa.array([x + 1 for x in batch.column(0).to_pylist()], pa.int64())
            yield pa.record_batch([numbers], ["n"])

    return frame.mapInArrow(function, "n long")


def of_groups(frame: DataFrame) -> DataFrame:
    def function(group: pd.DataFrame) -> pd.DataFrame:
        return (group[["id"]] + 1).rename(columns={"id": "n"})

    return frame.selectExpr("id", "id % 7 k").groupBy("k").applyInPandas(function, "n long")


KINDS: dict[str, Callable[[DataFrame], DataFrame]] = {
    "arrow": of_arrow,
    "pickled": of_pickled,
    "pandas": of_pandas,
    "map": of_map,
    "groups": of_groups,
}


def counted(frame: DataFrame) -> tuple[int, int]:
    [[rows, total]] = frame.selectExpr("count(n)", "coalesce(sum(n), 0)").collect()
    return rows, total


def needs_memory(spark: SparkSession) -> None:
    # A JVM without memory ends, and all tests after it fail.
    if spark.conf.get("spark.driver.memory", "1g") != "6g":
        pytest.skip("a JVM of 1 GB can't hold them: set HYDROFOIL_TEST_DRIVER_MEMORY=6g")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [0, 1, pytest.param(10_000_000, marks=pytest.mark.slow)])
def test_rows(spark: SparkSession, alike: Alike, rows: int, kind: str) -> None:
    answer = alike(lambda: counted(KINDS[kind](spark.range(0, rows, 1, 2))))
    assert answer == ("value", (rows, rows * (rows + 1) // 2))


@pytest.mark.parametrize("kind", ["arrow", "pandas", "map", "groups"])
@pytest.mark.parametrize(
    "rows, a_batch", [(300, 1), pytest.param(2_000_000, 1_000_000, marks=pytest.mark.slow)]
)
def test_batches(spark: SparkSession, alike: Alike, rows: int, a_batch: int, kind: str) -> None:
    with use_conf(spark, {RECORDS: str(a_batch)}):
        answer = alike(lambda: counted(KINDS[kind](spark.range(0, rows, 1, 1))))
    assert answer == ("value", (rows, rows * (rows + 1) // 2))


@pytest.mark.parametrize("kind", ["arrow", "pickled", "pandas", "map"])
@pytest.mark.parametrize("megabytes", [4, pytest.param(100, marks=pytest.mark.slow)])
def test_long_strings(spark: SparkSession, alike: Alike, megabytes: int, kind: str) -> None:
    """There, back, and made by the function."""
    size = megabytes * MB
    if megabytes == 100:
        needs_memory(spark)
    frame = spark.range(0, 2, 1, 1).selectExpr(f"repeat(string(id), {size}) s")

    def doubled(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield pa.record_batch([pa.array([s + "é" for s in batch.column(0).to_pylist()])], ["n"])

    def query() -> list[tuple[int, str]]:
        made = {
            "arrow": lambda: frame.select(udf(lambda s: s + "é", useArrow=True)("s").alias("n")),
            "pickled": lambda: frame.select(udf(lambda s: s + "é", useArrow=False)("s").alias("n")),
            "pandas": lambda: frame.select(pandas_udf(lambda s: s + "é", "string")("s").alias("n")),
            "map": lambda: frame.mapInArrow(doubled, "n string"),
        }[kind]()
        return [tuple(row) for row in made.selectExpr("length(n)", "right(n, 2)").collect()]

    assert alike(query) == ("value", [(size + 1, "0é"), (size + 1, "1é")])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["arrow", "pandas"])
def test_more_than_2_gib_of_a_column(spark: SparkSession, alike: Alike, kind: str) -> None:
    """Offsets of 32 bits can't reach its end, so it comes in several batches."""
    needs_memory(spark)
    rows, size = 22, 100 * MB
    function = {"arrow": udf, "pandas": pandas_udf}[kind]
    measure = {"arrow": len, "pandas": lambda texts: texts.str.len()}[kind]
    frame = spark.range(0, rows, 1, 1).selectExpr(f"repeat(string(id % 10), {size}) s")

    def query() -> list[int]:
        return [row[0] for row in frame.select(function(measure, "long")("s")).collect()]

    assert alike(query) == ("value", [size] * rows)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["arrow", "pickled", "pandas", "groups"])
def test_more_than_2_gib_of_results(spark: SparkSession, alike: Alike, kind: str) -> None:
    """What functions make of one batch, or of one group, is more than offsets of 32 bits reach."""
    needs_memory(spark)
    rows, size = 22, 100 * MB
    frame = spark.range(0, rows, 1, 1)

    def of_group(group: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"n": ["x" * size for _ in group["id"]]})

    def query() -> list[int]:
        made = {
            "arrow": lambda: frame.select(udf(lambda x: "x" * size, useArrow=True)("id")),
            "pickled": lambda: frame.select(udf(lambda x: "x" * size, useArrow=False)("id")),
            "pandas": lambda: frame.select(
                pandas_udf(lambda xs: pd.Series(["x" * size for _ in xs]), "string")("id")
            ),
            "groups": lambda: frame.groupBy().applyInPandas(of_group, "n string"),
        }[kind]()
        return [row[0] for row in made.toDF("n").selectExpr("length(n)").collect()]

    too_large = {"pickled": "ValueError: can not serialize object larger than 2G"}
    chunked = "TypeError: Cannot convert pyarrow.lib.ChunkedArray to pyarrow.lib.Array"
    assert alike(query) == ("PythonException", too_large.get(kind, chunked))


@pytest.mark.parametrize("columns", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_many_columns(spark: SparkSession, alike: Alike, columns: int) -> None:
    # Of a projection PySpark would make all columns again for each that it looks up.
    names = [f"c{number}" for number in range(columns)]
    rows = [tuple(range(row, row + columns)) for row in range(3)]
    frame = spark.createDataFrame(rows, ", ".join(f"{name} long" for name in names))

    def function(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for part in frames:
            yield part + 1

    mapped = frame.mapInPandas(function, frame.schema)

    def query() -> tuple[int, ...]:
        [row] = mapped.where("c0 = 2").collect()
        return tuple(row)

    assert alike(query) == ("value", tuple(range(2, columns + 2)))
