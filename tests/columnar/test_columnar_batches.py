"""Batches as functions see them, and functions that answer with other batches than those."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyspark
import pytest
from columnar_compare import Comparison
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

# Every so many cases of each test, unless HYDROFOIL_PARITY=full: see tests/conftest.py.
ONE_IN = 7

LINE = tuple(map(int, pyspark.__version__.split(".")[:2]))
RECORDS = "spark.sql.execution.arrow.maxRecordsPerBatch"
BYTES = "spark.sql.execution.arrow.maxBytesPerBatch"
# Spark's own columnar input, since 4.2, cuts batches where a file's end, whatever is asked for.
AS_ASKED = {"spark.sql.execution.arrow.pythonUDF.columnarInput.enabled": "false"}

SIZES = pytest.mark.parametrize("records", ["1", "7", "1000", "10000", "0", "-1"])
SOURCES = pytest.mark.parametrize("source", ["range", "shuffled", "parquet", "filtered"])


def rows(spark: SparkSession, files: Path, source: str, count: int = 2500) -> DataFrame:
    frame = spark.range(0, count, 1, 2).selectExpr(
        "id AS n", "IF(id % 3 = 0, NULL, repeat('é', id % 40)) AS s"
    )
    if source == "range":
        return frame
    if source == "shuffled":
        return frame.repartition(2, "n")
    path = str(files / f"batches-{count}")
    if not Path(path).exists():
        frame.write.parquet(path)
    found = spark.read.parquet(path)
    return found.where("n % 5 > 0") if source == "filtered" else found


@SIZES
@SOURCES
def test_series_are_as_long(compare: Comparison, files: Path, records: str, source: str) -> None:
    def build(spark: SparkSession) -> DataFrame:
        @F.pandas_udf("long")
        def length(n: pd.Series) -> pd.Series:
            return pd.Series([len(n)] * len(n))

        return rows(spark, files, source, 300 if records == "1" else 2500).select(length("n"), "s")

    compare.same(build, conf={RECORDS: records, **AS_ASKED})


@SIZES
@SOURCES
def test_batches_of_map_are_as_long(
    compare: Comparison, files: Path, records: str, source: str
) -> None:
    def build(spark: SparkSession) -> DataFrame:
        def lengths(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                yield pa.RecordBatch.from_arrays([pa.array([batch.num_rows])], ["rows"])

        return rows(spark, files, source, 300 if records == "1" else 2500).mapInArrow(
            lengths, "rows long"
        )

    compare.same(build, conf={RECORDS: records, **AS_ASKED})


@pytest.mark.skipif(LINE < (4, 1), reason="Spark 4.0 bounds no bytes")
@pytest.mark.parametrize("limit", ["1", "300", "5000"])
@SOURCES
def test_every_row_crosses_once_whatever_the_bytes(
    compare: Comparison, files: Path, limit: str, source: str
) -> None:
    """Where batches end by bytes is Spark's guess and Hydrofoil's; rows are not."""

    def build(spark: SparkSession) -> DataFrame:
        upper = F.pandas_udf(lambda s: s.str.upper(), "string")
        return rows(spark, files, source).select("n", upper("s"))

    compare.same(build, conf={BYTES: limit})


def test_shuffled_rows_that_are_large(compare: Comparison) -> None:
    """Rows are read from a shuffle by blocks, each of at least one row however large."""

    def build(spark: SparkSession) -> DataFrame:
        frame = spark.range(0, 40, 1, 2).selectExpr(
            "id AS n",
            "repeat(chr(65 + id), id * id * 100) AS s",
            "array_repeat(id, int(id * 300)) AS a",
        )
        shown = F.udf(lambda n, s, a: f"{n} {len(s)} {s[-1:]} {a[-1:]}", "string", useArrow=True)
        return frame.repartition(2, "n").select(shown("n", "s", "a"), "a", "s")

    compare.same(build)


def one_by_one(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    for batch in batches:
        for i in range(len(batch)):
            yield batch[i : i + 1] + 1


def all_first(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    yield from [batch + 1 for batch in list(batches)]


def joined(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    read = list(batches)
    if read:
        yield pd.concat(read, ignore_index=True) + 1


def shifted(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    """Answers are cut at other places than questions, and come with a batch's delay."""
    rest = None
    for batch in batches:
        whole = batch if rest is None else pd.concat([rest, batch], ignore_index=True)
        cut = max(0, len(whole) - 3)
        yield whole[:cut] + 1
        rest = whole[cut:].reset_index(drop=True)
    if rest is not None:
        yield rest + 1


