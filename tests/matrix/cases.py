"""One small query for each eval type, written with what every version of Spark from 3.5 on offers.

Each is a function of a session, of a folder of its own, and of what users' functions do before they
answer: `nothing`, or `fail` where the value 2 comes by. Keyed by the eval type's name in PySpark.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Row, SparkSession, Window
from pyspark.sql import functions as F

from hydrofoil.tools.parity.probes import describe

Check = Callable[[Any], Any]
Case = Callable[[SparkSession, Path, Check], DataFrame]

CASES: dict[str, Case] = {}

# Named as Spark asks for when it tells iterators by their hints.
Frames = Iterator[pd.DataFrame]
SeriesIter = Iterator[pd.Series]
Batches = Iterator[pa.RecordBatch]
Arrays = Iterator[pa.Array]

ROCKS = {
    "spark.sql.streaming.stateStore.providerClass": (
        "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
    )
}


def nothing(value: Any) -> Any:
    """The check of functions that succeed."""
    return value


def fail(value: Any) -> Any:
    """The check of functions that fail in mid-data."""
    if value == 2:
        raise ValueError(f"no {value!r} here")
    return value


def case(name: str) -> Callable[[Case], Case]:
    """Register a case under its eval type's name."""

    def register(made: Case) -> Case:
        CASES[name] = made
        return made

    return register


def rows(spark: SparkSession) -> DataFrame:
    """Ten rows in one partition; a null in each column, in another row."""
    return spark.range(0, 10, 1, 1).selectExpr(
        "IF(id = 5, NULL, concat('k', id % 3)) AS k",
        "IF(id = 3, NULL, id) AS n",
        "IF(id = 4, NULL, id / 4) AS x",
        "IF(id = 6, NULL, concat('é', id)) AS s",
        "IF(id = 7, NULL, CAST(id / 8 AS DECIMAL(10, 3))) AS d",
        "IF(id = 8, NULL, make_timestamp(2024, 1 + id, 3, 4, 5, 6.789)) AS t",
        "IF(id = 1, NULL, array(id, NULL, id + 1)) AS a",
        "IF(id = 9, NULL, named_struct('p', id, 'q', CAST(id AS STRING))) AS r",
    )


COLUMNS = ("n", "x", "s", "d", "t", "a", "r")
STRUCT = "struct<n bigint, text string>"


def seen(*values: Any) -> str:
    """What a function was given, as text; arrays and frames by their parts."""
    return "; ".join(map(_seen, values))


def _seen(value: Any) -> str:
    if isinstance(value, pd.DataFrame):
        return f"frame {[(name, _seen(value[name])) for name in value.columns]}"
    if isinstance(value, pd.Series):
        return f"series {value.dtype} {value.name!r} {[_seen(item) for item in value]}"
    if isinstance(value, np.ndarray):
        return f"array {value.dtype} {[_seen(item) for item in value]}"
    if isinstance(value, (pa.Array, pa.ChunkedArray, pa.Table, pa.RecordBatch)):
        kind = value.schema.to_string() if hasattr(value, "schema") else str(value.type)
        return f"{type(value).__name__} {kind} {value.to_pylist()!r}"
    if isinstance(value, (pa.Scalar, np.generic, pd.Timestamp)) or value is pd.NaT:
        return f"{type(value).__name__} {value!r}"
    return describe(value)


# --- Plain functions ------------------------------------------------------------------------------


