"""Rows in all forms that a program can give them, and values that are difficult to convert.

Workers import it, and so it imports nothing of the tests' tools.
"""

import array
import datetime
import decimal
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    DoubleType,
    LongType,
    StringType,
    StructType,
    UserDefinedType,
)

D = decimal.Decimal
UTC = datetime.timezone.utc


def contents(df: DataFrame) -> Any:
    """A DataFrame's schema, its partitions and their rows in detail."""
    return df.schema.json(), df.select("*", F.spark_partition_id()).collect()


@dataclass
class Thing:
    a: int
    b: str


class Loose:
    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


Named = namedtuple("Named", "a b")


class PointType(UserDefinedType):
    """A type that only Python knows."""

    @classmethod
    def sqlType(cls) -> ArrayType:
        return ArrayType(DoubleType(), False)

    @classmethod
    def module(cls) -> str:
        return __name__

    def serialize(self, obj: Any) -> list[float]:
        return [obj.x, obj.y]

    def deserialize(self, datum: Any) -> "Point":
        return Point(*datum)


class Point:
    __UDT__ = PointType()

    def __init__(self, x: float, y: float) -> None:
        self.x, self.y = x, y


USERS_TYPES: dict[str, tuple[Any, list[Any]]] = {
    "inferred": (None, [(1, Point(1.0, 2.0)), (2, None)]),
    "names": (["i", "p"], [(1, Point(1.0, 2.0))]),
    "of dicts": (None, [{"i": 1, "p": Point(0.0, -0.0)}, {"i": 2}]),
    "declared": (StructType().add("i", LongType()).add("p", PointType()), [(1, Point(1.0, 2.0))]),
    "bare": (PointType(), [Point(1.0, 2.0), None]),
    "in an array": (StructType().add("p", ArrayType(PointType())), [([Point(1.0, 2.0), None],)]),
    "in a struct": (None, [(Row(p=Point(1.0, 2.0)),)]),
    "of a different class": (StructType().add("p", PointType()), [([1.0, 2.0],)]),
    "not converted": (StructType().add("p", PointType()), [(Point(1, "x"),)]),  # type: ignore[arg-type]
}

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
    (
        "map<string,int>",
        [
            {f"{i:07b}".replace("0", "Aa").replace("1", "BB"): i for i in range(n)}
            for n in (40, 128)
        ],
    ),
    ("map<date,int>", [{datetime.date(2020, 1, i): i for i in range(1, 9)}]),
    ("struct<x:int,y:string>", [(1, "a"), [1, "a"], Row(x=1, y="a"), {"y": "a"}, Loose(x=1), None]),
    ("struct<x:int,y:string>", [(1,)]),
    ("struct<x:array<struct<y:timestamp>>>", [([(datetime.datetime(2020, 1, 1),)],)]),
    ("struct<x:int,x:int>", [(1, 2)]),
    ("void", [None]),
    ("void", [1]),
]
