"""Type hints and DDL to Spark types, and the errors that name what to write instead."""

import datetime
import decimal
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, NewType, TypedDict

import numpy as np
import pandas as pd
import pytest
import typing_extensions
from pyspark.sql.types import DecimalType, IntegerType, StructType

from hydrofoil.decorators.ddl import parse_ddl
from hydrofoil.decorators.spark_types import spark_type
from hydrofoil.errors import UsageError


@dataclass
class Point:
    x: float
    y: float | None


class Named(NamedTuple):
    name: str
    at: Point


class Typed(TypedDict, total=False):
    day: datetime.date
    tags: list[str]


# Python 3.10 has these qualifiers only in typing_extensions, as others have ReadOnly.
class Qualified(typing_extensions.TypedDict):
    day: typing_extensions.NotRequired[typing_extensions.ReadOnly[datetime.date]]
    tags: typing_extensions.Required[list[str]]


@dataclass
class Node:
    children: "list[Node]"


Money = NewType("Money", decimal.Decimal)

HINTS = [
    (bool, "boolean"),
    (int, "bigint"),
    (float, "double"),
    (str, "string"),
    (bytes, "binary"),
    (datetime.date, "date"),
    (datetime.datetime, "timestamp"),
    (datetime.timedelta, "interval day to second"),
    (decimal.Decimal, "decimal(38,18)"),
    (Money, "decimal(38,18)"),
    (None, "void"),
    (int | None, "bigint"),
    (list[int | None], "array<bigint>"),
    (dict[str, list[float]], "map<string,array<double>>"),
    (np.float32, "float"),
    (np.int16, "smallint"),
    (Annotated[int, "int"], "int"),
    (Annotated[Any, DecimalType(10, 2)], "decimal(10,2)"),
    (Annotated[int, IntegerType], "int"),
    (Annotated[int, 5], "bigint"),
    (list[Annotated[float, "float"]], "array<float>"),
    (Point, "struct<x:double,y:double>"),
    (Named, "struct<name:string,at:struct<x:double,y:double>>"),
    (Typed, "struct<day:date,tags:array<string>>"),
    (Qualified, "struct<day:date,tags:array<string>>"),
]


@pytest.mark.parametrize(("hint", "expected"), HINTS, ids=[str(h) for h, _ in HINTS])
def test_hint(hint: Any, expected: str) -> None:
    assert spark_type(hint, "the result of f()").simpleString() == expected


def test_all_fields_are_nullable() -> None:
    struct = spark_type(Point, "the result of f()")
    assert isinstance(struct, StructType)
    assert all(field.nullable for field in struct.fields)


@pytest.mark.parametrize(
    ("hint", "named", "instead"),
    [
        (list, "list", "list[int]"),
        (dict, "dict", "dict[str, int]"),
        (tuple[int, str], "tuple[int, str]", "NamedTuple"),
        (set[int], "set[int]", "list[int]"),
        (int | str, "int | str", "one type | None"),
        (object, "object", "returnType="),
        (complex, "complex", "dataclass"),
        (pd.Series, "Series", "pandas_udf"),
        (datetime.tzinfo, "tzinfo", 'Annotated[tzinfo, "string"]'),
        (dict[str, list[object]], "its values, its elements", "returnType="),
        (Node, "Node contains itself", "list of keys"),
    ],
)
def test_unknown_hint(hint: Any, named: str, instead: str) -> None:
    with pytest.raises(UsageError) as error:
        spark_type(hint, "parameter 'x' of f()")
    assert "parameter 'x' of f()" in str(error.value)
    assert named in str(error.value)
    assert instead in str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BIGINT", "bigint"),
        ("decimal", "decimal(10,0)"),
        ("decimal(4, 2)", "decimal(4,2)"),
        ("varchar(3)", "varchar(3)"),
        ("interval day to second", "interval day to second"),
        ("array<map<string, struct<a: int, `b c`: date>>>",) * 2,
        ("a int, b string not null comment 'the b'", "struct<a:int,b:string>"),
        ("date date", "struct<date:date>"),
    ],
)
def test_ddl(text: str, expected: str) -> None:
    expected = expected.replace(": ", ":").replace(", ", ",").replace("`", "")
    assert parse_ddl(text).simpleString() == expected


@pytest.mark.parametrize("text", ["", "strng", "array<int", "a int b int", "map<int>", "a%b"])
def test_bad_ddl(text: str) -> None:
    with pytest.raises(UsageError, match="is no Spark type"):
        parse_ddl(text)
