"""Results that a function made with pyarrow or Polars, in every layout that Arrow has for them.

What Spark's reader takes has the same values under Hydrofoil's operators, and what it refuses the
same error; so it is with either worker in front of either operators.
"""

import datetime
import decimal
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from columnar_compare import Comparison, Outcome
from pyspark.sql import DataFrame, SparkSession

from hydrofoil.tools.parity.engines import HYDROFOIL, WARM_STOCK, Engine

# See tests/conftest.py.
ONE_IN = 3

TEXTS = ["a", None, "ä text that is longer than a view holds", "", "e"]
LISTS = [["a", None], None, [], ["b"], ["c", "d", "e"]]
STRUCTS = [{"x": 1, "y": "a"}, None, {"x": None, "y": "c"}, {"x": 4, "y": None}, {"x": 5, "y": "e"}]
MAPS = [[("k", 1)], None, [], [("l", None)], [("m", 3), ("n", 4)]]
NUMBERS = [1, None, 3, 4, 5]
DECIMALS = [decimal.Decimal("1.50"), None, decimal.Decimal("-3.25"), decimal.Decimal(0), None]
DAYS = [datetime.date(2020, 1, 1), None, datetime.date(1900, 2, 3), None, datetime.date(2100, 1, 1)]
TIMES = [
    datetime.datetime(2020, 1, 1, 1, 2, 3, 4000),
    None,
    None,
    datetime.datetime(1900, 1, 1),
    None,
]
SPANS = [datetime.timedelta(days=1, microseconds=2000), None, None, datetime.timedelta(0), None]


def struct(**fields: Any) -> pa.DataType:
    return pa.struct(list(fields.items()))


def entries(key: pa.Field, value: pa.Field, ordered: bool = False) -> pa.DataType:
    return pa.map_(key, value, keys_sorted=ordered)


def sliced(array: pa.Array) -> pa.Array:
    return pa.concat_arrays([array, array, array])[3:8]


def misaligned(array: pa.Array) -> pa.Array:
    """The same values in buffers that begin at odd addresses."""

    def moved(buffer: pa.Buffer | None) -> pa.Buffer | None:
        return buffer and pa.py_buffer(b"x" + buffer.to_pybytes()).slice(1)

    return pa.Array.from_buffers(
        array.type, len(array), [moved(b) for b in array.buffers()], array.null_count
    )


def of(values: list[Any], kind: pa.DataType) -> Callable[[], pa.Array]:
    return lambda: pa.array(values, kind)


def cast(values: list[Any], kind: pa.DataType) -> Callable[[], pa.Array]:
    return lambda: pa.array(values).cast(kind)


def extended() -> pa.Array:
    return pa.ExtensionArray.from_storage(
        pa.json_(pa.string()), pa.array(["1", None, "{}", "[]", "2"])
    )


def polars_batches() -> pa.Array:
    import polars as pl

    return pl.Series("v", TEXTS).to_arrow()


def polars_nested() -> pa.Array:
    import polars as pl

    return pl.Series("v", [LISTS, None, LISTS[:1], [], LISTS]).to_arrow()