@case("NON_UDF")
def rdd(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    made = rows(spark).rdd.map(lambda row: (row.n, describe(check(row.n))))
    return made.filter(lambda pair: pair[0] != 7).toDF("n bigint, text string")


def plain(spark: SparkSession, check: Check, arrow: bool) -> DataFrame:
    columns = [F.col(name) for name in COLUMNS]

    def twice(n: Any) -> Any:
        return None if check(n) is None else n * 2

    number = F.udf(twice, "bigint", useArrow=arrow)
    text = F.udf(seen, "string", useArrow=arrow)
    struct = F.udf(lambda n, s: None if s is None else Row(n=n, text=s), STRUCT, useArrow=arrow)
    array = F.udf(lambda a: None if a is None else [*a, None], "array<bigint>", useArrow=arrow)
    mapped = F.udf(lambda s: {s or "": 1.5}, "map<string, double>", useArrow=arrow)
    constant = F.udf(lambda: True, "boolean", useArrow=arrow)
    same = {
        kind: F.udf(lambda value: value, kind, useArrow=arrow)
        for kind in ("double", "decimal(10, 3)", "timestamp", "binary")
    }
    return rows(spark).select(
        number(number("n")),
        text(*columns),
        struct("n", "s"),
        array("a"),
        mapped("s"),
        constant(),
        same["double"]("x"),
        same["decimal(10, 3)"]("d"),
        same["timestamp"]("t"),
        same["binary"](F.encode("s", "utf-8")),
    )


@case("SQL_BATCHED_UDF")
def pickled(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    return plain(spark, check, arrow=False)


@case("SQL_ARROW_BATCHED_UDF")
def batched(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    return plain(spark, check, arrow=True)


# --- Functions of pandas --------------------------------------------------------------------------


def checked_series(series: pd.Series, check: Check) -> pd.Series:
    for value in series:
        check(value)
    return series


@case("SQL_SCALAR_PANDAS_UDF")
def scalar_pandas(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    @F.pandas_udf("bigint")
    def number(n: pd.Series) -> pd.Series:
        return checked_series(n, check) * 2

    @F.pandas_udf("string")
    def text(*columns: pd.Series) -> pd.Series:
        first = len(columns[0]) - 1
        return pd.Series([seen(*columns)] + [None] * first, dtype=object)

    @F.pandas_udf(STRUCT)
    def struct(n: pd.Series, s: pd.Series) -> pd.DataFrame:
        return pd.DataFrame({"n": n.fillna(-1).astype("int64"), "text": s})

    @F.pandas_udf("timestamp")
    def later(t: pd.Series) -> pd.Series:
        return t + pd.Timedelta("1h")

    columns = [F.col(name) for name in COLUMNS]
    return rows(spark).select(number("n"), text(*columns), struct("n", "s"), later("t"))


@case("SQL_SCALAR_PANDAS_ITER_UDF")
def scalar_pandas_iter(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    @F.pandas_udf("string")
    def text(batches: Iterator[tuple[pd.Series, pd.Series]]) -> SeriesIter:
        for n, s in batches:
            checked_series(n, check)
            yield pd.Series([seen(n, s)] * len(n), dtype=object)

    return rows(spark).select(text("n", "s"))


@case("SQL_MAP_PANDAS_ITER_UDF")
def map_pandas(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    def function(frames: Frames) -> Frames:
        for frame in frames:
            checked_series(frame["n"], check)
            yield pd.DataFrame({"n": frame["n"], "text": seen(frame)})
            yield pd.DataFrame({"n": [None], "text": [None]})

    return rows(spark).mapInPandas(function, "n bigint, text string")


@case("SQL_GROUPED_MAP_PANDAS_UDF")
def grouped_map_pandas(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    def function(key: Any, frame: pd.DataFrame) -> pd.DataFrame:
        checked_series(frame["n"], check)
        frame["x"] = frame["x"] + 1
        return frame.assign(text=seen(key, frame))[["k", "n", "x", "s", "t", "text"]]

    columns = "k string, n bigint, x double, s string, t timestamp, text string"
    return rows(spark).groupBy("k").applyInPandas(function, columns)


@case("SQL_GROUPED_MAP_PANDAS_ITER_UDF")
def grouped_map_pandas_iter(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    def function(key: Any, frames: Frames) -> Frames:
        for frame in frames:
            checked_series(frame["n"], check)
            yield pd.DataFrame({"n": frame["n"], "text": seen(key, frame)})

    return rows(spark).groupBy("k").applyInPandas(function, "n bigint, text string")


@case("SQL_COGROUPED_MAP_PANDAS_UDF")
def cogrouped_map_pandas(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    def function(key: Any, left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
        checked_series(left["n"], check)
        return pd.DataFrame({"n": [len(left)], "text": [seen(key, left, right)]})

    left, right = rows(spark).filter("n IS NULL OR n < 7"), rows(spark).filter("n > 2")
    return (
        left.groupBy("k")
        .cogroup(right.groupBy("k"))
        .applyInPandas(function, "n bigint, text string")
    )


def summed(check: Check) -> Callable[..., Column]:
    @F.pandas_udf("double")
    def total(n: pd.Series) -> float:
        return float(checked_series(n, check).sum())

    return total


@case("SQL_GROUPED_AGG_PANDAS_UDF")
def grouped_agg_pandas(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    @F.pandas_udf("string")
    def text(n: pd.Series, s: pd.Series) -> str:
        return seen(n, s)

    return rows(spark).groupBy("k").agg(summed(check)("n"), text("n", "s"))


@case("SQL_WINDOW_AGG_PANDAS_UDF")
def window_agg_pandas(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    whole = Window.partitionBy("k").orderBy("n")
    sliding = whole.rowsBetween(-1, 1)
    entire = whole.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    total = summed(check)
    return rows(spark).select("k", "n", total("n").over(sliding), total("n").over(entire))


@case("SQL_GROUPED_AGG_PANDAS_ITER_UDF")
def grouped_agg_pandas_iter(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    @F.pandas_udf("double")
    def total(batches: SeriesIter) -> float:
        return float(sum(checked_series(n, check).sum() for n in batches))

    return rows(spark).groupBy("k").agg(total("n"))


# --- Functions of Arrow ---------------------------------------------------------------------------


def checked_array(array: Any, check: Check) -> Any:
    for value in array.to_pylist():
        check(value)
    return array


@case("SQL_SCALAR_ARROW_UDF")
def scalar_arrow(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    @F.arrow_udf("bigint")
    def same(n: pa.Array) -> pa.Array:
        return checked_array(n, check)

    @F.arrow_udf("string")
    def text(*columns: pa.Array) -> pa.Array:
        return pa.array([seen(*columns)] * len(columns[0]))

    return rows(spark).select(same("n"), text(*[F.col(name) for name in COLUMNS]))


@case("SQL_SCALAR_ARROW_ITER_UDF")
def scalar_arrow_iter(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    @F.arrow_udf("bigint")
    def same(batches: Arrays) -> Arrays:
        for n in batches:
            yield checked_array(n, check)

    return rows(spark).select(same("n"))


@case("SQL_MAP_ARROW_ITER_UDF")
def map_arrow(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    def function(batches: Batches) -> Batches:
        for batch in batches:
            checked_array(batch.column(1), check)
            yield batch.select(["n", "s"])

    return rows(spark).mapInArrow(function, "n bigint, s string")


@case("SQL_GROUPED_MAP_ARROW_UDF")
def grouped_map_arrow(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    def function(key: Any, table: pa.Table) -> pa.Table:
        checked_array(table.column("n"), check)
        return table.select(["n"]).append_column("text", pa.array([seen(key, table)] * len(table)))

    return rows(spark).groupBy("k").applyInArrow(function, "n bigint, text string")


@case("SQL_GROUPED_MAP_ARROW_ITER_UDF")
def grouped_map_arrow_iter(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    def function(key: Any, batches: Batches) -> Batches:
        for batch in batches:
            checked_array(batch.column("n"), check)
            yield batch.select(["n", "s"])

    return rows(spark).groupBy("k").applyInArrow(function, "n bigint, s string")


@case("SQL_COGROUPED_MAP_ARROW_UDF")
def cogrouped_map_arrow(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    def function(key: Any, left: pa.Table, right: pa.Table) -> pa.Table:
        checked_array(left.column("n"), check)
        return pa.table({"n": [len(left)], "text": [seen(key, left, right)]})

    left, right = rows(spark).filter("n IS NULL OR n < 7"), rows(spark).filter("n > 2")
    return (
        left.groupBy("k")
        .cogroup(right.groupBy("k"))
        .applyInArrow(function, "n bigint, text string")
    )


def summed_arrow(check: Check) -> Callable[..., Column]:
    @F.arrow_udf("bigint")
    def total(n: pa.Array) -> pa.Scalar:
        return pa.scalar(sum(value or 0 for value in checked_array(n, check).to_pylist()))

    return total


@case("SQL_GROUPED_AGG_ARROW_UDF")
def grouped_agg_arrow(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    return rows(spark).groupBy("k").agg(summed_arrow(check)("n"))


@case("SQL_WINDOW_AGG_ARROW_UDF")
def window_agg_arrow(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    whole = Window.partitionBy("k").orderBy("n")
    sliding = whole.rowsBetween(-1, 1)
    entire = whole.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    total = summed_arrow(check)
    return rows(spark).select("k", "n", total("n").over(sliding), total("n").over(entire))


@case("SQL_GROUPED_AGG_ARROW_ITER_UDF")
def grouped_agg_arrow_iter(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    @F.arrow_udf("bigint")
    def total(batches: Arrays) -> pa.Scalar:
        return pa.scalar(sum(v or 0 for n in batches for v in checked_array(n, check).to_pylist()))

    return rows(spark).groupBy("k").agg(total("n"))


# --- Table functions ------------------------------------------------------------------------------


def table(spark: SparkSession, check: Check, arrow: bool) -> DataFrame:
    class Handler:
        def __init__(self) -> None:
            self.count = 0

        def eval(self, n: Any, s: Any, r: Any) -> Any:
            self.count += 1
            yield check(n), seen(n, s, r)
            if n == 1:
                yield None, None

        def terminate(self) -> Any:
            yield self.count, "end"

    spark.udtf.register("f", F.udtf(Handler, returnType="n bigint, text string", useArrow=arrow))
    rows(spark).createOrReplaceTempView("t")
    return spark.sql("SELECT f.* FROM t, LATERAL f(t.n, t.s, t.r) f")


@case("SQL_TABLE_UDF")
def table_pickled(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    return table(spark, check, arrow=False)


@case("SQL_ARROW_TABLE_UDF")
def table_arrow(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    return table(spark, check, arrow=True)


@case("SQL_ARROW_UDTF")
def table_of_batches(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    @F.arrow_udtf(returnType="n bigint, text string")
    class Handler:
        def eval(self, n: pa.Array, s: pa.Array) -> Iterator[pa.Table]:
            checked_array(n, check)
            yield pa.table({"n": n, "text": [seen(n, s)] * len(n)})

    spark.udtf.register("f", Handler)
    return spark.sql("SELECT * FROM f(2L, 's')").unionAll(spark.sql("SELECT * FROM f(NULL, NULL)"))


# --- Functions with state -------------------------------------------------------------------------


def streamed(
    spark: SparkSession, folder: Path, made: Callable[[DataFrame], DataFrame]
) -> DataFrame:
    """The rows of two micro-batches."""
    source = folder / "in"
    for first in (0, 2):
        part = rows(spark).filter(f"n >= {first} AND n < {first + 2}").select("k", "n", "s")
        part.coalesce(1).write.mode("append").json(str(source))
    read = spark.readStream.schema("k STRING, n BIGINT, s STRING")
    frame = read.option("maxFilesPerTrigger", 1).json(str(source))
    writer = made(frame).writeStream.format("memory").queryName("made").outputMode("update")
    query = writer.option("checkpointLocation", str(folder / "state")).trigger(availableNow=True)
    try:
        query.start().awaitTermination()
    except Exception as error:  # Its message is mostly the plan, with this run's names.
        found = re.search(r"\n(ValueError: .*)", str(error))
        raise RuntimeError(found.group(1) if found else str(error)) from None
    return spark.table("made")


@case("SQL_GROUPED_MAP_PANDAS_UDF_WITH_STATE")
def stateful_pandas(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    def function(key: Any, frames: Frames, state: Any) -> Frames:
        before = state.get[0] if state.exists else 0
        texts = [seen(frame) for frame in frames if checked_series(frame["n"], check) is not None]
        state.update((before + len(texts),))
        yield pd.DataFrame({"made": [f"{seen(key)} {before} {texts}", None]})

    return streamed(
        spark,
        folder,
        lambda frame: frame.groupBy("k").applyInPandasWithState(
            function, "made STRING", "total BIGINT", "update", "NoTimeout"
        ),
    )


def with_state(
    spark: SparkSession, folder: Path, check: Check, *, frames: bool, initial: bool
) -> DataFrame:
    from pyspark.sql.streaming import StatefulProcessor

    class Counting(StatefulProcessor):
        def init(self, handle: Any) -> None:
            self.total = handle.getValueState("total", "total BIGINT")

        def handleInitialState(self, key: Any, state: Any, timerValues: Any) -> None:
            self.total.update((100,))

        def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Any:
            before = self.total.get()[0] if self.total.exists() else 0
            texts = []
            for item in rows:
                checked_series(item["n"], check) if frames else check(item.n)
                texts.append(seen(item))
            self.total.update((before + len(texts),))
            made = f"{seen(key)} {before} {texts}"
            yield pd.DataFrame({"made": [made]}) if frames else Row(made=made)

        def close(self) -> None:
            pass

    method = "transformWithStateInPandas" if frames else "transformWithState"
    state = rows(spark).select("k", "n").groupBy("k") if initial else None
    return streamed(
        spark,
        folder,
        lambda frame: getattr(frame.groupBy("k"), method)(
            Counting(), "made STRING", "Update", "None", state
        ),
    )


@case("SQL_TRANSFORM_WITH_STATE_PANDAS_UDF")
def state_pandas(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    return with_state(spark, folder, check, frames=True, initial=False)


@case("SQL_TRANSFORM_WITH_STATE_PANDAS_INIT_STATE_UDF")
def state_pandas_initial(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    return with_state(spark, folder, check, frames=True, initial=True)


@case("SQL_TRANSFORM_WITH_STATE_PYTHON_ROW_UDF")
def state_rows(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    return with_state(spark, folder, check, frames=False, initial=False)


@case("SQL_TRANSFORM_WITH_STATE_PYTHON_ROW_INIT_STATE_UDF")
def state_rows_initial(spark: SparkSession, folder: Path, check: Check) -> DataFrame:
    return with_state(spark, folder, check, frames=False, initial=True)
