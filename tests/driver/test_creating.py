"""`createDataFrame` of rows: schema, partitions, values and errors are PySpark's."""

import array
import datetime
import decimal
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, LongType, StringType, StructType

import hydrofoil
from driver.conftest import Compare, outcome
from driver.exactly import exactly
from driver.schemas import tables

# `make parity` runs them all.
ONE_IN = 3

D = decimal.Decimal
UTC = datetime.timezone.utc


def contents(df: DataFrame) -> Any:
    """A DataFrame's schema, its partitions and their rows in detail."""
    return df.schema.json(), df.select("*", F.spark_partition_id()).collect()


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


@dataclass
class Thing:
    a: int
    b: str


class Loose:
    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


Named = namedtuple("Named", "a b")

FORMS: dict[str, Callable[[int, str], Any]] = {
    "tuple": lambda a, b: (a, b),
    "list": lambda a, b: [a, b],
    "dict": lambda a, b: {"b": b, "a": a},
    "Row": lambda a, b: Row(a=a, b=b),
    "Row of a Row": lambda a, b: Row("a", "b")(a, b),
    "bare Row": lambda a, b: Row(*[a, b]),
    "named tuple": Named,
    "dataclass": Thing,
    "object": lambda a, b: Loose(b=b, a=a),
}
SCHEMAS: dict[str, Any] = {
    "none": None,
    "names": ["x", "y"],
    "one name": ["x"],
    "DDL": "a long, b string",
    "struct": StructType().add("a", LongType(), False).add("b", StringType()),
    "duplicates": ["x", "x"],
}


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


DIFFICULT: list[tuple[str, list[Any]]] = [
    ("byte", [127, -128, None]),
    ("byte", [128]),
    ("int", [True]),
    ("int", [2**31]),
    ("long", [2**63 - 1, -(2**63)]),
    ("long", [2**63]),
    ("long", [1.0]),
    ("double", [1]),
    ("double", [1.5, float("nan"), float("inf"), -0.0]),
    ("float", [0.1, 1e300, None]),
    ("string", ["", "é", "漢字", "😀", "\x00", None]),
    ("string", [5, True, 1.5, {"a": 1}, [1]]),
    ("string", ["\ud800"]),
    ("binary", [b"", b"\xff", bytearray(b"ab"), None]),
    ("binary", ["text"]),
    ("boolean", [True, False, None]),
    ("boolean", [1]),
    ("date", [datetime.date(1, 1, 1), datetime.date(9999, 12, 31)]),
    ("date", [datetime.datetime(2020, 1, 1, 23)]),
    ("timestamp", [datetime.datetime(2024, 3, 10, 2, 30), datetime.datetime(2024, 11, 3, 1, 30)]),
    ("timestamp", [datetime.datetime(2024, 11, 3, 1, 30, fold=1)]),
    ("timestamp", [datetime.datetime(2024, 7, 1, 12, 0, 0, 999999, UTC)]),
    ("timestamp", [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59)]),
    ("timestamp", [datetime.date(2020, 1, 1)]),
    ("timestamp_ntz", [datetime.datetime(1, 1, 1), datetime.datetime(2024, 11, 3, 1, 30)]),
    ("timestamp_ntz", [datetime.datetime(2024, 7, 1, tzinfo=UTC)]),
    ("interval day to second", [datetime.timedelta(days=-1, microseconds=7), None]),
    ("decimal(10,2)", [D("1.5"), D("1.50"), D("-0.00"), D("12345678.99"), D("0E+3"), None]),
    ("decimal(10,2)", [D("1.005"), D("1.015"), D("1.500")]),
    ("decimal(10,2)", [D("123456789.00")]),
    ("decimal(10,2)", [D("1E+7")]),
    ("decimal(10,2)", [D("NaN")]),
    ("decimal(10,2)", [5]),
    ("decimal(38,18)", [D("1"), D("0.000000000000000001"), D("1E-18"), D("1E+19")]),
    ("array<int>", [[1, None], [], None]),
    ("array<int>", [(1, 2)]),
    ("array<int>", [array.array("i", [1, 2])]),
    ("array<long>", [["x"]]),
    ("map<string,int>", [{"b": 1, "a": 2, "c": None}, {}, None]),
    ("map<string,int>", [{chr(97 + i % 26) * (i % 5): i for i in range(60)}]),
    ("map<long,string>", [{i * 65536 - 10**12: str(i) for i in range(1500)}]),
    ("map<double,boolean>", [{0.5: True, -0.0: False, 1e300: None, float("inf"): True}]),
    ("map<string,int>", [{"b": 1, None: 2}]),
    ("map<int,int>", [{i * 16: i for i in range(n)} for n in (8, 9, 10, 11, 12, 13, 20, 40)]),
    ("map<int,int>", [{i * 4096: i for i in range(30)}]),
    ("map<long,int>", [{i << 40: i for i in range(200)}]),
    ("map<date,int>", [{datetime.date(2020, 1, i): i for i in range(1, 9)}]),
    ("struct<x:int,y:string>", [(1, "a"), [1, "a"], Row(x=1, y="a"), {"y": "a"}, Loose(x=1), None]),
    ("struct<x:int,y:string>", [(1,)]),
    ("struct<x:array<struct<y:timestamp>>>", [([(datetime.datetime(2020, 1, 1),)],)]),
    ("struct<x:int,x:int>", [(1, 2)]),
    ("void", [None]),
    ("void", [1]),
]


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("kind, values", DIFFICULT, ids=lambda value: str(value)[:40])
def test_difficult_values(spark: SparkSession, kind: str, values: list[Any], verify: bool) -> None:
    def make() -> list[Any]:
        return [(i, value) for i, value in enumerate(values)]

    same(spark, make, f"i long, c {kind}", verify)


@pytest.mark.parametrize("kind, values", DIFFICULT, ids=lambda value: str(value)[:40])
def test_inferred_from_difficult_values(spark: SparkSession, kind: str, values: list[Any]) -> None:
    same(spark, lambda: [{"i": i, "c": value} for i, value in enumerate(values)])


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
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(table=tables(), verify=st.booleans())
def test_any_schema(spark: SparkSession, table: tuple[StructType, list[Any]], verify: bool) -> None:
    schema, rows = table
    same(spark, lambda: list(rows), schema, verify)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
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
