"""What becomes of a result of the declared type: every type, nested to depth 3."""

import datetime
from collections import OrderedDict, namedtuple
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.functions import udf

from hydrofoil.tools.parity import samples
from hydrofoil.tools.parity.harness import Parity, numbers
from hydrofoil.tools.parity.probes import identity
from hydrofoil.tools.parity.samples import BASE, PARTIAL, SPECIAL, TIME, TIME_CONF, Sample

# See tests/conftest.py.
ONE_IN = 5

pytestmark = pytest.mark.parametrize("arrow", [True, False], ids=["arrow", "pickled"])

GROUP = 5
_SMALLEST_INTERVAL = "INTERVAL '-106751991 04:00:54.775808' DAY TO SECOND"
GROUPS = [BASE[start : start + GROUP] for start in range(0, len(BASE), GROUP)]


def returned(spark: SparkSession, columns: tuple[Sample, ...], arrow: bool) -> DataFrame:
    """Each column through a function that returns its argument."""
    frame = samples.columns(spark, columns)
    return frame.select(
        *[
            udf(identity, field.dataType, useArrow=arrow)(field.name).alias(field.name)
            for field in frame.schema
        ]
    )


def ordered(columns: Iterable[Sample], arrow: bool) -> tuple[Sample, ...]:
    """Those whose maps come back in a certain order.

    On the way back from the pickled path the JVM hashes rows by address.
    """
    return tuple(made for made in columns if arrow or not made.name.startswith("keyed_struct"))


def constants(spark: SparkSession, values: list[Any], declared: str, arrow: bool) -> DataFrame:
    """One row for each value, returned by a function that declares the type."""
    made = udf(lambda i: values[i], declared, useArrow=arrow)
    return numbers(spark, len(values)).select(made("id").alias("made"))


def test_all_types_in_one_projection(parity: Parity, arrow: bool) -> None:
    parity.same_rows(lambda spark: returned(spark, BASE, arrow))


@pytest.mark.parametrize("sample", SPECIAL + PARTIAL, ids=lambda sample: sample.name)
def test_special_types(parity: Parity, arrow: bool, sample: Sample) -> None:
    parity.same(lambda spark: returned(spark, (sample,), arrow))


def test_smallest_interval(parity: Parity, arrow: bool) -> None:
    """It fits the type, but pyarrow refuses to make it."""
    smallest = Sample("smallest", "INTERVAL DAY TO SECOND", (_SMALLEST_INTERVAL,))
    parity.same(lambda spark: returned(spark, (smallest,), arrow))


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0].name)
def test_nested_types(parity: Parity, arrow: bool, group: tuple[Sample, ...]) -> None:
    columns = ordered([made for base in group for made in samples.nested(base)], arrow)
    parity.same_rows(lambda spark: returned(spark, columns, arrow))


def test_nested_variants(parity: Parity, arrow: bool) -> None:
    variant = samples.named(SPECIAL, "variant")
    columns = (samples.arrays(variant), samples.string_maps(variant), samples.structs(variant))
    for column in columns:
        parity.same(lambda spark, column=column: returned(spark, (column,), arrow))


def test_time_type(parity: Parity, arrow: bool) -> None:
    with parity.under(conf=TIME_CONF):
        parity.same(lambda spark: returned(spark, (TIME,), arrow))


def test_large_var_types(parity: Parity, arrow: bool) -> None:
    string, binary = samples.named(BASE, "string"), samples.named(BASE, "binary")
    columns = ordered((string, binary, *samples.nested(string), *samples.nested(binary)), arrow)
    with parity.under(conf={"spark.sql.execution.arrow.useLargeVarTypes": "true"}):
        parity.same_rows(lambda spark: returned(spark, columns, arrow))