# The type that is declared, and what the function returns for it.
LAYOUTS: dict[str, tuple[str, Callable[[], pa.Array]]] = {
    "string": ("string", of(TEXTS, pa.string())),
    "large string": ("string", of(TEXTS, pa.large_string())),
    "large string, sliced": ("string", lambda: sliced(pa.array(TEXTS, pa.large_string()))),
    "large string, no nulls": ("string", of(["a", "b", "", "d", "e"], pa.large_string())),
    "large string, nulls alone": ("string", of([None] * 5, pa.large_string())),
    "large string, misaligned": ("string", lambda: misaligned(pa.array(TEXTS, pa.large_string()))),
    "string, misaligned": ("string", lambda: misaligned(pa.array(TEXTS))),
    "string view": ("string", of(TEXTS, pa.string_view())),
    "dictionary": ("string", lambda: pa.array(TEXTS).dictionary_encode()),
    "run ends": (
        "string",
        lambda: pa.RunEndEncodedArray.from_arrays([2, 5], pa.array(["a", "b"])),
    ),
    "Polars' strings": ("string", polars_batches),
    "Polars' lists of lists": ("array<array<string>>", polars_nested),
    "extension": ("string", extended),
    "null for string": ("string", of([None] * 5, pa.null())),
    "null": ("void", of([None] * 5, pa.null())),
    "number for string": ("string", of(NUMBERS, pa.int64())),
    "binary for string": ("string", of([b"a", None, b"c", b"", b"e"], pa.binary())),
    "binary": ("binary", of([b"a", None, b"c", b"", b"e"], pa.binary())),
    "large binary": ("binary", of([b"a", None, b"c", b"", b"e"], pa.large_binary())),
    "large binary for string": ("string", of([b"a", None, b"c", b"", b"e"], pa.large_binary())),
    "large string for binary": ("binary", of(TEXTS, pa.large_string())),
    "binary view": ("binary", of([b"a", None, b"c", b"", b"e"], pa.binary_view())),
    "fixed binary": ("binary", of([b"ab", None, b"cd", b"ef", b"gh"], pa.binary(2))),
    "list": ("array<string>", of(LISTS, pa.list_(pa.string()))),
    "list of large": ("array<string>", of(LISTS, pa.list_(pa.large_string()))),
    "list of large, sliced": (
        "array<string>",
        lambda: sliced(pa.array(LISTS, pa.list_(pa.large_string()))),
    ),
    "large list": ("array<string>", of(LISTS, pa.large_list(pa.string()))),
    "list view": ("array<string>", of(LISTS, pa.list_view(pa.string()))),
    "fixed list": (
        "array<long>",
        of([[1, 2], None, [3, None], [4, 5], [6, 7]], pa.list_(pa.int64(), 2)),
    ),
    "list of another name": (
        "array<string>",
        of(LISTS, pa.list_(pa.field("thing", pa.string(), metadata={"a": "b"}))),
    ),
    "list of no nulls": (
        "array<string>",
        of([["a"], None, [], ["b"], ["c"]], pa.list_(pa.field("item", pa.large_string(), False))),
    ),
    "struct": ("struct<x:long,y:string>", of(STRUCTS, struct(x=pa.int64(), y=pa.string()))),
    "struct of large": (
        "struct<x:long,y:string>",
        of(STRUCTS, struct(x=pa.int64(), y=pa.large_string())),
    ),
    "struct, sliced": (
        "struct<x:long,y:string>",
        lambda: sliced(pa.array(STRUCTS, struct(x=pa.int64(), y=pa.large_string()))),
    ),
    "struct of other names": (
        "struct<x:long,y:string>",
        lambda: pa.array(
            [(1, "a"), None, (3, "c")] + [None] * 2, struct(p=pa.int64(), q=pa.string())
        ),
    ),
    "struct of another order": (
        "struct<x:long,y:string>",
        of(STRUCTS, struct(y=pa.string(), x=pa.int64())),
    ),
    "struct of more": (
        "struct<x:long,y:string>",
        of(STRUCTS, struct(x=pa.int64(), y=pa.string(), z=pa.int8())),
    ),
    "struct of fewer": ("struct<x:long,y:string>", of(STRUCTS, struct(x=pa.int64()))),
    "struct of narrow": (
        "struct<x:long,y:string>",
        of(STRUCTS, struct(x=pa.int8(), y=pa.string())),
    ),
    "map": ("map<string,long>", of(MAPS, pa.map_(pa.string(), pa.int64()))),
    "map of large": ("map<string,long>", of(MAPS, pa.map_(pa.large_string(), pa.int64()))),
    "map of other names": (
        "map<string,long>",
        of(MAPS, entries(pa.field("k", pa.string(), False), pa.field("v", pa.int64()))),
    ),
    "map in order": (
        "map<string,long>",
        of(MAPS, entries(pa.field("key", pa.string(), False), pa.field("value", pa.int64()), True)),
    ),
    "list for map": (
        "map<string,long>",
        of(
            [[{"key": "a", "value": 1}], None, [], [], []],
            pa.list_(struct(key=pa.string(), value=pa.int64())),
        ),
    ),
    "union": (
        "string",
        lambda: pa.UnionArray.from_sparse(pa.array([0] * 5, pa.int8()), [pa.array(TEXTS)]),
    ),
    "int8 for long": ("long", of(NUMBERS, pa.int8())),
    "int32 for long": ("long", of(NUMBERS, pa.int32())),
    "long for int": ("int", of(NUMBERS, pa.int64())),
    "uint8": ("byte", of(NUMBERS, pa.uint8())),
    "uint32": ("int", of(NUMBERS, pa.uint32())),
    "uint64": ("long", of(NUMBERS, pa.uint64())),
    "half": ("float", cast([1.0, None, 2.0, 3.0, 4.0], pa.float16())),
    "float for double": ("double", of([1.0, None, 2.0, 3.0, 4.0], pa.float32())),
    "bool, sliced": ("boolean", lambda: sliced(pa.array([True, None, False, True, False]))),
    "long, misaligned": ("long", lambda: misaligned(pa.array(NUMBERS))),
    "decimal": ("decimal(10,2)", of(DECIMALS, pa.decimal128(10, 2))),
    "decimal of 32 bits": ("decimal(9,2)", of(DECIMALS, pa.decimal32(9, 2))),
    "decimal of 64 bits": ("decimal(10,2)", of(DECIMALS, pa.decimal64(10, 2))),
    "decimal of 256 bits": ("decimal(10,2)", of(DECIMALS, pa.decimal256(10, 2))),
    "decimal of another scale": ("decimal(10,2)", of(DECIMALS, pa.decimal128(12, 4))),
    "date": ("date", of(DAYS, pa.date32())),
    "date of milliseconds": ("date", of(DAYS, pa.date64())),
    "timestamp": ("timestamp", of(TIMES, pa.timestamp("us", "UTC"))),
    "timestamp of a zone": ("timestamp", of(TIMES, pa.timestamp("us", "Asia/Tokyo"))),
    "timestamp of nanoseconds": ("timestamp", of(TIMES, pa.timestamp("ns", "UTC"))),
    "timestamp of seconds": ("timestamp", cast(DAYS, pa.timestamp("s", "UTC"))),
    "timestamp of no zone": ("timestamp", of(TIMES, pa.timestamp("us"))),
    "timestamp_ntz": ("timestamp_ntz", of(TIMES, pa.timestamp("us"))),
    "timestamp_ntz of a zone": ("timestamp_ntz", of(TIMES, pa.timestamp("us", "UTC"))),
    "timestamp_ntz of milliseconds": ("timestamp_ntz", of(TIMES, pa.timestamp("ms"))),
    "duration": ("interval day to second", of(SPANS, pa.duration("us"))),
    "duration of milliseconds": ("interval day to second", of(SPANS, pa.duration("ms"))),
    "duration for long": ("long", of(SPANS, pa.duration("us"))),
    "months and days": (
        "interval",
        # Made in the worker: what pyarrow has for such a value is not pickled.
        lambda: pa.array(
            [pa.MonthDayNano([1, 2, 3000]), *[None] * 4], pa.month_day_nano_interval()
        ),
    ),
    "time": ("long", of([datetime.time(1, 2, 3), None, None, None, None], pa.time64("us"))),
}


