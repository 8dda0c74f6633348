"""DataFrames of RDDs' rows: schema, partitions, values and errors are PySpark's."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from driver.conftest import Compare
from driver.conftest import compare as compare
from driver.exactly import exactly
from driver.forms import DIFFICULT, FORMS, SCHEMAS
from driver.schemas import tables
from hypothesis import HealthCheck, given, settings
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.testing.objects import ExamplePoint, ExamplePointUDT

import hydrofoil
from hydrofoil.bridge import rdd_frame
from hydrofoil.driver import paths
from hydrofoil.driver.switch import original_of
from hydrofoil.tools.parity.engines import HYDROFOIL, use_engine
from hydrofoil.tools.parity.harness import normalized

# `make parity` runs them all.
ONE_IN = 3

POINT: Any = ExamplePoint


@pytest.fixture(scope="module", autouse=True)
def workers(spark: SparkSession) -> Iterator[None]:
    """Hydrofoil's workers for all, and record batches however few the rows are."""
    with use_engine(spark, HYDROFOIL), pytest.MonkeyPatch.context() as patch:
        patch.setattr(rdd_frame, "_FEW_ROWS", 0)
        yield


def contents(frame: DataFrame) -> Any:
    """A DataFrame's schema, its partitions and their rows, which PySpark's own code collects."""
    collect = original_of(type(frame), "collect")
    return frame.schema.json(), collect(frame.select("*", F.spark_partition_id()))


def made(make: Callable[[], Any]) -> Any:
    """What is in a DataFrame, or what making or reading it raises, without the traceback to it."""
    try:
        return contents(make())
    except Exception as error:
        lines = str(error).splitlines()
        said = [line for line in lines if "rror: " in line or "xception: " in line]
        # The JVM numbers variables that have no name.
        return type(error), re.sub(r"<local\d+>", "", normalized("\n".join(said or lines[:1])))


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("form", FORMS)
def test_forms(spark: SparkSession, compare: Compare, form: str, schema: str) -> None:
    def make() -> Any:
        rows = spark.sparkContext.parallelize(range(23), 3)
        names = SCHEMAS[schema]
        return spark.createDataFrame(
            rows.map(lambda i: FORMS[form](i, f"text {i}")),
            list(names) if isinstance(names, list) else names,
        )

    compare(lambda: made(make), fast=None)


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("kind, values", DIFFICULT, ids=lambda value: str(value)[:40])
def test_difficult_values(
    spark: SparkSession, compare: Compare, kind: str, values: list[Any], verify: bool
) -> None:
    def make() -> Any:
        rows = spark.sparkContext.parallelize(list(enumerate(values)), 1)
        return spark.createDataFrame(rows, f"i long, c {kind}", verifySchema=verify)

    compare(lambda: made(make), fast=None)


def again_and_again(part: Iterator[int]) -> Iterator[list[Any]]:
    row: list[Any] = [0, "", []]
    for i in part:
        row[:] = [i, f"row {i}", [i]]
        yield row


def what_came_before(part: Iterator[int]) -> Iterator[Any]:
    """Rows in which there will be more when they are pickled."""
    before: list[int] = []
    for i in part:
        before.append(i)
        yield i, before


def wrong(i: int) -> Any:
    """The number; text in its place at the end of the second of three partitions of 400."""
    return str(i) if 700 <= i < 800 else i