# Values that the pickled path and the Arrow path take as they are, in one query per type.
EXACT: dict[str, list[Any]] = {
    "boolean": [True, False, None],
    "tinyint": [-128, 127, 0, None],
    "smallint": [-(2**15), 2**15 - 1, None],
    "int": [-(2**31), 2**31 - 1, 0, None],
    "bigint": [-(2**63), 2**63 - 1, 0, None],
    "float": [0.0, -0.0, float("nan"), float("inf"), -float("inf"), 1e-45, 3.4028235e38, 0.1, 1e39],
    "double": [0.0, -0.0, float("nan"), float("-inf"), 5e-324, 1.7976931348623157e308, None],
    "string": ["", "a", "é", "\U0001f600", "a\0b", "x" * 100_000, None, "\ud7ff\ue000"],
    "binary": [b"", b"\x00", bytearray(b"array"), bytearray(), b"y" * 100_000, None],
    "date": [datetime.date.min, datetime.date.max, datetime.date(1582, 10, 10), None],
    "timestamp_ntz": [datetime.datetime.min, datetime.datetime.max, None],
    "interval day to second": [
        datetime.timedelta(0),
        datetime.timedelta(microseconds=-1),
        datetime.timedelta(days=106751991),
        datetime.timedelta(days=-106751991, microseconds=-1),
        None,
    ],
    "array<bigint>": [[], [1, None, -1], None, [2**63 - 1] * 1000],
    "array<array<string>>": [[], [[]], [None, [None, "x"]], None],
    "map<string,int>": [{}, {"": None}, {"a": 1, "b": 2}, None],
    "map<int,array<double>>": [{}, {1: [], 2: None, 3: [1.0, None]}, None],
    "struct<>": [(), Row(), None],
    "struct<a:int,b:string>": [
        (1, "x"),
        (None, None),
        Row(a=2, b="y"),
        Row(b=3, a="z"),
        Row("p", "q")(4, "w"),
        {"a": 5, "b": "v"},
        {"b": "only"},
        {"a": 6, "b": "u", "c": "extra"},
        {},
        None,
    ],
    "struct<a:struct<b:array<int>>,c:map<string,struct<d:date>>>": [
        (([1, None],), {"k": (datetime.date(2024, 1, 1),), "n": None}),
        ((None,), {}),
        (None, None),
        Row(a=Row(b=[]), c={"k": Row(d=None)}),
    ],
    "array<struct<a:int>>": [[(1,), None, Row(a=2), {"a": 3}, {}], [], None],
    "void": [None, None],
    "varchar(3)": ["abc", "", None],
    "char(3)": ["abc", "a", None],
    "string collate UNICODE_CI": ["A", None],
}


@pytest.mark.parametrize("declared", EXACT)
def test_exact_results(parity: Parity, arrow: bool, declared: str) -> None:
    parity.same(lambda spark: constants(spark, EXACT[declared], declared, arrow))


DECIMALS = [
    Decimal(text)
    for text in (
        "0", "-0", "1", "-1", "0.5", "1.5", "2.5", "-2.5", "0.005", "0.015", "0.025", "1E-30",
        "1E+3", "-1E-39", "9.99", "9.994", "9.995", "9.985", "1.23456789", "00012.3400",
        "0E-20", "0E+5", "NaN", "-NaN", "99999999.99",
    )
]  # fmt: skip


@pytest.mark.parametrize("declared", ["decimal(10,2)", "decimal(38,18)", "decimal(38,30)"])
def test_decimals_are_rescaled(parity: Parity, arrow: bool, declared: str) -> None:
    parity.same(lambda spark: constants(spark, DECIMALS, declared, arrow))


def test_decimals_of_all_scales(parity: Parity, arrow: bool) -> None:
    values = [Decimal("1"), Decimal("-0.4999"), Decimal("0.5"), Decimal("0"), None]
    types = ["decimal(1,0)", "decimal(5,4)", "decimal(18,0)", "decimal(19,0)", "decimal(38,37)"]

    def build(spark: SparkSession) -> DataFrame:
        frame = numbers(spark, len(values))
        return frame.select(
            *[udf(lambda i: values[i], t, useArrow=arrow)("id").alias(t) for t in types]
        )

    parity.same_rows(build)


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("decimal(10,2)", "Infinity"),
        ("decimal(10,2)", "sNaN"),
        ("decimal(10,2)", "100000000"),
        ("decimal(10,0)", "1E+4294967296"),
        ("decimal(10,2)", "99999999.995"),
        ("decimal(38,0)", "1E38"),
        ("decimal(38,38)", "1"),
    ],
)
def test_decimals_that_do_not_fit(parity: Parity, arrow: bool, declared: str, text: str) -> None:
    parity.same(lambda spark: constants(spark, [Decimal(0), Decimal(text)], declared, arrow))


