"""A function of each kind that is given groups, which tells what it was given.

Each takes the columns k and v, and answers with the columns that `ANSWER` declares: the key, how
many rows, how many batches they came in, and the sum of v.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyspark
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

LINE = tuple(map(int, pyspark.__version__.split(".")[:2]))
ANSWER = "k long, n long, sizes string, v long"

Query = Callable[[DataFrame], DataFrame]


def _key(values: list[Any]) -> Any:
    return None if pd.isna(values[0]) else values[0]


def frame_of(k: Any, sizes: list[int], v: int) -> pd.DataFrame:
    columns = {"k": [k], "n": [sum(sizes)], "sizes": [str(sizes)], "v": [v]}
    return pd.DataFrame(columns, dtype=object)


def table_of(k: Any, sizes: list[int], v: int) -> pa.Table:
    columns = {"k": [k], "n": [sum(sizes)], "sizes": [str(sizes)], "v": [v]}
    fields = [("k", pa.int64()), ("n", pa.int64()), ("sizes", pa.string()), ("v", pa.int64())]
    return pa.table(columns, schema=pa.schema(fields))


def of_frame(frame: pd.DataFrame) -> pd.DataFrame:
    return frame_of(_key(frame["k"]), [len(frame)], int(frame["v"].sum()))


def of_key_and_frame(key: tuple[Any, ...], frame: pd.DataFrame) -> pd.DataFrame:
    return frame_of(_key(list(key)), [len(frame)], int(frame["v"].sum()))


def of_frames(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    kept = list(frames)
    v = sum(int(frame["v"].sum()) for frame in kept)
    yield frame_of(_key(kept[0]["k"]), list(map(len, kept)), v)


def of_first_frame(key: Any, frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    first = next(frames)
    yield frame_of(_key(list(key)), [len(first)], int(first["v"].sum()))


def of_table(table: pa.Table) -> pa.Table:
    sizes = [len(chunk) for chunk in table.column("v").chunks]
    return table_of(table["k"][0].as_py(), sizes, pc.sum(table["v"]).as_py())


def of_key_and_table(key: Any, table: pa.Table) -> pa.Table:
    return table_of(key[0].as_py(), [table.num_rows], pc.sum(table["v"]).as_py())


def of_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    kept = list(batches)
    v = sum(pc.sum(batch["v"]).as_py() for batch in kept)
    yield from table_of(kept[0]["k"][0].as_py(), list(map(len, kept)), v).to_batches()


def of_first_batch(key: Any, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    first = next(batches)
    yield from table_of(key[0].as_py(), [len(first)], pc.sum(first["v"]).as_py()).to_batches()


def of_two_frames(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    sizes = [len(left), len(right)]
    return frame_of(_key([*left["k"], *right["k"]]), sizes, int(left["v"].sum() - right["v"].sum()))


def of_key_and_two_frames(key: Any, left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    return frame_of(_key(list(key)), [len(left), len(right)], int(left["v"].sum()))


def of_two_tables(left: pa.Table, right: pa.Table) -> pa.Table:
    sizes = [left.num_rows, right.num_rows]
    k = (left if left.num_rows else right)["k"][0].as_py()
    return table_of(k, sizes, pc.sum(left["v"]).as_py())


def of_key_and_two_tables(key: Any, left: pa.Table, right: pa.Table) -> pa.Table:
    return table_of(key[0].as_py(), [left.num_rows, right.num_rows], pc.sum(right["v"]).as_py())


def other_side(data: DataFrame) -> DataFrame:
    """Groups for the right side of a cogroup: some of the left's, and some of its own."""
    return data.where("k % 3 != 1 OR v % 2 = 0").selectExpr("k + 2 AS k", "v * 3 AS v")


def _in_pandas(function: Any) -> Query:
    return lambda data: data.groupBy("k").applyInPandas(function, ANSWER)


def _in_arrow(function: Any) -> Query:
    return lambda data: data.groupBy("k").applyInArrow(function, ANSWER)


def _pairs_in_pandas(function: Any) -> Query:
    return lambda data: (
        data.groupBy("k").cogroup(other_side(data).groupBy("k")).applyInPandas(function, ANSWER)
    )


def _pairs_in_arrow(function: Any) -> Query:
    return lambda data: (
        data.groupBy("k").cogroup(other_side(data).groupBy("k")).applyInArrow(function, ANSWER)
    )


def _aggregate(columns: Callable[[], list[Any]]) -> Query:
    # A UDF takes the environment of workers along when it is made.
    def query(data: DataFrame) -> DataFrame:
        named = [column.alias(f"a{i}") for i, column in enumerate(columns())]
        return data.groupBy("k").agg(*named, F.lit(1).alias("one"))

    return query


def pandas(function: Any, declared: str) -> Any:
    """A new pandas UDF."""
    return F.pandas_udf(function, declared)  # type: ignore[call-overload]


def arrow(function: Any, declared: str) -> Any:
    """A new Arrow UDF."""
    return F.arrow_udf(function, declared)


def mean(v: pd.Series) -> float:
    return float(v.mean())


def listed(v: pd.Series, k: pd.Series) -> str:
    return f"{k.iloc[0]}: {v.tolist()}"


KINDS: dict[str, Query] = {
    "pandas": _in_pandas(of_frame),
    "pandas with key": _in_pandas(of_key_and_frame),
    "cogrouped pandas": _pairs_in_pandas(of_two_frames),
    "cogrouped pandas with key": _pairs_in_pandas(of_key_and_two_frames),
    "pandas aggregates": _aggregate(
        lambda: [pandas(mean, "double")("v"), pandas(listed, "string")("v", "k")]
    ),
    "pandas aggregate of an expression": _aggregate(
        lambda: [pandas(mean, "double")(F.expr("v * 2 + k"))]
    ),
    "arrow": _in_arrow(of_table),
    "arrow with key": _in_arrow(of_key_and_table),
    "cogrouped arrow": _pairs_in_arrow(of_two_tables),
    "cogrouped arrow with key": _pairs_in_arrow(of_key_and_two_tables),
}

if LINE >= (4, 1):

    def total(v: pa.Array) -> int:
        return pc.sum(v).as_py()  # type: ignore[no-any-return]

    def arrow_listed(v: pa.Array, k: pa.Array) -> str:
        return f"{k[0].as_py()}: {v.to_pylist()}"

    KINDS |= {
        "pandas batches": _in_pandas(of_frames),
        "first of pandas batches": _in_pandas(of_first_frame),
        "arrow batches": _in_arrow(of_batches),
        "first of arrow batches": _in_arrow(of_first_batch),
        "arrow aggregates": _aggregate(
            lambda: [arrow(total, "bigint")("v"), arrow(arrow_listed, "string")(k="k", v="v")]
        ),
        "arrow aggregate": _aggregate(lambda: [arrow(total, "bigint")("v")]),
    }

if LINE >= (4, 2):

    def batches_listed(batches: Iterator[pd.Series]) -> str:
        return str([batch.tolist() for batch in batches])

    def arrow_batches_listed(batches: Iterator[pa.Array]) -> str:
        return str([batch.to_pylist() for batch in batches])

    def first_of(batches: Iterator[pa.Array]) -> int:
        return len(next(batches))

    KINDS |= {
        "pandas aggregate of batches": _aggregate(lambda: [pandas(batches_listed, "string")("v")]),
        "arrow aggregate of batches": _aggregate(
            lambda: [arrow(arrow_batches_listed, "string")("v")]
        ),
        "arrow aggregate of the first batch": _aggregate(lambda: [arrow(first_of, "bigint")("v")]),
    }
