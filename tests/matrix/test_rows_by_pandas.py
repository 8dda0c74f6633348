"""Row UDFs on Arrow where stock takes them through pandas, up to Spark 4.0.

What pandas makes of values depends on all of a column's: whole numbers beside a null become floats,
what is not a number becomes null. Each value is tried beside a null, and among plain ones.
"""

import datetime
from collections import namedtuple
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from pyspark import __version__ as SPARK
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.functions import udf

from hydrofoil.tools.parity.harness import Parity, numbers
from hydrofoil.tools.parity.probes import describe

pytestmark = pytest.mark.skipif(
    SPARK.split(".") >= ["4", "1"], reason="stock does without pandas since 4.1"
)

Pair = namedtuple("Pair", "b a")

NAN = float("nan")
DAY = datetime.date(2024, 2, 29)
TIME = datetime.datetime(2024, 2, 29, 1, 2, 3, 456789)

# See tests/conftest.py.
ONE_IN = 5


@pytest.fixture
def parity(spark: SparkSession) -> Parity:
    return Parity(spark)


# A plain value of each declared type, and others that a function may return for it.
RESULTS: dict[str, tuple[Any, list[Any]]] = {
    "bigint": (7, [None, True, 2**53 + 1, -(2**63), 2**63, 1.0, 1.5, NAN, "1", Decimal(3), b"1"]),
    "int": (7, [None, 2**31, 2**31 - 1, 1.5, True, np.int32(5), "1"]),
    "tinyint": (7, [None, 128, -128, 1.0]),
    "double": (0.5, [None, NAN, float("inf"), 3, 2**53 + 1, 2**70, True, "1.5", Decimal("0.5")]),
    "float": (0.5, [None, NAN, 0.1, 1e300, 2**24 + 1, 3]),
    "boolean": (True, [None, 1, 0.0, "true", np.bool_(True)]),
    "string": ("é", [None, 1, True, 1.5, NAN, b"a", [1], DAY, "\ud800", {"a": 1}, Row(a=1)]),
    "binary": (b"a", [None, bytearray(b"b"), "text", 3, [1, 2], memoryview(b"m")]),
    "date": (DAY, [None, TIME, "2024-01-01", 5, datetime.date(1, 1, 1), datetime.date(9999, 1, 1)]),
    "timestamp": (TIME, [None, DAY, datetime.datetime(1, 1, 1), 5]),
    "timestamp_ntz": (TIME, [None, datetime.datetime(1, 1, 1)]),
    "decimal(10, 2)": (Decimal("1.25"), [None, Decimal("0.015"), Decimal("NaN"), 1, 1.5]),
    "array<bigint>": ([1, 2], [None, [], [None], (3,), [1.5], [True], "text", [2**63], {1: 2}]),
    "array<string>": (["a"], [None, [None], [1], [True], [b"a"], np.array(["b"])]),
    "array<double>": ([0.5], [None, [NAN], [1], [None], np.array([1.5])]),
    "array<array<int>>": ([[1]], [None, [None, []], [(1,)]]),
    "map<string, bigint>": ({"a": 1}, [None, {}, {"a": None}, {1: 1}, [("a", 1)]]),
    "struct<a: bigint, b: string>": (
        (1, "x"),
        [
            *(None, Row(a=1, b=None), {"a": 2}, {"b": "y", "c": 1}, (1,), [1, "x"], Pair("p", 3)),
            *((1, 5), (1.5, "x"), (None, None), (2**63, "x"), "ab"),
        ],
    ),
    "struct<a: double, b: array<float>>": ((0.5, [0.5]), [(NAN, []), (1, [NAN]), (0.5, [None])]),
    "struct<a: date, b: struct<c: boolean>>": ((DAY, (True,)), [(TIME, None), (None, (None,))]),
}
CASES = [(declared, plain, odd) for declared, (plain, values) in RESULTS.items() for odd in values]


@pytest.mark.parametrize(("declared", "plain", "odd"), CASES)
def test_results(parity: Parity, declared: str, plain: Any, odd: Any) -> None:
    for made in ([odd, None], [plain, odd, plain]):

        def build(spark: SparkSession, made: list[Any] = made) -> DataFrame:
            result = udf(lambda i: made[i], declared, useArrow=True)
            length = udf(lambda i: i + 1, "bigint", useArrow=True)
            return numbers(spark, len(made)).select(result("id"), length("id"))

        parity.same(build, last_line_only=True)


ARGUMENTS = (
    "id",
    "int(id)",
    "tinyint(id)",
    "double(id) / 4",
    "float(id) / 3",
    "id % 2 = 0",
    "concat('é', id)",
    "encode(string(id), 'utf-8')",
    "cast(id / 4 as decimal(10, 3))",
    "cast(id as decimal(38, 0))",
    "date_add(date'2024-02-27', int(id))",
    "timestamp_seconds(id)",
    "cast(timestamp_seconds(id) as timestamp_ntz)",
    "make_dt_interval(int(id))",
    "array(id, id + 1)",
    "array(string(id))",
    "map('k', id)",
    "named_struct('a', id, 'b', string(id), 'c', double(id), 'd', date_add(date'2024-01-01', 3))",
    "named_struct('a', named_struct('b', id), 'c', array(id))",
    "named_struct('a', id % 2 = 0, 'b', decimal(id), 'c', encode('b', 'utf-8'), 'd', float(id))",
    "named_struct('t', timestamp_seconds(id))",
)


@pytest.mark.parametrize("nulls", ["", "outside", "inside", "all"])
def test_arguments(parity: Parity, nulls: str) -> None:
    def column(expression: str) -> str:
        if nulls == "outside":
            return f"if(id % 3 = 1, null, {expression})"
        if nulls == "inside":
            return expression.replace("id", "if(id % 3 = 1, null, id)")
        return f"if(id < 0, {expression}, null)" if nulls == "all" else expression

    def build(spark: SparkSession) -> DataFrame:
        frame = numbers(spark, 7).selectExpr(
            *[f"{column(expression)} as c{k}" for k, expression in enumerate(ARGUMENTS)]
        )
        seen = udf(lambda value: [describe(value), repr(value)], "array<string>", useArrow=True)
        return frame.select(*[seen(name) for name in frame.columns])

    parity.same_rows(build)


def test_floats_that_are_not_numbers(parity: Parity) -> None:
    def build(spark: SparkSession) -> DataFrame:
        frame = numbers(spark, 6).selectExpr(
            "if(id = 1, double('NaN'), if(id = 2, null, id)) x",
            "named_struct('a', if(id = 1, float('NaN'), if(id = 2, null, id))) r",
        )
        seen = udf(describe, "string", useArrow=True)
        same = udf(lambda x: x, "double", useArrow=True)
        return frame.select(seen("x"), seen("r"), same("x"))

    parity.same_rows(build)