def test_structs_from_other_objects(parity: Parity, arrow: bool) -> None:
    class Plain:
        def __init__(self, a: int) -> None:
            self.a, self.b = a, str(a)

    class Partial:
        def __init__(self) -> None:
            self.b = "b"

    Named = namedtuple("Named", ["b", "a"])

    class Derived(tuple[Any, ...]):
        pass

    class Dict(dict[str, Any]):
        pass

    values = [Plain(1), Partial(), Named(2, "x"), Derived((3, "y")), Dict(a=4, b="z")]
    parity.same(lambda spark: constants(spark, values, "struct<a:int,b:string>", arrow))


def test_subclasses_of_the_exact_types(parity: Parity, arrow: bool) -> None:
    class Int(int):
        pass

    class Float(float):
        pass

    class Text(str):
        __slots__ = ()

    class Bytes(bytes):
        pass

    class List(list[Any]):
        pass

    class Dict(dict[str, Any]):
        pass

    class Date(datetime.date):
        pass

    class Dec(Decimal):
        pass

    values = {
        "bigint": Int(3),
        "double": Float(1.5),
        "string": Text("text"),
        "binary": Bytes(b"bytes"),
        "array<int>": List([1, 2]),
        "map<string,int>": Dict(a=1),
        "date": Date(2024, 1, 2),
        "decimal(5,1)": Dec("1.5"),
    }
    if arrow:
        parity.same_rows(
            lambda spark: numbers(spark, 2).select(
                *[udf(lambda i, v=v: v, t)("id").alias(t) for t, v in values.items()]
            )
        )
    else:
        for declared, value in values.items():
            parity.same(lambda spark, d=declared, v=value: constants(spark, [v], d, False))


def test_same_mutable_object_each_time(parity: Parity, arrow: bool) -> None:
    def build(spark: SparkSession) -> DataFrame:
        shared: list[int] = []
        table: dict[str, int] = {}

        def grow(i: int) -> list[int]:
            shared.append(i)
            return shared

        def fill(i: int) -> dict[str, int]:
            table[str(i)] = i
            return table

        return numbers(spark, 5).select(
            udf(grow, "array<bigint>", useArrow=arrow)("id").alias("list"),
            udf(fill, "map<string,bigint>", useArrow=arrow)("id").alias("dict"),
        )

    parity.same_rows(build)


def entries(spark: SparkSession, columns: dict[str, list[Any]], arrow: bool) -> DataFrame:
    """For each declared type a column of the values' entries, all rows in one batch."""
    return numbers(spark, 2).select(
        *[
            udf(lambda i, v=values: v[i], declared, useArrow=arrow)("id").alias(declared)
            for declared, values in columns.items()
        ]
    )


KEYED = {
    "map<string,int>": {1: 10, "1": 20, False: 1, "false": 2, 1.5: 3, "1.5": 4},
    "map<float,int>": {0.1: 1, 0.1000000001: 2, -0.0: 3},
    "map<decimal(4,1),int>": {Decimal("1.01"): 1, Decimal("1.02"): 2},
    "map<struct<a:int,s:string>,int>": {(1, 1): 1, (1, "1"): 2},
    "array<map<string,int>>": [{1: 10, "1": 20}, None],
}


def test_map_entries_do_not_depend_on_other_rows(parity: Parity, arrow: bool) -> None:
    """Keys that are different for Python, and equal in the column; the second row is stock's."""
    # A struct has no converter for the pickled path's rows of tuples as keys.
    columns = {
        declared: [value, OrderedDict(value) if isinstance(value, dict) else (value[0],)]
        for declared, value in KEYED.items()
        if arrow or "struct" not in declared
    }
    for row in (1, 0):
        # Where the other row is plain, the encoders have the whole batch.
        made = {name: [values[0], values[row]] for name, values in columns.items()}
        parity.same(lambda spark, made=made: listed(entries(spark, made, arrow)))


def listed(frame: DataFrame) -> DataFrame:
    """Maps as arrays of entries: a dict of the driver's would merge equal keys."""
    return frame.selectExpr(
        *[
            f"map_entries(`{name}`)"
            if name.startswith("map")
            else f"transform(`{name}`, m -> map_entries(m))"
            for name in frame.columns
        ]
    )


def test_surrogates(parity: Parity, arrow: bool) -> None:
    parity.same(lambda spark: constants(spark, ["ok", "bad \udc80"], "string", arrow))
