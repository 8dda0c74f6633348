"""Functions that each fail at one row, batch or group, and queries that run them.

Rows have ``n`` from 0, in two partitions of `HALF` rows; ``BAD`` is in the second one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

HALF = 500
BAD = 777
ROW = BAD - HALF
KEYS = 7
BAD_KEY = 3
ARROW = "spark.sql.execution.pythonUDF.arrow.enabled"
BATCH = "spark.sql.execution.arrow.maxRecordsPerBatch"


@dataclass(frozen=True)
class Planted:
    """One failure.

    Attributes
    ----------
    query : callable
        Of the frame that `rows` returns.
    code : object
        What the user wrote, whose name, file and line the note should have.
    where : str
        What the note should say behind the function.
    since : str
        The first Spark version that has such functions.
    conf : dict
        Settings of the query.
    """

    query: Callable[[DataFrame], DataFrame]
    code: Any
    where: str
    since: str = "3.5"
    conf: tuple[tuple[str, str], ...] = ()


def rows(spark: SparkSession) -> DataFrame:
    return spark.range(0, 2 * HALF, 1, 2).selectExpr("id n", "concat('v', id) s", f"id % {KEYS} k")


def parse(s: str, n: int) -> int:
    return 1 // (n - BAD) + len(s)


def returns_object(n: int) -> Any:
    return object() if n == BAD else 1


def returns_array(s: str) -> Any:
    return [1, object()] if s == f"v{BAD}" else [1]


def good(n: int) -> int:
    return n


def recurses(n: int) -> int:
    return recurses(n) if n == BAD else 1


def exits(n: int) -> int:
    return exit(3) if n == BAD else 1


def not_picklable(n: int) -> Any:
    return (i for i in ()) if n == BAD else "x"


def series(n: pd.Series) -> pd.Series:
    if (n == BAD).any():
        raise ValueError("series")
    return n


def series_of_wrong_length(n: pd.Series) -> pd.Series:
    return n.head(1) if (n == BAD).any() else n


def series_iterator(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    yield from map(series, batches)


def frames(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for batch in batches:
        yield pd.DataFrame({"n": series(batch["n"])})


def record_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        series(batch.column("n").to_pandas())
        yield batch.select(["n"])


def group(frame: pd.DataFrame) -> pd.DataFrame:
    if frame["k"].iloc[0] == BAD_KEY:
        raise ValueError("group")
    return frame[["n"]]


def group_with_key(key: Any, frame: pd.DataFrame) -> pd.DataFrame:
    return group(frame)


def group_table(table: pa.Table) -> pa.Table:
    group(table.to_pandas())
    return table.select(["n"])


def cogroup(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    return group(left)


def mean(n: pd.Series) -> float:
    return float(series(n).mean())


def array(n: pa.Array) -> pa.Array:
    series(n.to_pandas())
    return n


class Table:
    def eval(self, n: int) -> Iterator[tuple[int]]:
        if n == BAD:
            raise ValueError("table")
        yield (n,)


def partition_rows(partition: Any) -> Iterator[tuple[int]]:
    yield (1,)
    if partition.value == 1:
        raise ValueError("source")


def _data_source(frame: DataFrame) -> DataFrame:
    from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

    class Reader(DataSourceReader):
        def partitions(self) -> list[InputPartition]:
            return [InputPartition(0), InputPartition(1)]

        def read(self, partition: InputPartition) -> Iterator[tuple[int]]:
            return partition_rows(partition)

    class Source(DataSource):
        @classmethod
        def name(cls) -> str:
            return "planted"

        def reader(self, schema: Any) -> DataSourceReader:
            return Reader()

    frame.sparkSession.dataSource.register(Source)
    return frame.sparkSession.read.format("planted").schema("n long").load()


def _udf(function: Any, returns: str, *columns: str) -> Callable[[DataFrame], DataFrame]:
    return lambda frame: frame.select(F.udf(function, returns)(*columns))


def _two(frame: DataFrame) -> DataFrame:
    return frame.select(
        F.udf(good, "long")("n"), F.udf(parse, "long")("s", "n"), F.udf(good, "long")("n")
    )


def _chain(frame: DataFrame) -> DataFrame:
    return frame.select(F.udf(parse, "long")("s", F.udf(good, "long")("n")))


def _pandas(function: Any, returns: str = "long") -> Callable[[DataFrame], DataFrame]:
    return lambda frame: frame.select(F.pandas_udf(function, returns)("n"))


def _table(frame: DataFrame) -> DataFrame:
    spark = frame.sparkSession
    spark.udtf.register("planted", F.udtf(Table, returnType="a long"))
    frame.createOrReplaceTempView("planted_rows")
    return spark.sql("SELECT a FROM planted_rows, LATERAL planted(n)")


def _window(frame: DataFrame) -> DataFrame:
    from pyspark.sql import Window

    over = Window.partitionBy("k")
    return frame.select(F.pandas_udf(mean, "double")("n").over(over))


def _arrow_udf(frame: DataFrame) -> DataFrame:
    return frame.select(F.arrow_udf(array, "long")("n"))


AT_ROW = f"partition 1, row {ROW}"
CALLED = f"{AT_ROW}, called with s='v{BAD}', n={BAD}"
# Batches of 100 rows.
IN_BATCH = f"partition 1, batch {ROW // 100} (rows {ROW - ROW % 100} to {ROW - ROW % 100 + 99})"
BATCHES = ((BATCH, "100"),)
PICKLED = ((ARROW, "false"),)
ARROWS = ((ARROW, "true"),)
GROUPS = len(range(BAD_KEY, 2 * HALF, KEYS))

PLANTED: dict[str, Planted] = {
    "udf": Planted(_udf(parse, "long", "s", "n"), parse, CALLED, conf=ARROWS),
    "pickled udf": Planted(_udf(parse, "long", "s", "n"), parse, CALLED, conf=PICKLED),
    "udf beside others": Planted(_two, parse, CALLED, conf=ARROWS),
    "pickled udf beside others": Planted(_two, parse, CALLED, conf=PICKLED),
    "udf of a udf": Planted(_chain, parse, AT_ROW, conf=ARROWS),
    "wrong result": Planted(
        _udf(returns_object, "long", "n"),
        returns_object,
        f"{AT_ROW}, called with n={BAD}, which returned <object object at 0x",
        conf=ARROWS,
    ),
    "wrong element": Planted(
        _udf(returns_array, "array<long>", "s"),
        returns_array,
        f"{AT_ROW}, called with s='v{BAD}', which returned [1, <object object at 0x",
        conf=ARROWS,
    ),
    "recursion": Planted(_udf(recurses, "long", "n"), recurses, f"{AT_ROW}, called with n={BAD}"),
    "exit": Planted(_udf(exits, "long", "n"), exits, AT_ROW, conf=ARROWS),
    "result that can't be pickled": Planted(
        _udf(not_picklable, "string", "n"), not_picklable, "partition 1, ", conf=PICKLED
    ),
    "pandas_udf": Planted(_pandas(series), series, IN_BATCH, conf=BATCHES),
    "pandas_udf of wrong length": Planted(
        _pandas(series_of_wrong_length), series_of_wrong_length, IN_BATCH, conf=BATCHES
    ),
    "pandas_udf over iterators": Planted(
        _pandas(series_iterator), series_iterator, IN_BATCH, conf=BATCHES
    ),
    "arrow_udf": Planted(_arrow_udf, array, IN_BATCH, since="4.1", conf=BATCHES),
    "mapInPandas": Planted(
        lambda frame: frame.mapInPandas(frames, "n long"), frames, IN_BATCH, conf=BATCHES
    ),
    "mapInArrow": Planted(
        lambda frame: frame.mapInArrow(record_batches, "n long"),
        record_batches,
        IN_BATCH,
        conf=BATCHES,
    ),
    "applyInPandas": Planted(
        lambda frame: frame.groupBy("k").applyInPandas(group, "n long"),
        group,
        f"PLACE, key ({BAD_KEY}), {GROUPS} rows",
    ),
    "applyInPandas with key": Planted(
        lambda frame: frame.groupBy("k").applyInPandas(group_with_key, "n long"),
        group_with_key,
        f"PLACE, key ({BAD_KEY}), {GROUPS} rows",
    ),
    "applyInArrow": Planted(
        lambda frame: frame.groupBy("k").applyInArrow(group_table, "n long"),
        group_table,
        f"PLACE, key ({BAD_KEY}), {GROUPS} rows",
        since="4.0",
    ),
    "cogroup": Planted(
        lambda frame: (
            frame.groupBy("k").cogroup(frame.groupBy("k")).applyInPandas(cogroup, "n long")
        ),
        cogroup,
        f"PLACE, key ({BAD_KEY})",
    ),
    "aggregate": Planted(
        lambda frame: frame.groupBy(F.expr(f"if(n = {BAD}, {BAD_KEY}, 0)").alias("k")).agg(
            F.pandas_udf(mean, "double")("n")
        ),
        mean,
        "partition ",
    ),
    "window": Planted(_window, mean, "partition "),
    "table function": Planted(_table, Table.eval, f"{AT_ROW}, called with n={BAD}"),
    "data source": Planted(_data_source, partition_rows, "partition 1", since="4.0"),
}