# By an RDD of the numbers to 1199 in three partitions.
FRAMES: dict[str, Callable[[Any], Any]] = {
    "names": lambda rdd: rdd.map(lambda i: (i, str(i))).toDF(["x"]),
    "a sample": lambda rdd: rdd.map(lambda i: {"a": i, "b": i / 2}).toDF(sampleRatio=1.0),
    "nulls first": lambda rdd: rdd.map(lambda i: (i, None if i < 50 else str(i))).toDF(),
    "nulls alone": lambda rdd: rdd.map(lambda i: (i, None)).toDF(),
    "other names later": lambda rdd: rdd.map(
        lambda i: {"a": i} if i < 700 else {"b": i, "a": None}
    ).toDF(),
    # Of tasks that fail by different values, either may be the first: one partition has them all.
    "other types later": lambda rdd: rdd.map(lambda i: (wrong(i),)).toDF(),
    "wrong types later": lambda rdd: rdd.map(lambda i: (wrong(i),)).toDF("a long"),
    "rows of other names": lambda rdd: rdd.map(lambda i: Row(b=i, a=str(i))).toDF(
        "a long, b string"
    ),
    "rows left here and there": lambda rdd: rdd.map(
        lambda i: ([i, None], True if i % 97 == 5 else str(i))
    ).toDF("a array<int>, b string"),
    "all rows left": lambda rdd: rdd.map(lambda i: (i, i)).toDF("a long, b string"),
    "one object again and again": lambda rdd: rdd.mapPartitions(again_and_again).toDF(
        "a long, b string, c array<int>"
    ),
    "a list that all rows have": lambda rdd: rdd.map(
        partial(lambda tags, i: (i, tags), [1, 2])
    ).toDF("a long, b array<int>"),
    "what came before": lambda rdd: rdd.mapPartitions(what_came_before).toDF(
        "a long, b array<long>"
    ),
    "no rows": lambda rdd: rdd.filter(lambda i: False).map(lambda i: (i,)).toDF("a int"),
    "no rows and no schema": lambda rdd: rdd.filter(lambda i: False).map(lambda i: (i,)).toDF(),
    "no columns": lambda rdd: rdd.map(lambda i: ()).toDF("struct<>"),
    "None": lambda rdd: rdd.map(lambda i: None if 700 <= i < 800 else (i,)).toDF("a long"),
    "too few values": lambda rdd: rdd.map(lambda i: (i,)).toDF("a long, b long"),
    "bare values": lambda rdd: rdd.map(lambda i: i if i % 7 else None).toDF("long"),
    "bare arrays": lambda rdd: rdd.map(lambda i: [i] * (i % 3)).toDF("array<int>"),
    "bare and wrong": lambda rdd: rdd.map(lambda i: wrong(i)).toDF("long"),
    "no schema": lambda rdd: rdd.map(lambda i: (i,)).toDF(5),
    "points": lambda rdd: rdd.map(lambda i: (i, POINT(i, 2.0))).toDF(),
    "points of a schema": lambda rdd: rdd.map(lambda i: POINT(float(i), 2.0)).toDF(
        ExamplePointUDT()
    ),
    "equal names in a struct": lambda rdd: rdd.map(lambda i: ((i, i),)).toDF(
        "s struct<a: int, a: int>"
    ),
    "an error": lambda rdd: rdd.map(lambda i: (1 // (700 - i),)).toDF("a long"),
    "an error after a wrong row": lambda rdd: rdd.map(
        lambda i: ("x" if i == 690 else 1 // (700 - i),)
    ).toDF("a long"),
    "stored": lambda rdd: rdd.map(lambda i: (i,)).cache().toDF("a long"),
    "barrier": lambda rdd: (
        rdd.coalesce(1).barrier().mapPartitions(lambda part: ((i,) for i in part)).toDF("a int")
    ),
    "stored as columns": lambda rdd: (
        rdd.map(lambda i: (i, str(i))).toDF("a long, b string").cache()
    ),
    "the greatest text": lambda rdd: (
        rdd.map(lambda i: (i, str(i) * (i % 40)))
        .toDF("a long, b string")
        .agg(F.max("b"), F.max("a"))
    ),
    "a limit": lambda rdd: rdd.map(lambda i: (i, str(i))).toDF("a long, b string").limit(7),
    "joined": lambda rdd: (
        rdd.map(lambda i: (i, str(i)))
        .toDF("a long, b string")
        .join(rdd.map(lambda i: (str(i), i * i)).toDF("b string, c long"), "b")
        .coalesce(1)
        .orderBy("a")
    ),
    "grouped": lambda rdd: (
        rdd.map(lambda i: (i, str(i % 7)))
        .toDF("a long, b string")
        .groupBy("b")
        .count()
        .orderBy("b")
    ),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames(spark: SparkSession, compare: Compare, name: str) -> None:
    compare(lambda: made(lambda: FRAMES[name](spark.sparkContext.range(1200, numSlices=3))), None)


def test_from_a_frame_to_a_frame(spark: SparkSession, compare: Compare) -> None:
    frame = spark.range(0, 2500, 1, 3).selectExpr("id", "concat('row ', id) as text", "id / 7 as x")
    compare(lambda: contents(frame.rdd.toDF()))
    compare(lambda: contents(frame.rdd.map(lambda row: row).toDF(frame.schema)))
    compare(lambda: contents(frame.rdd.map(lambda row: Row(n=row.id + 1, t=row.text)).toDF()))


def test_each_function_is_called_once(spark: SparkSession) -> None:
    calls = spark.sparkContext.accumulator(0)

    def row(i: int) -> tuple[Any, ...]:
        calls.add(1)
        return i, True if i % 50 == 7 else "text"

    hydrofoil.enable(spark)
    try:
        frame = spark.sparkContext.range(1000, numSlices=2).map(row).toDF("a long, b string")
        assert calls.value == 0
        assert frame.where("b = 'true'").count() == 20
    finally:
        hydrofoil.disable(spark)
    assert calls.value == 1000


def test_what_was_taken(spark: SparkSession, compare: Compare) -> None:
    rdd = spark.sparkContext.range(9).map(lambda i: (i,))
    compare(lambda: contents(rdd.toDF("a long")))
    compare(lambda: contents(rdd.toDF()))
    points = rdd.map(lambda row: (POINT(1.0, 2.0),))
    compare(lambda: contents(points.toDF()), fast=False)
    assert [one["call"] for one in paths.taken()] == [rdd_frame.CALL]


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(table=tables(columns=12, rows=12))
def test_any_rows(spark: SparkSession, table: tuple[Any, list[Any]]) -> None:
    schema, rows = table
    compare = Compare(spark)
    rdd = spark.sparkContext.parallelize(rows, 2)
    frame = spark.createDataFrame(rdd, schema)
    compare(lambda: contents(spark.createDataFrame(rdd, schema)), fast=None)
    # A DataFrame keeps the RDD that it has made.
    compare(lambda: frame.select("*").rdd.map(exactly).collect(), fast=None)
    compare(lambda: contents(frame.select("*").rdd.map(same).toDF(schema)), fast=None)
    compare(partial(made, lambda: spark.createDataFrame(rdd.map(list))), fast=None)


def same(row: Any) -> Any:
    return row