# What Spark 4.0 takes, and all versions after it.
TAKEN = (
    "string",
    "large string",
    "large string, sliced",
    "large string, no nulls",
    "large string, nulls alone",
    "large string, misaligned",
    "string, misaligned",
    "Polars' strings",
    "extension",
    "null for string",
    "null",
    "binary",
    "large binary",
    "list",
    "list of large",
    "list of large, sliced",
    "list of another name",
    "list of no nulls",
    "struct",
    "struct of large",
    "struct, sliced",
    "struct of other names",
    "struct of more",
    "map",
    "map of large",
    "map in order",
    "bool, sliced",
    "long, misaligned",
    "decimal",
    "decimal of another scale",
    "date",
    "timestamp",
    "timestamp of a zone",
    "timestamp of no zone",
    "timestamp_ntz",
    "timestamp_ntz of a zone",
    "duration",
    "duration for long",
)

OURS: list[tuple[bool, Engine]] = [(True, HYDROFOIL)]
# And the other worker in front of the other operators.
ALL = [*OURS, (True, WARM_STOCK), (False, HYDROFOIL)]

Batches = Callable[[], Iterator[pa.RecordBatch]]


def same(
    compare: Comparison,
    schema: str,
    batches: Batches,
    combinations: list[tuple[bool, Engine]],
    above: Callable[[DataFrame], DataFrame] = lambda frame: frame,
) -> Outcome:
    """Compare with stock what a function answers to one batch, and return stock's outcome."""

    def answer(received: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in received:
            yield from batches()

    def build(spark: SparkSession) -> DataFrame:
        return above(spark.range(0, 2, 1, 1).mapInArrow(answer, schema))

    expected = compare.run(build, False, WARM_STOCK)
    for ours, engine in combinations:
        before = compare.held()
        got = compare.run(build, ours, engine)
        assert got == expected, f"{engine.name}'s worker, operators of ours: {ours}"
        assert compare.held(before) == before
    return expected


def test_layouts_that_are_taken(compare: Comparison) -> None:
    """In columns beside one another, whole and read by another function."""
    schema = ", ".join(f"`{name}` {LAYOUTS[name][0]}" for name in TAKEN)

    def batches() -> Iterator[pa.RecordBatch]:
        arrays = [LAYOUTS[name][1]() for name in TAKEN]
        whole = pa.RecordBatch.from_arrays(arrays, list(TAKEN))
        yield from (whole, whole.slice(1, 3), whole.slice(2, 0), whole.slice(4))

    def again(frame: DataFrame) -> DataFrame:
        return frame.mapInArrow(lambda batches: batches, frame.schema)

    taken = same(compare, schema, batches, ALL)
    assert taken.error is None and len(taken.rows) == 9
    assert same(compare, schema, batches, OURS, again) == taken


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name not in TAKEN])
def test_layout(compare: Comparison, layout: str) -> None:
    declared, make = LAYOUTS[layout]

    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_arrays([make()], ["v"])

    same(compare, f"v {declared}", batches, OURS)


