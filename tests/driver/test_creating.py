"""`createDataFrame` of rows: schema, partitions, values and errors are PySpark's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import ArrayType, LongType, StructType

import hydrofoil
from driver.conftest import Compare, outcome
from driver.exactly import exactly
from driver.forms import DIFFICULT, FORMS, SCHEMAS, USERS_TYPES, contents
from driver.schemas import EXAMPLES, tables

# `make parity` runs them all.
ONE_IN = 3


def same(
    spark: SparkSession,
    make: Callable[[], Any],
    schema: Any = None,
    verify: bool = True,
    fast: bool | None = None,
) -> None:
    """Check that data becomes the same both ways; it is made twice, as it may be read once."""
    from hydrofoil.driver import paths

    stock = outcome(lambda: contents(spark.createDataFrame(make(), schema, verifySchema=verify)))
    paths.forget()
    ours = outcome(
        lambda: contents(hydrofoil.create_dataframe(spark, make(), schema, verify_schema=verify))
    )
    assert exactly(ours) == exactly(stock)
    if fast is not None:
        taken = paths.taken()
        assert [one["path"] for one in taken] == [paths.FAST if fast else paths.STOCK], taken


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("form", FORMS)
def test_forms(spark: SparkSession, form: str, schema: str) -> None:
    def make() -> list[Any]:
        return [FORMS[form](i, f"text {i}") for i in range(23)]

    given_schema = SCHEMAS[schema]
    same(spark, make, list(given_schema) if isinstance(given_schema, list) else given_schema)


def test_a_generator_is_read_once(spark: SparkSession) -> None:
    same(spark, lambda: ((i, str(i)) for i in range(50)), "a long, b string", fast=True)
    same(spark, lambda: ((i, i) for i in range(50)), "a long, b string", fast=False)


def test_a_generator_that_fails(spark: SparkSession) -> None:
    def rows(bad: Any) -> Any:
        yield (1, "x")
        yield (bad, "y")
        raise LookupError("no more rows")

    same(spark, lambda: rows(2), "a long, b string")
    same(spark, lambda: rows("two"), "a long, b string")


@pytest.mark.parametrize(
    "data",
    [None, 5, [], [None], [1, 2], ["text"], [()], [{}], [(1,), None], [(1,), (1, 2)], [object()]],
    ids=lambda data: repr(data).partition(" at 0x")[0],
)
@pytest.mark.parametrize("schema", [None, "a long", "long", "struct<>", ["a", "b"]], ids=repr)
def test_what_is_no_row(spark: SparkSession, data: Any, schema: Any) -> None:
    same(spark, lambda: data, schema)


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("kind, values", DIFFICULT, ids=lambda value: str(value)[:40])
def test_difficult_values(spark: SparkSession, kind: str, values: list[Any], verify: bool) -> None:
    def make() -> list[Any]:
        return [(i, value) for i, value in enumerate(values)]

    same(spark, make, f"i long, c {kind}", verify)


@pytest.mark.parametrize("kind, values", DIFFICULT, ids=lambda value: str(value)[:40])
def test_inferred_from_difficult_values(spark: SparkSession, kind: str, values: list[Any]) -> None:
    same(spark, lambda: [{"i": i, "c": value} for i, value in enumerate(values)])


@pytest.mark.parametrize("name", USERS_TYPES)
def test_users_types(spark: SparkSession, name: str) -> None:
    schema, rows = USERS_TYPES[name]
    same(spark, lambda: list(rows), schema, fast=False)


ARRAYS: dict[str, Any] = {
    "long": np.arange(5),
    "of two columns": np.arange(6.0).reshape(3, 2),
    "of one column": np.array([[True], [False]]),
    "in Fortran's order": np.asfortranarray(np.arange(6, dtype=np.int16).reshape(3, 2)),
    "text": np.array(["a", "bc"]),
    "unsigned": np.arange(3, dtype=np.uint8),
    "times": np.array(["2024-05-06T07:08:09"], dtype="datetime64[us]"),
    "empty": np.empty((0, 2)),
    "of three dimensions": np.zeros((1, 2, 3)),
    "objects": np.array([1, None], dtype=object),
}


@pytest.mark.parametrize("schema", [None, ["x"], ["x", "y"], "x double", "x double, y double"])
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(spark: SparkSession, name: str, schema: Any) -> None:
    same(spark, lambda: ARRAYS[name].copy(), schema and schema[:])


@pytest.mark.skipif(not hasattr(DataFrame, "toArrow"), reason="Spark 3.5 knows no tables")
def test_structured_arrays(spark: SparkSession) -> None:
    fields = [("a", "i4"), ("v", "f8", (2,)), ("s", "U5"), ("n", [("x", "i8"), ("y", "?")])]
    array = np.array([(i, (i, -i), f"é{i}", (i, i % 2)) for i in range(6)], dtype=fields)
    rows = [(i, [float(i), -float(i)], f"é{i}", (i, bool(i % 2))) for i in range(6)]
    made = hydrofoil.create_dataframe(spark, array)
    assert made.schema.simpleString() == (
        "struct<a:int,v:array<double>,s:string,n:struct<x:bigint,y:boolean>>"
    )
    assert [tuple(row) for row in made.collect()] == rows
    # Of any step and shape.
    every_other = hydrofoil.create_dataframe(spark, array[::-2].reshape(3, 1))
    assert [tuple(row) for row in every_other.collect()] == rows[::-2]
    numbers = array[["a"]]
    for schema, kind in ((["k"], "struct<k:int>"), ("a bigint", "struct<a:bigint>")):
        renamed = hydrofoil.create_dataframe(spark, numbers, schema)
        assert renamed.schema.simpleString() == kind
        assert [row[0] for row in renamed.collect()] == list(range(6))


def test_nulls_where_none_may_be(spark: SparkSession) -> None:
    schema = StructType().add("a", LongType(), False)
    same(spark, lambda: [(1,), (None,)], schema)
    same(spark, lambda: [(1,), (2,)], schema, fast=True)
    nested = StructType().add("a", ArrayType(LongType(), False))
    same(spark, lambda: [([1],), ([None],)], nested)


def test_many_rows_by_default(spark: SparkSession, compare: Compare) -> None:
    rows = [(i, f"text {i}") for i in range(2_345)]
    compare(lambda: contents(spark.createDataFrame(rows, "a long, b string")))
    compare(lambda: contents(spark.createDataFrame([dict(a=a, b=b) for a, b in rows])))
    compare(lambda: contents(spark.createDataFrame(rows[:10], "a long, b string")), fast=False)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
@given(table=tables(), verify=st.booleans())
def test_any_schema(spark: SparkSession, table: tuple[StructType, list[Any]], verify: bool) -> None:
    schema, rows = table
    same(spark, lambda: list(rows), schema, verify)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
@given(table=tables(), data=st.data())
def test_any_inferred_schema(
    spark: SparkSession, table: tuple[StructType, list[Any]], data: st.DataObject
) -> None:
    schema, rows = table
    # Rows lack some of the names, and values of other columns are mixed in.
    made = []
    for row in rows:
        named = dict(zip(schema.names, row, strict=True))
        for name in data.draw(st.sets(st.sampled_from(schema.names))):
            named.pop(name)
        made.append(named)
    same(spark, lambda: list(made))
    same(spark, lambda: list(rows))