def with_empty(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    for batch in batches:
        yield batch[:0]
        yield batch + 1
        yield batch[:0]


RECHUNKERS = (one_by_one, all_first, joined, shifted, with_empty)


def of_pandas(function: Callable[..., Any]) -> Callable[[Any], Column]:
    function.__annotations__ = {"batches": Iterator[pd.Series], "return": Iterator[pd.Series]}
    return F.pandas_udf(function, "long")


@pytest.mark.parametrize("function", RECHUNKERS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("source", ["range", "parquet"])
def test_iterators_that_cut_elsewhere(
    compare: Comparison, files: Path, function: Callable[..., Any], source: str
) -> None:
    def build(spark: SparkSession) -> DataFrame:
        return rows(spark, files, source).select("s", of_pandas(function)("n"), "n")

    compare.same(build, conf={RECORDS: "100"})


@pytest.mark.skipif(LINE < (4, 1), reason="Spark 4.0 has no Arrow functions")
@pytest.mark.parametrize("source", ["range", "parquet"])
def test_arrow_iterator_that_reads_all_first(compare: Comparison, files: Path, source: str) -> None:
    def build(spark: SparkSession) -> DataFrame:
        @F.arrow_udf("string")
        def texts(batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
            read = list(batches)
            yield from (pa.array([str(v) for v in batch.to_pylist()]) for batch in read)

        return rows(spark, files, source).select("s", texts("n"))

    compare.same(build, conf={RECORDS: "100"})


def wrong_length(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    for batch in batches:
        yield batch[1:]


def stops_early(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    yield next(batches)


@pytest.mark.parametrize("function", [wrong_length, stops_early], ids=lambda f: f.__name__)
def test_iterators_that_break_their_promise(
    compare: Comparison, files: Path, function: Callable[..., Any]
) -> None:
    def build(spark: SparkSession) -> DataFrame:
        return rows(spark, files, "parquet").select("s", of_pandas(function)("n"))

    assert compare.same(build, conf={RECORDS: "100", **AS_ASKED}).error


@pytest.mark.parametrize("kind", ["mapInArrow", "mapInPandas"])
@pytest.mark.parametrize("source", ["range", "parquet"])
@pytest.mark.parametrize("how", ["none", "first", "all", "more", "after"])
def test_maps_answer_with_any_number_of_rows(
    compare: Comparison, files: Path, kind: str, source: str, how: str
) -> None:
    def build(spark: SparkSession) -> DataFrame:
        def answer(batches: Iterator[Any]) -> Iterator[Any]:
            if how == "none":
                for _ in batches:
                    pass
            elif how == "first":
                yield next(batches)[0:5]
            elif how == "all":
                yield from list(batches)
            elif how == "more":
                for batch in batches:
                    yield from (batch[0:3], batch[0:0], batch, batch)
            else:
                kept = [batch[0:1] for batch in batches]
                yield from kept

        frame = rows(spark, files, source)
        return getattr(frame, kind)(answer, frame.schema)

    compare.same(build, conf={RECORDS: "100"})


def test_wide_rows(compare: Comparison, files: Path) -> None:
    """Batches of values of a megabyte each, and of fifty columns."""

    def build(spark: SparkSession) -> DataFrame:
        wide = spark.range(0, 40, 1, 2).selectExpr(
            "repeat(concat('x', id), 300000) AS s", *(f"id + {i} AS c{i}" for i in range(50))
        )
        length = F.udf(len, "long", useArrow=True)
        return wide.select(length("s"), *(f"c{i}" for i in range(50)), F.md5("s"))

    compare.same(build)


class Counted:
    """Text for rows of which each shows how many there were when its batch ended."""

    def __init__(self) -> None:
        self.rows = 0

    def __call__(self, x: int) -> "Counted":
        self.rows += 1
        return self

    def __str__(self) -> str:
        return str(self.rows)


# Where the rows come from: more than the 4,096 that Parquet's reader has in a batch.
INPUTS: dict[str, Callable[[SparkSession, Path], DataFrame]] = {
    "range": lambda spark, files: wide(spark),
    "parquet": lambda spark, files: scanned(spark, files),
    "filtered": lambda spark, files: scanned(spark, files).where("n % 5 > 0"),
    "united": lambda spark, files: scanned(spark, files).union(scanned(spark, files)).coalesce(1),
    "cached": lambda spark, files: wide(spark).select("n").cache().select("n", "n AS k", "n AS s"),
    "shuffled": lambda spark, files: scanned(spark, files).repartition(1, "k"),
    "mapped": lambda spark, files: scanned(spark, files).mapInArrow(
        lambda batches: batches, scanned(spark, files).schema
    ),
}


def wide(spark: SparkSession) -> DataFrame:
    return spark.range(0, 5000, 1, 1).selectExpr(
        "id AS n", "id % 7 AS k", "IF(id % 3 = 0, NULL, repeat('é', id % 40)) AS s"
    )


def scanned(spark: SparkSession, files: Path) -> DataFrame:
    """One file of several row groups, at whose ends the reader's batches end."""
    path = str(files / "row-groups")
    if not Path(path).exists():
        wide(spark).write.option("parquet.block.size", "30000").parquet(path)
    return spark.read.parquet(path)


def lengths(function: Callable[..., Any], hint: Any) -> Callable[..., Any]:
    """A function that answers each row with the length of its batch, of Series or Arrow arrays."""
    function.__annotations__ = {"x": hint, "return": hint}
    return function


@pytest.mark.parametrize("records", ["10000", "700"])
@pytest.mark.parametrize("source", list(INPUTS))
def test_every_kind_sees_batches_as_long(
    compare: Comparison, files: Path, records: str, source: str
) -> None:
    """By Spark's default settings, among them its columnar input since 4.2."""

    def build(spark: SparkSession) -> DataFrame:
        frame = INPUTS[source](spark, files)
        series = F.pandas_udf(
            lengths(lambda x: pd.Series([len(x)] * len(x)), pd.Series), returnType="long"
        )
        of_iterator = of_pandas(
            lambda batches: (pd.Series([len(b) * 1000 + i] * len(b)) for i, b in enumerate(batches))
        )
        first = frame.select(
            series("n").alias("a"),
            of_iterator("s").alias("b"),
            F.udf(Counted(), "string", useArrow=True)("n").alias("c"),
            "n",
            "k",
        )
        computed = frame.select(
            series(F.col("n") + 1).alias("d"),
            F.udf(lambda x: x + 1, "long", useArrow=True)("n").alias("m"),
        )
        second = computed.select("d", series("m"), F.lit(None), F.lit(None), F.lit(None))
        return first.union(second)

    compare.same(build, conf={RECORDS: records}, in_order=False)


@pytest.mark.parametrize("kind", ["array<long>", "string"])
def test_one_object_for_many_rows(compare: Comparison, kind: str) -> None:
    """It is converted when the batch ends, so that shorter batches give other answers."""

    def build(spark: SparkSession) -> DataFrame:
        seen: list[int] = []
        function = F.udf(lambda x: seen.append(x) or seen, kind, useArrow=True)
        return spark.range(0, 1500, 1, 1).select(F.length(function("id").cast("string")))

    outcome = compare.same(build)
    assert len(set(outcome.rows)) == 1


@pytest.mark.skipif(LINE < (4, 1), reason="Spark 4.0 bounds no bytes")
@pytest.mark.parametrize("source", ["range", "shuffled"])
def test_batches_that_end_by_bytes_are_as_long(
    compare: Comparison, files: Path, source: str
) -> None:
    def build(spark: SparkSession) -> DataFrame:
        series = lengths(lambda x: pd.Series([len(x)] * len(x)), pd.Series)
        return INPUTS[source](spark, files).select(F.pandas_udf(series, returnType="long")("s"))

    compare.same(build, conf={BYTES: "9000"})