def of_columns(*columns: tuple[str, pa.Array]) -> pa.RecordBatch:
    names, arrays = [name for name, _ in columns], [array for _, array in columns]
    return pa.RecordBatch.from_arrays(arrays, names)


LARGE = pa.array(["a", "b"], pa.large_string())
PAIR = pa.array([1, 2])
BATCHES: dict[str, tuple[str, Batches]] = {
    "another layout later": (
        "v string",
        lambda: iter([of_columns(("v", LARGE)), of_columns(("v", LARGE.cast(pa.string())))]),
    ),
    "a column more": ("v string", lambda: iter([of_columns(("v", LARGE), ("n", PAIR))])),
    "a column fewer": ("v string, n long", lambda: iter([of_columns(("v", LARGE))])),
    "no columns": ("v string", lambda: iter([of_columns()])),
    "no batches": ("v string", lambda: iter([])),
    "another order": ("v string, n long", lambda: iter([of_columns(("n", PAIR), ("v", LARGE))])),
    "other names": ("v string, n long", lambda: iter([of_columns(("x", LARGE), ("y", PAIR))])),
    "metadata": (
        "v string",
        lambda: iter(
            [
                pa.RecordBatch.from_arrays(
                    [LARGE],
                    schema=pa.schema(
                        [pa.field("v", pa.large_string(), False, {"a": "b"})], {"c": "d"}
                    ),
                )
            ]
        ),
    ),
    "a table": ("v string", lambda: iter([pa.table({"v": LARGE})])),
}


@pytest.mark.parametrize("batches", BATCHES)
def test_batches(compare: Comparison, batches: str) -> None:
    schema, make = BATCHES[batches]
    same(compare, schema, make, OURS)
