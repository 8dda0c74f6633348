"""Queries and streams whose tasks are small, with Python functions and without."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from hydrofoil.tools.bench.micro_batches import Streamed
from hydrofoil.tools.bench.stopwatch import drain

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

TASKS = 200
ROWS_OF_A_TASK = 10


# Without hints, which PySpark would look at.
_plus_one: Callable[[Any], Any] = lambda value: value + 1  # noqa: E731


def _mean() -> Callable[..., Any]:
    """Made where pandas is there: PySpark reads what kind of function it is from its hints."""
    import pandas as pd

    def mean(values: pd.Series) -> float:
        return float(values.mean())

    return mean


def _same(group: "pd.DataFrame") -> "pd.DataFrame":
    return group


def tasks_of(name: str, rows: int) -> int:
    """How many tasks of a query run Python, over so many rows."""
    return max(1, rows // ROWS_OF_A_TASK) if name == "tasks" else TASKS


def _tasks(spark: "SparkSession", python: bool, rows: int) -> "DataFrame":
    from pyspark.sql.functions import col, udf

    data = spark.range(0, rows, 1, tasks_of("tasks", rows))
    result = udf(_plus_one, "long")("id") if python else col("id") + 1
    return data.select(result.alias("r"))


def _shuffle(spark: "SparkSession", python: bool, rows: int) -> "DataFrame":
    from pyspark.sql.functions import avg, col
    from pyspark.sql.pandas.functions import pandas_udf

    make: Any = pandas_udf  # mypy knows no hints of Series
    mean = make(_mean(), "double") if python else avg
    data = spark.range(0, rows, 1, 2).select((col("id") % TASKS).alias("k"), "id")
    return data.groupBy("k").agg(mean("id").alias("m"))


Query = Callable[["SparkSession", bool, int], "DataFrame"]

# Name -> (title, of so many tasks; query; settings).
QUERIES: dict[str, tuple[str, Query, dict[str, str]]] = {
    "tasks": ("{} tasks of a plain UDF", _tasks, {}),
    "shuffle": (
        "a grouped pandas_udf behind a shuffle of {}",
        _shuffle,
        {"spark.sql.adaptive.enabled": "false", "spark.sql.shuffle.partitions": str(TASKS)},
    ),
}


def _stream_rows(python: bool, data: "DataFrame") -> "DataFrame":
    from pyspark.sql.functions import col, udf

    result = udf(_plus_one, "long")("value") if python else col("value") + 1
    return data.select(result.alias("r"))


def _stream_groups(python: bool, data: "DataFrame") -> "DataFrame":
    from pyspark.sql.functions import col

    keyed = data.select((col("value") % 4).alias("k"), "value")
    if not python:
        return keyed.repartition("k")
    return keyed.groupBy("k").applyInPandas(_same, "k long, value long")


def _drain_rows(python: bool, batch: "DataFrame", _: int) -> None:
    drain(_stream_rows(python, batch))


STREAMS: dict[str, tuple[str, Callable[[bool], Streamed]]] = {
    "stream": (
        "a stream through a plain UDF, to memory",
        lambda python: Streamed(partial(_stream_rows, python)),
    ),
    "stream, remote": (
        "the same with checkpoints as on HDFS, which start no processes",
        lambda python: Streamed(partial(_stream_rows, python), as_remote=True),
    ),
    "stream groups": (
        "a stream through applyInPandas, to memory",
        lambda python: Streamed(partial(_stream_groups, python)),
    ),
    "foreachBatch": (
        "a plain UDF inside foreachBatch",
        lambda python: Streamed(None, partial(_drain_rows, python)),
    ),
}


def workloads() -> list[str]:
    """What --workload can choose."""
    return [*QUERIES, *STREAMS]
